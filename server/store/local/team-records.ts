import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import type { LedgerAccess } from "./ledger.ts";
import { readMeta, writeMeta } from "./records.ts";

/** The team's store cannot be reached from this machine: since when, why, and when it is worth asking again. */
export interface Outage {
	readonly since: number;
	readonly why: string;
	readonly tries: number;
	readonly askAt: number;
	/** It answers again, and a process is telling it what happened meanwhile. */
	readonly isReturning: boolean;
}

/** What the processes of this machine tell each other about the team's store of a project. */
export class TeamRecords {
	readonly #database: Database;
	readonly #access: LedgerAccess;

	constructor(database: Database, access: LedgerAccess) {
		this.#database = database;
		this.#access = access;
	}

	/** The outage that a project is in, if it is. */
	outage(project: ProjectId): Promise<Outage | undefined> {
		return this.#access.read(() => this.#outage(project));
	}

	/** It did not answer: the first to notice starts the outage, the others make it ask later. */
	fell(
		project: ProjectId,
		{ server, why, now }: { readonly server: string; readonly why: string; readonly now: number },
		pauseMs: (tries: number) => number,
	): Promise<Outage> {
		return this.#access.write(() => {
			const known = this.#outage(project);
			const tries = (known?.tries ?? -1) + 1;
			const outage = { since: known?.since ?? now, why, tries, askAt: now + pauseMs(tries), isReturning: false };
			if (known === undefined) {
				this.#startLog(project);
				const body = { type: "link_changed", state: "local", server, why } as const;
				appendEvent(this.#database, project, { session: undefined }, body);
			}
			this.#setOutage(project, outage);
			return outage;
		});
	}

	/** Whether this process is the one to ask again now, which it is when it sees it up; the others wait for its answer until then. */
	mayAsk(
		project: ProjectId,
		{ now, until, isUp }: { readonly now: number; readonly until: number; readonly isUp: boolean },
	): Promise<boolean> {
		return this.#access.quietly(() => {
			const outage = this.#outage(project);
			if (outage === undefined || (!isUp && now < outage.askAt)) return false;
			this.#setOutage(project, { ...outage, askAt: until });
			return true;
		});
	}

	/** Whether this process is the one to settle what is open; until then no other one may. */
	maySettle(project: ProjectId, now: number, until: number): Promise<boolean> {
		return this.#access.write(() => {
			if (Number(readMeta(this.#database, settlingKey + project) ?? 0) > now) return false;
			writeMeta(this.#database, settlingKey + project, String(until));
			const outage = this.#outage(project);
			if (outage !== undefined) this.#setOutage(project, { ...outage, isReturning: true });
			return true;
		});
	}

	/** Settled, or given up. */
	async settled(project: ProjectId): Promise<void> {
		await this.#access.quietly(() => this.#database.run("DELETE FROM meta WHERE key = ?", settlingKey + project));
	}

	/** Ends the outage, unless a lock came to stand on this machine alone that is not among `tried`. */
	over(project: ProjectId, tried: ReadonlySet<string>): Promise<boolean> {
		return this.#access.write(() => {
			const alone = this.#database.all<{ request: string }>(
				`SELECT request FROM team_requests WHERE project = ? AND stage = 'here'
					AND EXISTS (SELECT 1 FROM holds WHERE holds.request = team_requests.request)`,
				project,
			);
			if (alone.some(({ request }) => !tried.has(request))) return false;
			this.#database.run("DELETE FROM meta WHERE key = ?", outageKey + project);
			return true;
		});
	}

	/** Lets a request stand on this machine alone, if the outage still lasts, or for this process `isAlone`. */
	standAlone(project: ProjectId, request: string, isAlone: boolean): Promise<boolean> {
		return this.#access.write(() => {
			if (!isAlone && this.#outage(project) === undefined) return false;
			this.#database.run("UPDATE team_requests SET stage = 'here' WHERE request = ?", request);
			return true;
		});
	}

	/** The sessions here that the team's store knew, and which ended meanwhile. */
	goneSessions(project: ProjectId): Promise<readonly SessionId[]> {
		return this.#access.read(() =>
			this.#database
				.all<{ session: SessionId }>(
					`SELECT session FROM team_sessions WHERE project = ?1
						AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.project = ?1 AND id = session)`,
					project,
				)
				.map(({ session }) => session),
		);
	}

	/** The team's store knows this session, and its log has come this far. */
	async joined(project: ProjectId, session: SessionId, there: number): Promise<void> {
		const isKnown = await this.#access.read(
			() =>
				this.#database.get(
					`SELECT 1 FROM team_sessions JOIN team_projects USING (project) WHERE project = ? AND session = ? AND there >= ?`,
					project,
					session,
					there,
				) !== undefined,
		);
		if (isKnown) return;
		await this.#access.quietly(() => {
			this.#database.run("INSERT OR IGNORE INTO team_sessions VALUES (?, ?)", project, session);
			this.#saw(project, there);
		});
	}

	/** The team's store does not know these sessions any more, in one project or in all. */
	async left(sessions: readonly SessionId[], project: ProjectId | undefined): Promise<void> {
		await this.#access.quietly(() => {
			const ids = JSON.stringify(sessions);
			const which = "session IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR project = ?2)";
			this.#database.run(`DELETE FROM team_sessions WHERE ${which}`, ids, project ?? null);
			this.#database.run(
				`DELETE FROM team_requests WHERE ${which}
					AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.request = team_requests.request)
					AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.request = team_requests.request)`,
				ids,
				project ?? null,
			);
		});
	}

	/** How far the team's log had come, this machine's when the outage began, and what the team has got of that since. */
	log(project: ProjectId): Promise<{ readonly there: number; readonly here: number; readonly sent: number }> {
		return this.#access.read(
			() =>
				this.#database.get<{ there: number; here: number; sent: number }>(
					"SELECT there, here, sent FROM team_projects WHERE project = ?",
					project,
				) ?? { there: 0, here: 0, sent: 0 },
		);
	}

	/** The team has got what it is to know of this machine's log up to here. */
	async sent(project: ProjectId, seq: number): Promise<void> {
		await this.#access.quietly(() =>
			this.#database.run("UPDATE team_projects SET sent = ? WHERE project = ?", seq, project),
		);
	}

	/** Which data of the team's store the locks of a project rely on; undefined when it was never joined. */
	boot(project: ProjectId): Promise<string | undefined> {
		return this.#access.read(
			() =>
				this.#database.get<{ boot: string | null }>("SELECT boot FROM team_projects WHERE project = ?", project)
					?.boot ?? undefined,
		);
	}

	/** The project is on this data of this server now. Another one than before makes the locks doubtful. */
	async booted(project: ProjectId, boot: { readonly id: string; readonly server: string }): Promise<void> {
		const known = await this.#access.read(() =>
			this.#database.get<{ boot: string | null; server: string | null }>(
				"SELECT boot, server FROM team_projects WHERE project = ?",
				project,
			),
		);
		if (known?.boot === boot.id && known.server === boot.server) return;
		await this.#access.quietly(() =>
			this.#database.run(
				`INSERT INTO team_projects (project, boot, server) VALUES (?, ?, ?) ON CONFLICT (project) DO UPDATE
				SET doubts = doubts + (boot IS NOT NULL), there = iif(boot = excluded.boot, there, 0),
					boot = excluded.boot, server = excluded.server`,
				project,
				boot.id,
				boot.server,
			),
		);
	}

	/** How often it became doubtful whether the locks that the team granted still stand, since that was asked. */
	doubts(project: ProjectId): Promise<number> {
		const sql = "SELECT doubts FROM team_projects WHERE project = ?";
		return this.#access.read(() => this.#database.get<{ doubts: number }>(sql, project)?.doubts ?? 0);
	}

	/** It has to be asked whether the locks that the team granted still stand. */
	async doubt(project: ProjectId): Promise<void> {
		await this.#access.quietly(() =>
			this.#database.run("UPDATE team_projects SET doubts = doubts + 1 WHERE project = ?", project),
		);
	}

	/** It was asked, unless it became doubtful again since there were so many `doubts`. */
	async asked(project: ProjectId, doubts: number): Promise<void> {
		await this.#access.quietly(() =>
			this.#database.run("UPDATE team_projects SET doubts = 0 WHERE project = ? AND doubts = ?", project, doubts),
		);
	}

	/** States that the team's store has not got yet. */
	unsent(project: ProjectId): Promise<readonly string[]> {
		return this.#access.read(() =>
			this.#database
				.all<{ key: string }>("SELECT key FROM team_states WHERE project = ?", project)
				.map(({ key }) => key),
		);
	}

	async markState(project: ProjectId, key: string, isSent: boolean): Promise<void> {
		await this.#access.quietly(() => {
			if (isSent) this.#database.run("DELETE FROM team_states WHERE project = ? AND key = ?", project, key);
			else this.#database.run("INSERT OR IGNORE INTO team_states VALUES (?, ?)", project, key);
		});
	}

	#outage(project: ProjectId): Outage | undefined {
		const text = readMeta(this.#database, outageKey + project);
		return text === undefined ? undefined : (JSON.parse(text) as Outage);
	}

	#setOutage(project: ProjectId, outage: Outage): void {
		writeMeta(this.#database, outageKey + project, JSON.stringify(outage));
	}

	#startLog(project: ProjectId): void {
		this.#database.run("INSERT INTO team_projects (project) VALUES (?) ON CONFLICT (project) DO NOTHING", project);
		this.#database.run(
			`UPDATE team_projects SET here = coalesce(
				(SELECT min(seq) - 1 FROM events WHERE project = ?1 AND ${isOnTheWay}),
				(SELECT max(seq) FROM events WHERE project = ?1), 0)
			WHERE project = ?1`,
			project,
		);
	}

	#saw(project: ProjectId, there: number): void {
		this.#database.run(
			`INSERT INTO team_projects (project, there) VALUES (?, ?)
			ON CONFLICT (project) DO UPDATE SET there = max(there, excluded.there)`,
			project,
			there,
		);
	}
}

// What was granted here a moment ago and is being asked for: the team's log does not have it. Only the newest can be that.
const isOnTheWay = `seq > (SELECT max(seq) FROM events WHERE project = ?1) - 50
	AND type = 'lock_acquired'
	AND json_extract(body, '$.request') IN (SELECT request FROM team_requests WHERE stage = 'asking')`;

const outageKey = "team outage of ";
const settlingKey = "team settling of ";

/** Times of another boot mean nothing: nobody knows yet whether the team's store is there. Part of a step. */
export function forgetOutage(database: Database): void {
	database.run("DELETE FROM meta WHERE key LIKE 'team %'");
}
