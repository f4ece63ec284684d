import { randomBytes } from "node:crypto";
import type { ResourceKey } from "./resource.ts";
import type { ProjectId, SessionId } from "./session.ts";

export const conflictTypes = ["file_edit", "git_merge", "context_switch", "resource_lock", "state_divergence"] as const;

export type ConflictType = (typeof conflictTypes)[number];

export type ConflictId = string & { readonly __brand: "ConflictId" };

/** A clash as it was found. `cause` identifies it: a second report of an open cause is the same conflict, not a new one. */
export interface ConflictReport {
	readonly project: ProjectId;
	readonly type: ConflictType;
	readonly resource: ResourceKey;
	readonly sessions: readonly SessionId[];
	readonly cause: string;
	/** One sentence for people: what happened and between whom. */
	readonly summary: string;
	/** The command that settles it. */
	readonly next: string;
	/** The texts of the clash, where it is about texts. Kept until it is settled. */
	readonly blobs?: { readonly base?: Uint8Array; readonly ours?: Uint8Array; readonly theirs?: Uint8Array };
}

/** A recorded conflict, open until `resolution` is set. */
export interface Conflict extends Omit<ConflictReport, "blobs"> {
	readonly id: ConflictId;
	readonly ageMs: number;
	readonly resolution: string | undefined;
	readonly resolvedBy: SessionId | undefined;
}

export function newConflictId(): ConflictId {
	return `conflict_${randomBytes(5).toString("hex")}` as ConflictId;
}
