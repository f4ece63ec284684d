import { join } from "node:path";
import type { Clock } from "../coordination/clock.ts";
import { machineClock } from "../coordination/clock.ts";
import type { Amendment, Conflict, ConflictId, ConflictReport, Settlement, Side } from "../coordination/conflict.ts";
import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../coordination/event.ts";
import type { Acquired, AcquireRequest, Lock, RequestId, Waiter } from "../coordination/lock.ts";
import type { CounterName, Counters } from "../coordination/metrics.ts";
import { guardsMoves } from "../coordination/moves-paths.ts";
import type { Presence } from "../coordination/presence.ts";
import { currentBoot } from "../coordination/process.ts";
import type { Resource } from "../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../coordination/session.ts";
import { acquire } from "./local/acquire.ts";
import { amendConflict, readBlob, readConflicts, reportConflict, resolveConflict } from "./local/conflicts.ts";
import { addToCounter, readCounters } from "./local/counters.ts";
import { Database } from "./local/database.ts";
import { Doorbell } from "./local/doorbell.ts";
import { nextDue } from "./local/due.ts";
import { appendEvent, lastEvent, readEvents, readNewestEvents } from "./local/events.ts";
import { expire, startBoot } from "./local/expiry.ts";
import { explainFailure } from "./local/failure.ts";
import { GateFiles } from "./local/gate-files.ts";
import { type Entry, Ledger, type LedgerAccess } from "./local/ledger.ts";
import * as locks from "./local/locks.ts";
import { MovesHook } from "./local/moves-hook.ts";
import { handOff } from "./local/queue.ts";
import * as records from "./local/records.ts";
import { RequestBells } from "./local/request-bells.ts";
import * as resolutions from "./local/resolutions.ts";
import * as sessions from "./local/sessions.ts";
import * as settlements from "./local/settlements.ts";
import { TeamRecords } from "./local/team-records.ts";
import type { Author, PresenceEntry, SessionOpened, SessionTerms, Store } from "./store.ts";

export interface LocalStoreOptions {
	/** Where `udo.db` lives; created when missing. */
	readonly directory: string;
	readonly clock?: Clock;
	readonly boot?: string;
}

/** Opens the store of this user and machine: one SQLite file, shared by every process without a daemon. */
export async function openLocalStore(options: LocalStoreOptions): Promise<LocalStore> {
	const database = await Database.open(options.directory);
	const store = new LocalStore(database, options.clock ?? machineClock, options.directory);
	await store.startBoot(options.boot ?? currentBoot());
	return store;
}

/** Store on SQLite: each step is one transaction. */
export class LocalStore implements Store {
	readonly kind = "local";
	/** Which requests the team's store knows, where there is one. */
	readonly ledger: Ledger;
	/** How this machine is doing with the team's store, where there is one. */
	readonly team: TeamRecords;
	readonly #database: Database;
	readonly #clock: Clock;
	readonly #gateFiles: GateFiles;
	readonly #movesHook: MovesHook;
	readonly #doorbell: Doorbell;
	readonly #requestBells: RequestBells;

	constructor(database: Database, clock: Clock, directory: string) {
		this.#database = database;
		this.#clock = clock;
		this.#gateFiles = new GateFiles(directory);
		this.#movesHook = new MovesHook(database, directory);
		this.#doorbell = new Doorbell(join(directory, "bell"), () => database.version());
		this.#requestBells = new RequestBells(directory);
		const access: LedgerAccess = {
			step: (body) => this.#step(body),
			write: (body) => this.#write(body),
			quietly: (body) => database.step(body),
			read: (body) => database.read(body),
		};
		this.ledger = new Ledger(database, access);
		this.team = new TeamRecords(database, access);
	}

	/** Ends what another boot of this machine left behind: none of its processes can live. */
	async startBoot(boot: string): Promise<void> {
		const known = await this.#database.read(() => records.readMeta(this.#database, "boot"));
		if (known === boot) return;
		await this.#write(() => {
			if (!startBoot(this.#database, this.#clock.now(), boot)) return;
			// Inside the step: nobody of this boot has come in yet whose files these might be.
			this.#gateFiles.clear();
			this.#requestBells.clear();
		});
	}

	link(): undefined {}

	async openSession(entry: SessionEntry, terms: SessionTerms): Promise<SessionOpened> {
		this.#gate(() => this.#gateFiles.add(entry.project, { pid: entry.process.pid, session: entry.id }));
		return this.#step((now) => sessions.openSession(this.#database, now, entry, terms));
	}

	async beat(ids: readonly SessionId[], ttlMs: number, project?: ProjectId): Promise<void> {
		await this.#step((now) => sessions.beat(this.#database, now, ids, { ttlMs, project }));
		await this.#movesHook.removeIfIdle();
	}

	async closeSessions(ids: readonly SessionId[], cause: "closed" | "died", project?: ProjectId): Promise<number> {
		const left = await this.#step((now) => {
			const projects = ids.flatMap((id) => sessions.endSession(this.#database, now, id, cause, project));
			if (projects.length > 0) handOff(this.#database, now);
			return projects;
		});
		for (const each of new Set(left)) await this.#refreshGate(each);
		return left.length;
	}

	sessions(project?: ProjectId): Promise<readonly Session[]> {
		return this.#view((now) => sessions.readSessions(this.#database, now, project));
	}

	async acquire(request: AcquireRequest): Promise<Acquired> {
		const answer = await this.#step((now) => {
			// Before there is anything to guard: whatever dies in between, no lock is without it.
			if (guardsMoves(request)) this.#movesHook.add();
			return acquire(this.#database, now, request);
		});
		if (isExclusive(request)) await this.#refreshExclusiveGate();
		return answer;
	}

	/** As acquire, and notes in the same step that the team's store is to be asked. */
	async acquireForTeam(
		request: AcquireRequest,
	): Promise<{ readonly answer: Acquired; readonly entry: Entry | undefined }> {
		const acquired = await this.ledger.acquire(request);
		if (isExclusive(request)) await this.#refreshExclusiveGate();
		return acquired;
	}

	/** Tells the sh gate of the git hooks whether a project has a team, whose sessions have no files on this machine. */
	setTeam(project: ProjectId, hasTeam: boolean): void {
		this.#gate(() => {
			this.#gateFiles.setTeam(project, hasTeam);
			if (hasTeam) this.#movesHook.add();
		});
	}

	renew(_project: ProjectId, request: RequestId): Promise<boolean> {
		return this.#step((now) => locks.renew(this.#database, now, request));
	}

	async renewClaims(project: ProjectId, session: SessionId): Promise<void> {
		await this.#step((now) => locks.renewClaims(this.#database, now, project, session));
	}

	release(_project: ProjectId, request: RequestId, cause: "released" | "died"): Promise<boolean> {
		return this.#step((now) => locks.release(this.#database, now, request, cause));
	}

	releaseClaims(project: ProjectId, session: SessionId, resources?: readonly Resource[]): Promise<readonly Resource[]> {
		return this.#step((now) => locks.releaseClaims(this.#database, now, project, session, resources));
	}

	async cancel(_project: ProjectId, request: RequestId, cause: "cancelled" | "died"): Promise<void> {
		await this.#step((now) => locks.cancel(this.#database, now, request, cause));
	}

	peek(_project: ProjectId, request: RequestId): Promise<"waiting" | "granted" | "gone"> {
		return this.#view(() => locks.peek(this.#database, request));
	}

	locks(project: ProjectId): Promise<readonly Lock[]> {
		return this.#view((now) => locks.readLocks(this.#database, now, project));
	}

	waiters(project: ProjectId): Promise<readonly Waiter[]> {
		return this.#view((now) => locks.readWaiters(this.#database, now, project));
	}

	async append(project: ProjectId, from: Author, body: EventBody): Promise<void> {
		await this.#write(() => appendEvent(this.#database, project, from, body));
	}

	events(query: EventQuery): Promise<readonly UdoEvent[]> {
		return this.#database.read(() => readEvents(this.#database, query));
	}

	newestEvents(query: NewestQuery): Promise<readonly UdoEvent[]> {
		return this.#database.read(() => readNewestEvents(this.#database, query));
	}

	lastEvent(project: ProjectId): Promise<number> {
		return this.#database.read(() => lastEvent(this.#database, project));
	}

	onChange(listener: () => void): Disposable {
		return this.#doorbell.listen(listener);
	}

	onRequestChange(_project: ProjectId, request: RequestId, listener: () => void): Disposable {
		return this.#requestBells.listen(request, listener);
	}

	reportConflict(report: ConflictReport, from: Author): Promise<{ readonly id: ConflictId; readonly isNew: boolean }> {
		return this.#write(() => reportConflict(this.#database, report, from));
	}

	amendConflict(project: ProjectId, id: ConflictId, amendment: Amendment, from: Author): Promise<boolean> {
		return this.#write(() => amendConflict(this.#database, project, id, amendment, from));
	}

	resolveConflict(
		project: ProjectId,
		id: ConflictId,
		resolution: string,
		from: Author,
		how: Settlement = "manual",
	): Promise<boolean> {
		return this.#write(() => resolveConflict(this.#database, project, id, { resolution, how }, from));
	}

	conflicts(project: ProjectId, which: "open" | "all" = "open"): Promise<readonly Conflict[]> {
		return this.#database.read(() => readConflicts(this.#database, project, which));
	}

	conflictBlob(_project: ProjectId, id: ConflictId, side: Side): Promise<Uint8Array | undefined> {
		return this.#database.read(() => readBlob(this.#database, id, side));
	}

	/** `isUnsent`: the team's store could not be told. */
	rememberResolution(
		project: ProjectId,
		key: string,
		resolution: Uint8Array | undefined,
		isUnsent = false,
	): Promise<boolean> {
		return this.#write(() => resolutions.rememberResolution(this.#database, project, key, resolution, isUnsent));
	}

	rememberedResolution(project: ProjectId, key: string): Promise<Uint8Array | undefined> {
		return this.#database.read(() => resolutions.rememberedResolution(this.#database, project, key));
	}

	unsentResolutions(project: ProjectId): Promise<readonly resolutions.UnsentResolution[]> {
		return this.#database.read(() => resolutions.unsentResolutions(this.#database, project));
	}

	async sentResolution(project: ProjectId, resolution: resolutions.UnsentResolution): Promise<void> {
		await this.#write(() => resolutions.sentResolution(this.#database, project, resolution));
	}

	/** The team's store could not be told how one of its conflicts was settled. */
	async keepSettlement(project: ProjectId, settlement: settlements.UnsentSettlement): Promise<void> {
		await this.#write(() => settlements.keepSettlement(this.#database, project, settlement));
	}

	unsentSettlements(project: ProjectId): Promise<readonly settlements.UnsentSettlement[]> {
		return this.#database.read(() => settlements.unsentSettlements(this.#database, project));
	}

	async sentSettlement(project: ProjectId, conflict: ConflictId): Promise<void> {
		await this.#write(() => settlements.sentSettlement(this.#database, project, conflict));
	}

	async setPresence(project: ProjectId, session: SessionId, places: readonly PresenceEntry[]): Promise<void> {
		await this.#step((now) => records.setPresence(this.#database, now, project, session, places));
	}

	presence(project: ProjectId): Promise<readonly Presence[]> {
		return this.#view((now) => records.readPresence(this.#database, now, project));
	}

	async saveState(project: ProjectId, key: string, value: string | undefined): Promise<void> {
		await this.#write(() => records.saveState(this.#database, project, key, value));
	}

	loadState(project: ProjectId, key: string): Promise<string | undefined> {
		return this.#database.read(() => records.loadState(this.#database, project, key));
	}

	async count(counters: Counters): Promise<void> {
		await this.#write(() => {
			for (const [name, amount] of Object.entries(counters)) addToCounter(this.#database, name as CounterName, amount);
		});
	}

	counters(): Promise<Counters> {
		return this.#database.read(() => readCounters(this.#database));
	}

	/** SQLite's own check of the file: "ok", or what it found. */
	integrity(): Promise<string> {
		return this.#database.read(() => this.#database.integrity());
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// Only to save time: not worth a failure.
		await this.#movesHook.removeIfIdle().catch(() => {});
		this.#doorbell[Symbol.dispose]();
		this.#database[Symbol.dispose]();
	}

	#step<T>(body: (now: number) => T): Promise<T> {
		return this.#write(() => {
			const now = this.#clock.now();
			const busy = this.#database.takeBusyCount();
			if (busy > 0) addToCounter(this.#database, "udo_store_busy_total", busy);
			expire(this.#database, now);
			return body(now);
		});
	}

	#write<T>(body: () => T): Promise<T> {
		return this.#database.step(body, (announced) => {
			for (const [request, fate] of announced) this.#requestBells.ring(request, fate);
			this.#doorbell.ring();
		});
	}

	// A look must not cost a write transaction, unless something is due.
	async #view<T>(body: (now: number) => T): Promise<T> {
		const seen = await this.#database.read(() => {
			const due = nextDue(this.#database);
			const now = this.#clock.now();
			return now < due ? { answer: body(now) } : undefined;
		});
		return seen === undefined ? this.#step(body) : seen.answer;
	}

	async #refreshGate(project: ProjectId): Promise<void> {
		const open = await this.sessions(project);
		this.#gate(() =>
			this.#gateFiles.set(
				project,
				open.map(({ id, process }) => ({ pid: process.pid, session: id })),
			),
		);
		await this.#refreshExclusiveGate();
	}

	async #refreshExclusiveGate(): Promise<void> {
		const claimants = await this.#database.read(() => records.exclusiveClaimants(this.#database));
		this.#gate(() => this.#gateFiles.set("exclusive", claimants));
	}

	#gate(change: () => void): void {
		try {
			change();
		} catch (error) {
			throw explainFailure(error, this.#database.path);
		}
	}
}

function isExclusive({ resources }: AcquireRequest): boolean {
	return resources.some(({ kind }) => kind === "exclusive");
}
