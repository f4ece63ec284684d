import type { Amendment, Conflict, ConflictId, ConflictReport, Settlement, Side } from "../coordination/conflict.ts";
import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../coordination/event.ts";
import type { Link } from "../coordination/link.ts";
import type { Acquired, AcquireRequest, Lock, RequestId, Waiter } from "../coordination/lock.ts";
import type { Counters } from "../coordination/metrics.ts";
import type { Presence } from "../coordination/presence.ts";
import type { Resource } from "../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../coordination/session.ts";

/** How long a waiter's place, or a lock handed to a waiter who has not fetched it yet, outlives its last sign of life. */
export const ticketLeaseMs = 10_000;

/** How long the answer to a finished request is remembered, so that a late duplicate of it changes nothing. */
export const finishedMemoryMs = 600_000;

/**
 * The shared truth: a small set of atomic steps. Each either happens completely or not at all, whatever dies meanwhile, and
 * none of them waits for another session. Every step first lets go what has expired and hands it to the first waiters that
 * can have it, so that between two steps no lock is free while somebody could have it.
 *
 * A step rejects with StoreUnavailableError when the store cannot be reached, is full, read-only or damaged.
 */
export interface Store extends AsyncDisposable {
	/** `local`: this machine's. `redis`: a team's. `tiered`: both, the first standing in when the second is away. */
	readonly kind: "local" | "redis" | "tiered";

	/** How the team's store is doing; undefined without one. Changes ring onChange. */
	link(): Link | undefined;

	/** Registers a session with a project, or refreshes it: its heartbeat, worktree and branch. */
	openSession(entry: SessionEntry, terms: SessionTerms): Promise<SessionOpened>;
	/** Proves that sessions live, in one project or in all; unknown ones are ignored. */
	beat(sessions: readonly SessionId[], ttlMs: number, project?: ProjectId): Promise<void>;
	/** Ends sessions in one project, or in all: locks, places in queues and presence go with them. Answers how many were open. */
	closeSessions(sessions: readonly SessionId[], cause: "closed" | "died", project?: ProjectId): Promise<number>;
	/** The open sessions of a project, or of all, oldest first; the first of each project is its primary. */
	sessions(project?: ProjectId): Promise<readonly Session[]>;

	/** Grants all resources, or refuses and says who is in the way; with `queue` it also takes a place in line. */
	acquire(request: AcquireRequest): Promise<Acquired>;
	/** Starts the lease of a granted request anew. False when the lock is lost. */
	renew(project: ProjectId, request: RequestId): Promise<boolean>;
	/** Starts the leases of all that a session claimed without an owning process anew. */
	renewClaims(project: ProjectId, session: SessionId): Promise<void>;
	/** Gives a granted request back. False when it held nothing any more. */
	release(project: ProjectId, request: RequestId, cause: "released" | "died"): Promise<boolean>;
	/** Gives back what a session claimed without an owning process: these resources, or all of them. Answers which. */
	releaseClaims(project: ProjectId, session: SessionId, resources?: readonly Resource[]): Promise<readonly Resource[]>;
	/** Leaves the queue, gives back what was granted meanwhile, and makes a late copy of the request fail. */
	cancel(project: ProjectId, request: RequestId, cause: "cancelled" | "died"): Promise<void>;
	/** What has become of a request, without changing anything: cheap enough to ask at every ring of onChange. */
	peek(project: ProjectId, request: RequestId): Promise<"waiting" | "granted" | "gone">;
	/** All locks of a project and the exclusive ones of others, oldest first. */
	locks(project: ProjectId): Promise<readonly Lock[]>;
	/** All waiters of a project and the exclusive ones of others, in the order in which they will be served. */
	waiters(project: ProjectId): Promise<readonly Waiter[]>;

	/** Adds an entry to the log and wakes subscribers everywhere. */
	append(project: ProjectId, from: Author, body: EventBody): Promise<void>;
	/** Reads the log. */
	events(query: EventQuery): Promise<readonly UdoEvent[]>;
	/** Reads the log backwards, newest first. */
	newestEvents(query: NewestQuery): Promise<readonly UdoEvent[]>;
	/** The sequence number of the newest entry of a project, 0 when there is none. */
	lastEvent(project: ProjectId): Promise<number>;
	/** Calls back soon after something may have changed, in any process. A hint: read the log to know. */
	onChange(listener: () => void): Disposable;
	/** Calls back soon after others may have changed what has become of a request, in any process. A hint: peek to know. */
	onRequestChange(project: ProjectId, request: RequestId, listener: () => void): Disposable;

	/**
	 * Records a conflict with its texts and what was tried before, or finds the open one with the same cause and leaves that as it
	 * is. A text of more than 4 MB is not kept, but told as omitted.
	 */
	reportConflict(report: ConflictReport, from: Author): Promise<{ readonly id: ConflictId; readonly isNew: boolean }>;
	/** Adds an attempt to an open conflict (the newest 20 stand), and puts newer texts in the place of the same sides. False when it is not open. */
	amendConflict(project: ProjectId, id: ConflictId, amendment: Amendment, from: Author): Promise<boolean>;
	/** Settles a conflict and forgets its texts; "manual" unless told. False when it was not open. The newest 1,000 settled ones are kept. */
	resolveConflict(
		project: ProjectId,
		id: ConflictId,
		resolution: string,
		from: Author,
		how?: Settlement,
	): Promise<boolean>;
	/** The conflicts of a project, open ones only unless asked, oldest first. Open ones are assigned to the primary session of the moment. */
	conflicts(project: ProjectId, which?: "open" | "all"): Promise<readonly Conflict[]>;
	/** One text of a conflict, or undefined when there is none. */
	conflictBlob(project: ProjectId, id: ConflictId, side: Side): Promise<Uint8Array | undefined>;

	/** Remembers how a conflict between two texts was resolved, under a key that holds both; undefined forgets it. False when it is over 64 kB. The newest 2,000 of a project are kept. */
	rememberResolution(project: ProjectId, key: string, resolution: Uint8Array | undefined): Promise<boolean>;
	/** What was remembered last under a key. */
	rememberedResolution(project: ProjectId, key: string): Promise<Uint8Array | undefined>;

	/** Says where sessions work, replacing what the session said before. */
	setPresence(project: ProjectId, session: SessionId, places: readonly PresenceEntry[]): Promise<void>;
	presence(project: ProjectId): Promise<readonly Presence[]>;

	/** Keeps a small text for a session of a project under a name, or forgets it. */
	saveState(project: ProjectId, key: string, value: string | undefined): Promise<void>;
	loadState(project: ProjectId, key: string): Promise<string | undefined>;

	/** Adds to counters. The lock and session counters are kept by the steps themselves. */
	count(counters: Counters): Promise<void>;
	counters(): Promise<Counters>;
}

export interface SessionTerms {
	/** Without a heartbeat for so long, the session ends. */
	readonly ttlMs: number;
	/** How many sessions the project may have. */
	readonly most: number;
}

export type SessionOpened =
	| { readonly ok: true; readonly session: Session; readonly isNew: boolean }
	| { readonly ok: false; readonly most: number };

/** Who an event comes from; `session` is undefined for people without one, such as a hook that was skipped. */
export interface Author {
	readonly session: SessionId | undefined;
	readonly actor: string | undefined;
}

export type PresenceEntry = Pick<Presence, "path" | "unsaved" | "line">;
