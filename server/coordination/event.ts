import type { ConflictId, ConflictType, Settlement, Strategy } from "./conflict.ts";
import type { Origin, RequestId } from "./lock.ts";
import type { ResourceKey } from "./resource.ts";
import type { ProjectId, SessionId } from "./session.ts";

/** Why a lock was given up. */
export type ReleaseCause = "released" | "expired" | "stolen" | "died" | "session_closed" | "diverged";

/** What happened, by type. The names are the specification's; they are what `udo log`, `udo watch` and WebSockets show. */
export type EventBody =
	| { readonly type: "session_connected"; readonly kind: string; readonly host: string; readonly worktree: string }
	| { readonly type: "session_disconnected"; readonly cause: "closed" | "died" | "expired" }
	| { readonly type: "session_promoted" }
	| {
			readonly type: "lock_acquired";
			readonly request: RequestId;
			readonly resources: readonly ResourceKey[];
			readonly token: number;
			readonly origin: Origin;
			/** Whether it was handed over from the queue. */
			readonly handed: boolean;
			readonly stolen?: { readonly reason: string; readonly victims: readonly SessionId[] };
	  }
	| {
			readonly type: "lock_released";
			readonly request: RequestId;
			readonly resources: readonly ResourceKey[];
			readonly cause: ReleaseCause;
			readonly by?: SessionId;
			readonly reason?: string;
	  }
	| { readonly type: "lock_queued"; readonly request: RequestId; readonly resources: readonly ResourceKey[] }
	| {
			readonly type: "lock_cancelled";
			readonly request: RequestId;
			readonly resources: readonly ResourceKey[];
			readonly cause: "cancelled" | "expired" | "died" | "session_closed";
	  }
	| {
			readonly type: "file_change";
			readonly path: string;
			readonly change: "edit" | "save" | "create" | "delete";
			readonly worktree: string;
	  }
	| {
			readonly type: "conflict_detected";
			readonly conflict: ConflictId;
			readonly conflictType: ConflictType;
			readonly resource: ResourceKey;
			readonly sessions: readonly SessionId[];
	  }
	| {
			readonly type: "conflict_attempted";
			readonly conflict: ConflictId;
			readonly strategy: Strategy;
			readonly outcome: string;
	  }
	| {
			readonly type: "conflict_resolved";
			readonly conflict: ConflictId;
			readonly resolution: string;
			/** Not in entries that an older udo wrote. */
			readonly how?: Settlement;
	  }
	| { readonly type: "context_switched"; readonly to: string }
	/** A git moved a branch by other means than a commit that pre-commit guards. */
	| { readonly type: "branch_moved"; readonly branch: string; readonly to: string; readonly worktree: string }
	| { readonly type: "guard_refused"; readonly hook: string; readonly paths: readonly string[] }
	| { readonly type: "guard_skipped"; readonly hook: string; readonly variable: string }
	/** This machine lost sight of the team's store, or is back. */
	| {
			readonly type: "link_changed";
			readonly state: "local" | "connected";
			readonly server: string;
			readonly why?: string;
	  }
	/** Somebody took on this machine alone what only the team can give. */
	| { readonly type: "team_overridden"; readonly request: RequestId; readonly resources: readonly ResourceKey[] };

export type EventType = EventBody["type"];

const everyType: Record<EventType, true> = {
	session_connected: true,
	session_disconnected: true,
	session_promoted: true,
	lock_acquired: true,
	lock_released: true,
	lock_queued: true,
	lock_cancelled: true,
	file_change: true,
	conflict_detected: true,
	conflict_attempted: true,
	conflict_resolved: true,
	context_switched: true,
	branch_moved: true,
	guard_refused: true,
	guard_skipped: true,
	link_changed: true,
	team_overridden: true,
};

export const eventTypes = Object.keys(everyType) as readonly EventType[];

/** One entry of the append-only log. `seq` only rises; `at` is wall-clock ms since the epoch, for people only. */
export type UdoEvent = EventBody & {
	readonly seq: number;
	readonly at: number;
	readonly project: ProjectId;
	readonly session: SessionId | undefined;
	readonly actor: string | undefined;
};

/** Which events to read: after a sequence number, oldest first, at most `limit`. */
export interface EventQuery {
	readonly project: ProjectId;
	readonly after: number;
	readonly limit: number;
	readonly types?: readonly EventType[];
	readonly session?: SessionId;
}

/** Which events to read backwards: newest first, before a sequence number, at most `limit`. */
export interface NewestQuery extends Omit<EventQuery, "after"> {
	readonly before?: number;
}
