import { type Clock, machineClock } from "../coordination/clock.ts";
import type { Amendment, Conflict, ConflictId, ConflictReport, Settlement, Side } from "../coordination/conflict.ts";
import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../coordination/event.ts";
import type { Link } from "../coordination/link.ts";
import type { Acquired, AcquireRequest, Lock, RequestId, Waiter } from "../coordination/lock.ts";
import type { Counters } from "../coordination/metrics.ts";
import type { Presence } from "../coordination/presence.ts";
import { livenessOf, type ProcessIdentity } from "../coordination/process.ts";
import { type Resource, resourceKey } from "../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../coordination/session.ts";
import { UdoError } from "../errors.ts";
import type { LocalStore } from "./local.ts";
import type { RedisStore } from "./redis.ts";
import type { Author, PresenceEntry, SessionOpened, SessionTerms, Store } from "./store.ts";
import type { TextsOf } from "./tiered/divergence.ts";
import { History } from "./tiered/history.ts";
import { Reach } from "./tiered/reach.ts";
import { type Alone, TeamRequests } from "./tiered/requests.ts";
import { SeenConflicts } from "./tiered/seen-conflicts.ts";
import { settle } from "./tiered/settle.ts";

export interface TieredStoreOptions {
	/** The project whose team it is; another one on this machine may have another team, or none. */
	readonly project: ProjectId;
	/** This machine's store; closed with this one. */
	readonly local: LocalStore;
	/** The team's; closed with this one. */
	readonly remote: RedisStore;
	/** How sessions of this machine are registered anew where the team's store has forgotten them. */
	readonly terms: SessionTerms;
	/** How long one step may wait for the team's store before it counts as away; 500 ms unless told. */
	readonly patienceMs?: number;
	/** A git hook: what takes too long for it is no news for others. */
	readonly isHurried?: boolean;
	/** What may be locked on this machine alone while the team's store is away; files unless told. */
	readonly alone?: Alone;
	/** Where the texts of a file that two machines locked come from. */
	readonly textsOf?: TextsOf;
	readonly clock?: Clock;
}

/** A team's store with this machine's in front of it and in its stead. */
export function openTieredStore(options: TieredStoreOptions): TieredStore {
	return new TieredStore(options);
}

/**
 * Store on two tiers. A lock is taken on this machine first and then in the team's store, so that an outage of that one never
 * opens a gap here; while it is away, locks of files exclude others on this machine only, and what concerns the whole team is
 * refused. Views are the team's, or this machine's during an outage.
 */
export class TieredStore implements Store {
	readonly kind = "tiered";
	readonly #local: LocalStore;
	readonly #remote: RedisStore;
	readonly #clock: Clock;
	readonly #reach: Reach;
	readonly #requests: TeamRequests;
	readonly #history: History;
	readonly #boots: Disposable;
	readonly #project: ProjectId;
	readonly #seenConflicts: SeenConflicts;
	/** Where the holders of exclusive locks are. */
	readonly #seenProjects = new Set<ProjectId>();

	constructor(options: TieredStoreOptions) {
		const { project, local, remote, terms, textsOf } = options;
		this.#project = project;
		this.#seenProjects.add(project);
		const clock = options.clock ?? machineClock;
		this.#local = local;
		this.#remote = remote;
		this.#clock = clock;
		this.#seenConflicts = new SeenConflicts(clock);
		this.#reach = new Reach({
			project,
			remote,
			records: local.team,
			clock,
			patienceMs: options.patienceMs ?? 500,
			isHurried: options.isHurried ?? false,
			settle: () => settle({ project, local, remote, clock, terms, textsOf }),
			lastDeadline: () => local.ledger.lastDeadline(project),
		});
		this.#requests = new TeamRequests({ local, reach: this.#reach, clock, alone: options.alone ?? "files" });
		const history = new History(local, this.#reach);
		this.#history = history;
		this.#boots = remote.onBoot((each, { id }) => history.booted(each, id));
	}

	link(): Link {
		return this.#reach.link;
	}

	async openSession(entry: SessionEntry, terms: SessionTerms): Promise<SessionOpened> {
		const { project } = entry;
		const here = await this.#local.openSession(entry, terms);
		if (!here.ok) return here;
		const reached = await this.#reach.ask((remote) =>
			Promise.all([openThere(remote, entry, terms), remote.lastEvent(project)]),
		);
		if (!reached.ok) return { ...here, session: withoutRole(here.session) };
		const [there, seq] = reached.value;
		if (there === "taken") {
			await this.#local.closeSessions([entry.id], "closed", project);
			throw taken(entry);
		}
		if (!there.ok) {
			if (here.isNew) await this.#local.closeSessions([entry.id], "closed", project);
			return there;
		}
		this.#history.saw(project, seq);
		await this.#local.team.joined(project, entry.id, seq);
		await this.#tidyUp();
		return there;
	}

	async beat(sessions: readonly SessionId[], ttlMs: number, project?: ProjectId): Promise<void> {
		await this.#local.beat(sessions, ttlMs, project);
		const reached = await this.#reach.ask((remote) => remote.beat(sessions, ttlMs, project ?? this.#project));
		if (reached.ok) await this.#tidyUp();
	}

	// What they leave in other projects of this machine, those settle with the teams that they have.
	async closeSessions(sessions: readonly SessionId[], cause: "closed" | "died", project?: ProjectId): Promise<number> {
		const where = project ?? this.#project;
		const reached = await this.#reach.ask((remote) => remote.closeSessions(sessions, cause, where));
		const here = await this.#local.closeSessions(sessions, cause, project);
		if (!reached.ok) return here;
		await this.#local.team.left(sessions, where);
		return Math.max(here, reached.value);
	}

	async sessions(project?: ProjectId): Promise<readonly Session[]> {
		const here = await this.#local.sessions(project);
		const projects = project === undefined ? [...this.#seenProjects] : [project];
		const reached = await this.#reach.ask((remote) => Promise.all(projects.map((each) => remote.sessions(each))));
		if (!reached.ok) return here.map(withoutRole);
		const there = reached.value.flat();
		const known = new Set(there.map((session) => `${session.project} ${session.id}`));
		const onlyHere = here.filter((session) => !known.has(`${session.project} ${session.id}`));
		return [...there, ...onlyHere.map(withoutRole)];
	}

	acquire(request: AcquireRequest): Promise<Acquired> {
		return this.#requests.acquire(request);
	}

	renew(project: ProjectId, request: RequestId): Promise<boolean> {
		return this.#requests.renew(project, request);
	}

	renewClaims(project: ProjectId, session: SessionId): Promise<void> {
		return this.#requests.renewClaims(project, session);
	}

	release(project: ProjectId, request: RequestId, cause: "released" | "died"): Promise<boolean> {
		return this.#requests.release(project, request, cause);
	}

	async releaseClaims(
		project: ProjectId,
		session: SessionId,
		resources?: readonly Resource[],
	): Promise<readonly Resource[]> {
		const claims = await this.#local.ledger.claimsOf(project, session);
		const reached = await this.#reach.ask((remote) => remote.releaseClaims(project, session, resources));
		const released = new Map<string, Resource>();
		for (const resource of reached.ok ? reached.value : []) released.set(resourceKey(resource), resource);
		for (const resource of await this.#local.releaseClaims(project, session, resources)) {
			released.set(resourceKey(resource), resource);
		}
		const entries = claims.flatMap(({ entry }) => entry ?? []);
		const settled = entries.filter(({ stage }) => reached.ok && stage === "granted");
		await this.#local.ledger.forgetOver(settled.map(({ request }) => request));
		return [...released.values()];
	}

	cancel(project: ProjectId, request: RequestId, cause: "cancelled" | "died"): Promise<void> {
		return this.#requests.cancel(project, request, cause);
	}

	peek(project: ProjectId, request: RequestId): Promise<"waiting" | "granted" | "gone"> {
		return this.#requests.peek(project, request);
	}

	async locks(project: ProjectId): Promise<readonly Lock[]> {
		const reached = await this.#reach.ask((remote) => remote.locks(project));
		if (!reached.ok) await this.#requests.endLapsed(project);
		const here = await this.#local.locks(project);
		const entries = await this.#local.ledger.entries(here.flatMap(({ holds }) => holds.map(({ request }) => request)));
		const stageOf = ({ holds }: Lock, stage: string): boolean =>
			holds.some(({ request }) => entries.get(request)?.stage === stage);
		const now = this.#clock.now();
		const isTeams = ({ holds }: Lock): boolean =>
			holds.some(({ request }) => {
				const entry = entries.get(request);
				return entry?.stage === "granted" && entry.until > now;
			});
		if (!reached.ok) {
			return here
				.filter((lock) => !stageOf(lock, "waiting"))
				.map((lock): Lock => ({ ...lock, isLocalOnly: !isTeams(lock) }));
		}
		for (const lock of reached.value) this.#seenProjects.add(lock.project);
		const alone = here.filter((lock) => stageOf(lock, "here") && !isTeams(lock));
		return [...reached.value, ...alone.map((lock): Lock => ({ ...lock, isLocalOnly: true }))];
	}

	async waiters(project: ProjectId): Promise<readonly Waiter[]> {
		const reached = await this.#reach.ask((remote) => remote.waiters(project));
		const here = await this.#local.waiters(project);
		// Who is first on this machine stands in the team's queue, the others behind it here.
		return reached.ok ? [...reached.value, ...here] : here;
	}

	async append(project: ProjectId, from: Author, body: EventBody): Promise<void> {
		await this.#local.append(project, from, body);
		await this.#reach.ask((remote) => remote.append(project, from, body));
	}

	events(query: EventQuery): Promise<readonly UdoEvent[]> {
		return this.#history.events(query);
	}

	newestEvents(query: NewestQuery): Promise<readonly UdoEvent[]> {
		return this.#history.newestEvents(query);
	}

	lastEvent(project: ProjectId): Promise<number> {
		return this.#history.lastEvent(project);
	}

	onChange(listener: () => void): Disposable {
		return both(this.#local.onChange(listener), this.#remote.onChange(listener));
	}

	onRequestChange(project: ProjectId, request: RequestId, listener: () => void): Disposable {
		return both(
			this.#local.onRequestChange(project, request, listener),
			this.#remote.onRequestChange(project, request, listener),
		);
	}

	async reportConflict(
		report: ConflictReport,
		from: Author,
	): Promise<{ readonly id: ConflictId; readonly isNew: boolean }> {
		const reached = await this.#reach.ask((remote) => remote.reportConflict(report, from));
		return reached.ok ? reached.value : this.#local.reportConflict(report, from);
	}

	async amendConflict(project: ProjectId, id: ConflictId, amendment: Amendment, from: Author): Promise<boolean> {
		if (await this.#local.amendConflict(project, id, amendment, from)) return true;
		const reached = await this.#reach.ask((remote) => remote.amendConflict(project, id, amendment, from));
		if (reached.ok) return reached.value;
		// Its texts are told when they can be.
		if (this.#seenConflicts.has(project, id)) return false;
		throw reached.error;
	}

	async resolveConflict(
		project: ProjectId,
		id: ConflictId,
		resolution: string,
		from: Author,
		how: Settlement = "manual",
	): Promise<boolean> {
		const isHere = await this.#local.resolveConflict(project, id, resolution, from, how);
		// Just being moved there, it is open in both.
		const reached = await this.#reach.ask((remote) => remote.resolveConflict(project, id, resolution, from, how));
		if (reached.ok) return isHere || reached.value;
		if (!this.#seenConflicts.has(project, id)) {
			if (isHere) return true;
			throw reached.error;
		}
		await this.#local.keepSettlement(project, { conflict: id, resolution, how, from });
		return true;
	}

	async conflicts(project: ProjectId, which: "open" | "all" = "open"): Promise<readonly Conflict[]> {
		const here = await this.#local.conflicts(project, which);
		const reached = await this.#reach.ask((remote) => remote.conflicts(project, which));
		if (!reached.ok) {
			const seen = this.#seenConflicts.now(project, await this.#local.unsentSettlements(project));
			const others = seen.filter(({ id, resolution }) => {
				return !here.some((each) => each.id === id) && (which === "all" || resolution === undefined);
			});
			return [...others, ...here];
		}
		this.#seenConflicts.saw(project, reached.value);
		// What was moved there meanwhile is in both.
		const ids = new Set(reached.value.map(({ id }) => id));
		const causes = new Set(reached.value.flatMap(({ cause, resolution }) => (resolution === undefined ? [cause] : [])));
		return [...reached.value, ...here.filter(({ id, cause }) => !ids.has(id) && !causes.has(cause))];
	}

	async conflictBlob(project: ProjectId, id: ConflictId, side: Side): Promise<Uint8Array | undefined> {
		const here = await this.#local.conflictBlob(project, id, side);
		if (here !== undefined) return here;
		const reached = await this.#reach.ask((remote) => remote.conflictBlob(project, id, side));
		if (!reached.ok) throw reached.error;
		return reached.value;
	}

	async rememberResolution(project: ProjectId, key: string, resolution: Uint8Array | undefined): Promise<boolean> {
		const reached = await this.#reach.ask((remote) => remote.rememberResolution(project, key, resolution));
		return this.#local.rememberResolution(project, key, resolution, !reached.ok);
	}

	async rememberedResolution(project: ProjectId, key: string): Promise<Uint8Array | undefined> {
		const reached = await this.#reach.ask((remote) => remote.rememberedResolution(project, key));
		return reached.ok ? reached.value : this.#local.rememberedResolution(project, key);
	}

	async setPresence(project: ProjectId, session: SessionId, places: readonly PresenceEntry[]): Promise<void> {
		await this.#local.setPresence(project, session, places);
		await this.#reach.ask((remote) => remote.setPresence(project, session, places));
	}

	async presence(project: ProjectId): Promise<readonly Presence[]> {
		const reached = await this.#reach.ask((remote) => remote.presence(project));
		return reached.ok ? reached.value : this.#local.presence(project);
	}

	async saveState(project: ProjectId, key: string, value: string | undefined): Promise<void> {
		await this.#local.saveState(project, key, value);
		const reached = await this.#reach.ask((remote) => remote.saveState(project, key, value));
		if (!reached.ok) await this.#local.team.markState(project, key, false);
	}

	async loadState(project: ProjectId, key: string): Promise<string | undefined> {
		const reached = await this.#reach.ask((remote) => remote.loadState(project, key));
		return reached.ok ? reached.value : this.#local.loadState(project, key);
	}

	async count(counters: Counters): Promise<void> {
		await this.#local.count(counters);
		await this.#reach.ask((remote) => remote.count(counters));
	}

	async counters(): Promise<Counters> {
		const reached = await this.#reach.ask((remote) => remote.counters());
		return reached.ok ? reached.value : this.#local.counters();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#boots[Symbol.dispose]();
		await this.#reach[Symbol.asyncDispose]();
		await this.#remote[Symbol.asyncDispose]();
		await this.#local[Symbol.asyncDispose]();
	}

	async #tidyUp(): Promise<void> {
		if (await this.#local.ledger.isLoose(this.#project)) await this.#reach.settle();
	}
}

// The primary is one for the whole team: while nobody can ask, nobody is.
function withoutRole(session: Session): Session {
	return { ...session, role: "secondary" };
}

// The team's store may still know the session from before this machine was started anew; or it knows another machine's.
async function openThere(
	remote: RedisStore,
	entry: SessionEntry,
	terms: SessionTerms,
): Promise<SessionOpened | "taken"> {
	const opened = await remote.openSession(entry, terms);
	if (!opened.ok || isSame(opened.session.process, entry.process)) return opened;
	const { host, process } = opened.session;
	const isOver = livenessOf(process) === "dead" || (host === entry.host && process.boot !== entry.process.boot);
	if (!isOver) return "taken";
	await remote.closeSessions([entry.id], "died", entry.project);
	return remote.openSession(entry, terms);
}

function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
	return one.pid === other.pid && one.started === other.started && one.boot === other.boot && one.space === other.space;
}

function taken({ id }: SessionEntry): UdoError {
	return new UdoError(`${id} is a session of another machine`, {
		code: "session_taken",
		why: "two machines under one name would be let in to each other's locks.",
		next: `UDO_SESSION=${id}_2 udo status`,
	});
}

function both(one: Disposable, other: Disposable): Disposable {
	return {
		[Symbol.dispose]() {
			one[Symbol.dispose]();
			other[Symbol.dispose]();
		},
	};
}
