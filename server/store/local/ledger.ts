import type { ReleaseCause } from "../../coordination/event.ts";
import type { Acquired, AcquireRequest, FencingToken, Origin, RequestId } from "../../coordination/lock.ts";
import { type Resource, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import { acquire } from "./acquire.ts";
import { readNumber } from "./counters.ts";
import type { Database } from "./database.ts";
import { finish } from "./finished.ts";
import { removeHolds, removeTickets } from "./grants.ts";
import { parseOwner } from "./owner.ts";
import { handOff } from "./queue.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

// An answer that has not been noted after this long never will be: its process is gone or has given up.
const answerMs = 10_000;

/**
 * How far a request has got with the team's store. `lining`: in this machine's queue, not sent. `asking`: sent, no answer
 * yet. `waiting`: in the team's queue, and first of this machine. `granted`: the team's until its deadline. `here`: stands on this
 * machine only. `ending`: over here, perhaps not there.
 */
export type Stage = "lining" | "asking" | "waiting" | "granted" | "here" | "ending";

export interface Entry {
	readonly request: RequestId;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly stage: Stage;
	/** What the request is called in the team's store: another name each time it had to be asked for anew. */
	readonly name: RequestId;
	/** At `granted` the holder's deadline; at `waiting` until when somebody else is known to hold it; at `asking` how long an answer may take. */
	readonly until: number;
}

/** A granted request of this machine, with all that is needed to ask for it again. */
export interface Held
	extends Pick<AcquireRequest, "request" | "project" | "session" | "resources" | "origin" | "owner"> {
	readonly ttlMs: number;
	readonly token: FencingToken;
	readonly entry: Entry | undefined;
}

/** Why a hold ends. */
export interface Ending {
	readonly cause: ReleaseCause;
	readonly by?: SessionId;
	readonly reason?: string;
}

/** How the ledger gets at the database: `step` lets go first what has expired, `write` rings, `quietly` does not. */
export interface LedgerAccess {
	step<T>(body: (now: number) => T): Promise<T>;
	write<T>(body: () => T): Promise<T>;
	quietly<T>(body: () => T): Promise<T>;
	read<T>(body: () => T): Promise<T>;
}

/** Which requests of this machine stand, may stand or should not stand any more in the team's store. */
export class Ledger {
	readonly #database: Database;
	readonly #access: LedgerAccess;

	constructor(database: Database, access: LedgerAccess) {
		this.#database = database;
		this.#access = access;
	}

	/** Acquires on this machine, and notes in the same step that the team's store is to be asked. */
	acquire(wanted: AcquireRequest): Promise<{ readonly answer: Acquired; readonly entry: Entry | undefined }> {
		return this.#access.step((now) => {
			const answer = acquire(this.#database, now, wanted);
			const known = this.#find(wanted.request);
			if (answer.ok && (known === undefined || known.stage === "lining" || known.stage === "ending")) {
				this.#put(wanted, "asking", now + answerMs);
			} else if (!answer.ok && answer.reason === "held" && answer.queued && known === undefined) {
				this.#put(wanted, "lining", 0);
			}
			return { answer, entry: this.#find(wanted.request) };
		});
	}

	/** Notes that the team's store is being asked for something that this machine has not granted yet. */
	async announce(wanted: AcquireRequest): Promise<void> {
		await this.#access.step((now) => {
			if (this.#find(wanted.request) === undefined) this.#put(wanted, "asking", now + answerMs);
		});
	}

	/** Notes a lock that was taken without the team, by a udo that knew of none. */
	note({ request, project, session }: Held): Promise<Entry> {
		return this.#access.quietly(() => {
			this.#put({ request, project, session }, "here", 0);
			return { request, project, session, stage: "here", name: request, until: 0 };
		});
	}

	/** What is known of a request, by its own name or the one it has in the team's store. */
	find(request: RequestId): Promise<Entry | undefined> {
		return this.#access.read(() => this.#find(request));
	}

	/** What is known of several. */
	entries(requests: readonly RequestId[]): Promise<ReadonlyMap<RequestId, Entry>> {
		return this.#access.read(() => {
			const sql = "SELECT * FROM team_requests WHERE request IN (SELECT value FROM json_each(?))";
			const rows = this.#database.all<Entry>(sql, JSON.stringify(requests));
			return new Map(rows.map((row) => [row.request, row]));
		});
	}

	/** The highest fencing token that this machine has seen. */
	fence(): Promise<FencingToken> {
		return this.#access.read(() => readNumber(this.#database, "fence") as FencingToken);
	}

	/**
	 * The team granted it: its token counts here as well, for the locks that this machine had given `here`. False when it was given
	 * up here meanwhile: the caller owes it back.
	 */
	granted(
		entry: Entry,
		grant: { readonly token: FencingToken; readonly here: FencingToken; readonly until: number },
	): Promise<boolean> {
		return this.#access.quietly(() => {
			const noted = this.#database.run(
				`UPDATE team_requests SET stage = 'granted', until = ?1, name = ?2 WHERE request = ?3 AND stage <> 'ending'
					AND EXISTS (SELECT 1 FROM holds WHERE holds.request = ?3)`,
				grant.until,
				entry.name,
				entry.request,
			);
			this.#database.run(
				"UPDATE holds SET token = ? WHERE project = ? AND session = ? AND token = ?",
				grant.token,
				entry.project,
				entry.session,
				grant.here,
			);
			this.#database.run("UPDATE counters SET value = max(value, ?) WHERE name = 'fence'", grant.token);
			return noted > 0;
		});
	}

	/** The team renewed it. */
	async renewed(request: RequestId, until: number): Promise<void> {
		await this.#access.quietly(() =>
			this.#database.run("UPDATE team_requests SET until = ? WHERE request = ? AND stage = 'granted'", until, request),
		);
	}

	/** Notes how far it has got. */
	async mark(request: RequestId, stage: Stage, until = 0): Promise<void> {
		await this.#access.quietly(() =>
			this.#database.run("UPDATE team_requests SET stage = ?, until = ? WHERE request = ?", stage, until, request),
		);
	}

	/** As if it had never been granted here; the same request may be made again. `isOwed`: it may stand in the team's store. */
	async undo(request: RequestId, isOwed: boolean): Promise<void> {
		await this.#access.step((now) => {
			removeHolds(this.#database, now, this.#holdsOf(request), { cause: "released" });
			this.#database.run("DELETE FROM finished WHERE request = ?", request);
			this.#close(request, isOwed);
			handOff(this.#database, now);
		});
	}

	/** Ends it here, hold or place; answers whether there was a hold. */
	end(request: RequestId, why: Ending, isOwed: boolean): Promise<boolean> {
		return this.#access.step((now) => {
			const holds = this.#holdsOf(request);
			const tickets = this.#database.all<TicketRow>("SELECT * FROM tickets WHERE request = ?", request);
			removeTickets(this.#database, now, tickets, why.cause === "died" ? "died" : "cancelled");
			removeHolds(this.#database, now, holds, why);
			finish(this.#database, now, request);
			this.#close(request, isOwed);
			if (holds.length + tickets.length > 0) handOff(this.#database, now);
			return holds.length > 0;
		});
	}

	/** Nothing is owed to the team's store for it any more. */
	async forget(requests: readonly RequestId[]): Promise<void> {
		if (requests.length === 0) return;
		await this.#access.quietly(() =>
			this.#database.run(
				"DELETE FROM team_requests WHERE request IN (SELECT value FROM json_each(?))",
				JSON.stringify(requests),
			),
		);
	}

	/** The requests that a session claimed without an owning process, as far as the team granted them. */
	claimsOf(project: ProjectId, session: SessionId): Promise<readonly Held[]> {
		return this.#access.read(() =>
			this.#held("session = ? AND project = ? AND owner IS NULL AND origin = 'claim'", session, project),
		);
	}

	/** What a request holds on this machine, if it does. */
	async heldBy(request: RequestId): Promise<Held | undefined> {
		return this.#access.read(() => this.#held("request = ?", request)[0]);
	}

	/** Forgets those of several that hold nothing here any more. */
	async forgetOver(requests: readonly RequestId[]): Promise<void> {
		if (requests.length === 0) return;
		await this.#access.quietly(() =>
			this.#database.run(
				`DELETE FROM team_requests WHERE request IN (SELECT value FROM json_each(?))
					AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.request = team_requests.request)`,
				JSON.stringify(requests),
			),
		);
	}

	/** Every granted request in a project that has been, or should be, asked for in the team's store. */
	held(project: ProjectId): Promise<readonly Held[]> {
		return this.#access.step((now) =>
			this.#held("project = ?", project).filter(
				({ entry }) =>
					entry === undefined ||
					entry.stage === "granted" ||
					entry.stage === "here" ||
					(entry.stage === "asking" && entry.until <= now),
			),
		);
	}

	/** What the team granted, whose deadline is over, and which cannot stand on this machine alone. */
	lapsed(project: ProjectId, now: number): Promise<readonly RequestId[]> {
		return this.#access.read(() =>
			this.#database
				.all<{ request: RequestId }>(
					`SELECT DISTINCT request FROM team_requests JOIN holds USING (request)
					WHERE team_requests.project = ? AND stage = 'granted' AND until <= ? AND kind NOT IN ('file', 'project')`,
					project,
					now,
				)
				.map(({ request }) => request),
		);
	}

	/** Until when a lock that the team granted to this machine in a project still runs; 0 when none does. */
	lastDeadline(project: ProjectId): Promise<number> {
		return this.#access.read(
			() =>
				this.#database.get<{ until: number | null }>(
					`SELECT max(until) AS until FROM team_requests
					WHERE project = ? AND stage = 'granted'
						AND EXISTS (SELECT 1 FROM holds WHERE holds.request = team_requests.request)`,
					project,
				)?.until ?? 0,
		);
	}

	/** What is over here and has to be given back there. What has lapsed there by itself is forgotten. */
	owed(project: ProjectId): Promise<readonly Entry[]> {
		return this.#access.step((now) => {
			this.#database.run(
				`DELETE FROM team_requests
				WHERE project = ? AND (stage = 'lining' OR (stage = 'granted' AND until <= ?)) AND ${isGone}`,
				project,
				now,
			);
			return this.#database.all<Entry>(
				`SELECT * FROM team_requests
				WHERE project = ? AND (stage = 'ending' OR (NOT (stage = 'asking' AND until > ?) AND ${isGone}))`,
				project,
				now,
			);
		});
	}

	/** Whether anything of a project is to be settled with the team's store, an outage aside. */
	isLoose(project: ProjectId): Promise<boolean> {
		return this.#access.read(() => {
			const found = this.#database.get<{ loose: 0 | 1 }>(
				`SELECT EXISTS (SELECT 1 FROM team_requests WHERE project = ?1 AND (stage IN ('here', 'ending')
						OR (stage <> 'asking' AND ${isGone})))
					OR EXISTS (SELECT 1 FROM team_projects WHERE project = ?1 AND doubts > 0)
					OR EXISTS (SELECT 1 FROM team_states WHERE project = ?1)
					OR EXISTS (SELECT 1 FROM conflicts WHERE project = ?1 AND resolution IS NULL)
					OR EXISTS (SELECT 1 FROM holds WHERE project = ?1
						AND NOT EXISTS (SELECT 1 FROM team_requests WHERE team_requests.request = holds.request))
					OR EXISTS (SELECT 1 FROM team_sessions WHERE project = ?1
						AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.project = ?1 AND id = session)) AS loose`,
				project,
			);
			return found?.loose === 1;
		});
	}

	#find(request: RequestId): Entry | undefined {
		return this.#database.get<Entry>("SELECT * FROM team_requests WHERE request = ?", firstName(request));
	}

	#put(
		{ request, project, session }: Pick<Entry, "request" | "project" | "session">,
		stage: Stage,
		until: number,
	): void {
		this.#database.run(
			`INSERT INTO team_requests VALUES (?1, ?2, ?3, ?4, ?1, ?5)
			ON CONFLICT (request) DO UPDATE SET stage = excluded.stage, until = excluded.until`,
			request,
			project,
			session,
			stage,
			until,
		);
	}

	#close(request: RequestId, isOwed: boolean): void {
		if (isOwed) this.#database.run("UPDATE team_requests SET stage = 'ending' WHERE request = ?", request);
		else this.#database.run("DELETE FROM team_requests WHERE request = ?", request);
	}

	#holdsOf(request: RequestId): HoldRow[] {
		return this.#database.all("SELECT * FROM holds WHERE request = ? ORDER BY project, resource", request);
	}

	#held(which: string, ...values: string[]): Held[] {
		const rows = this.#database.all<HoldRow>(`SELECT * FROM holds WHERE ${which} ORDER BY since, request`, ...values);
		const requests = new Map<RequestId, [HoldRow, ...HoldRow[]]>();
		for (const row of rows) {
			const group = requests.get(row.request);
			if (group === undefined) requests.set(row.request, [row]);
			else group.push(row);
		}
		return [...requests.values()].map((group) => this.#toHeld(group));
	}

	#toHeld(group: readonly [HoldRow, ...HoldRow[]]): Held {
		const [{ request, project, session, ttl, owner }] = group;
		const process = parseOwner(owner);
		return {
			request,
			project,
			session,
			resources: group.map(({ resource }): Resource => resourceOf(resource)),
			origin: group[0].origin satisfies Origin,
			ttlMs: ttl,
			token: Math.max(...group.map(({ token }) => token)) as FencingToken,
			entry: this.#find(request),
			...(process && { owner: process }),
		};
	}
}

const isGone = `NOT EXISTS (SELECT 1 FROM holds WHERE holds.request = team_requests.request)
	AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.request = team_requests.request)`;

/** Whether a resource may be locked on this machine alone while the team's store is away. */
export function standsAlone({ kind }: Resource): boolean {
	return kind === "file" || kind === "project";
}

/** Another name for a request whose last one is spent in the team's store. */
export function nextName(name: RequestId): RequestId {
	const [first = name, n = "0"] = name.split("~");
	return `${first}~${Number(n) + 1}` as RequestId;
}

/** The name by which this machine knows a request, from the one that it has in the team's store. */
export function firstName(name: RequestId): RequestId {
	return name.replace(/~\d+$/, "") as RequestId;
}
