import type { ProcessIdentity } from "./process.ts";
import type { Resource } from "./resource.ts";
import type { ProjectId, SessionId, SessionKind } from "./session.ts";

/** Strictly rising per project. Whoever has seen a larger token must refuse a smaller one. */
export type FencingToken = number & { readonly __brand: "FencingToken" };

/** Names one acquire for good: a repeated request gets the same answer, a cancelled one never gets a lock. */
export type RequestId = string & { readonly __brand: "RequestId" };

/** `claim`: somebody asked for it. `edit`: an editor took it on the first change that differs from disk. */
export type Origin = "claim" | "edit";

/** An acquire. All resources or none. Without `owner` it belongs to the session, with one it dies with that process. */
export interface AcquireRequest {
	readonly request: RequestId;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly resources: readonly Resource[];
	readonly origin: Origin;
	readonly ttlMs: number;
	/** Whether to take a place in the queue when it cannot be granted now. */
	readonly queue: boolean;
	/** Takes it from whoever has it and passes the queue; the reason is told to the victim and stays in the log. */
	readonly steal?: { readonly reason: string };
	readonly owner?: ProcessIdentity;
	readonly limits: LockLimits;
	/** What the new token must exceed: the highest one this machine has seen, so that tokens rise across an outage. */
	readonly floor?: FencingToken;
	/** The session held it before: a store that has lost its data gives back what was held, and nothing else, for a while. */
	readonly isReasserted?: true;
}

/** Upper bounds on locks, so that nobody locks the world by accident. */
export interface LockLimits {
	readonly perSession: number;
	readonly perProject: number;
}

/** One lock. `count` says how many acquires of its session stand on it; ages and leases in ms of the store's clock. */
export interface Lock {
	readonly resource: Resource;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly token: FencingToken;
	readonly origin: Origin;
	readonly count: number;
	readonly ageMs: number;
	readonly leftMs: number;
	/** Granted while the team's store could not be asked: it excludes others on this machine only. False without a team. */
	readonly isLocalOnly: boolean;
	/** Requests that stand on it, each with the process it dies with, if any. */
	readonly holds: readonly Hold[];
}

export interface Hold {
	readonly request: RequestId;
	readonly origin: Origin;
	readonly owner: ProcessIdentity | undefined;
}

/** Who stands in the way, enough to name them and to see whether they still live. */
export interface Blocker {
	readonly what: "lock" | "waiter";
	readonly resource: Resource;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly kind: SessionKind;
	readonly actor: string;
	readonly host: string;
	readonly worktree: string;
	readonly branch: string | undefined;
	readonly request: RequestId;
	readonly origin: Origin;
	readonly ageMs: number;
	readonly leftMs: number;
	readonly process: ProcessIdentity;
	readonly owner: ProcessIdentity | undefined;
}

export interface Granted {
	readonly ok: true;
	readonly request: RequestId;
	/** The largest token among the locks of this request. */
	readonly token: FencingToken;
	readonly leftMs: number;
	readonly resources: readonly Resource[];
	/** See {@link Lock.isLocalOnly}. */
	readonly isLocalOnly: boolean;
}

/** A refused acquire is an answer, not an exception: the caller decides whether to wait. */
export type Acquired =
	| Granted
	| {
			readonly ok: false;
			readonly reason: "held";
			readonly queued: boolean;
			/** Earlier waiters that must be served first. */
			readonly ahead: number;
			/** At least one; locks before waiters; at most 16. */
			readonly blockers: readonly Blocker[];
	  }
	| {
			readonly ok: false;
			readonly reason: "limit";
			readonly limit: keyof LockLimits;
			readonly most: number;
			readonly held: number;
	  }
	/** The store has lost its data, and for so long gives back only what was held before. */
	| { readonly ok: false; readonly reason: "recovering"; readonly leftMs: number }
	| { readonly ok: false; readonly reason: "no-session" | "finished" };

/** A place in a FIFO queue. */
export interface Waiter {
	readonly ticket: number;
	readonly request: RequestId;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly resources: readonly Resource[];
	readonly origin: Origin;
	readonly owner: ProcessIdentity | undefined;
	readonly ageMs: number;
}
