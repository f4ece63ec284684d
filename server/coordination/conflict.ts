import { randomBytes } from "node:crypto";
import type { ResourceKey } from "./resource.ts";
import type { ProjectId, SessionId } from "./session.ts";
import type { SideOwners, TreePlace } from "./side-owner.ts";

/**
 * What a conflict can be about: edits of one file, what git could not merge, a tree whose branch was switched under somebody, a lock
 * that was waited for in vain, a lock that two have had while Redis was away.
 */
export const conflictTypes = ["file_edit", "git_merge", "context_switch", "resource_lock", "state_divergence"] as const;

export type ConflictType = (typeof conflictTypes)[number];

/** Names a conflict for good, in whichever store it is. */
export type ConflictId = string & { readonly __brand: "ConflictId" };

/** How a conflict can be settled, or was tried to be. */
export type Strategy = "wait-and-retry" | "three-way merge" | "coordinated push" | "manual";

/** How a conflict was settled; `superseded`: its cause went away by itself. */
export type Settlement = Strategy | "superseded";

/** Whose text: what both began with, what this side made of it, and what the other did. */
export type Side = "base" | "ours" | "theirs";

/** All sides, in the order in which they are shown. */
export const sides: readonly Side[] = ["base", "ours", "theirs"];

/** The texts of a clash, as far as it is about texts and they could be read. */
export type ConflictTexts = { readonly [Name in Side]?: Uint8Array };

/** What was tried and what came of it, in a few words. `at` is wall-clock ms since the epoch, for people only. */
export interface Attempt {
	readonly strategy: Strategy;
	readonly outcome: string;
	readonly session: SessionId | undefined;
	readonly at: number;
}

/** An attempt, as whoever makes it tells it. */
export type Tried = Pick<Attempt, "strategy" | "outcome">;

/** A clash as it was found. `cause` identifies it: a second report of an open cause is the same conflict, not a new one. */
export interface ConflictReport {
	/** Its name if it is new, chosen by who reports it, so that `next` can say it. */
	readonly id?: ConflictId;
	readonly project: ProjectId;
	readonly type: ConflictType;
	readonly resource: ResourceKey;
	readonly sessions: readonly SessionId[];
	readonly cause: string;
	/** One sentence for people: what happened and between whom. Each name in it is shortened and made safe by `showText`. */
	readonly summary: string;
	/** The command that settles it. */
	readonly next: string;
	/** Whose files it is about; undefined when it is about no one tree. */
	readonly place?: TreePlace;
	/** Whose the texts are; undefined where git, or the type, says so. */
	readonly owners?: SideOwners;
	/** Kept until it is settled. */
	readonly blobs?: ConflictTexts;
	/** What was tried before it was reported. */
	readonly attempts?: readonly Tried[];
	/** It was found elsewhere before, and is moved: it stays what it was. */
	readonly moved?: Pick<Conflict, "ageMs" | "attempts" | "omitted">;
}

/** A recorded conflict, open until `resolution` is set. */
export interface Conflict extends ConflictRecord {
	readonly id: ConflictId;
	readonly ageMs: number;
	readonly attempts: readonly Attempt[];
	/** Texts that were too long to be kept. */
	readonly omitted: readonly OmittedText[];
	/** Who is to settle it: the project's primary session, whoever that is at the moment. Undefined once it is settled. */
	readonly assignee: SessionId | undefined;
	readonly resolution: string | undefined;
	readonly resolvedBy: SessionId | undefined;
	readonly how: Settlement | undefined;
}

/** A text that was too long to be kept, and how long it is. */
export interface OmittedText {
	readonly side: Side;
	readonly bytes: number;
}

/** What stands of a report from the beginning to the end. */
export type ConflictRecord = Omit<ConflictReport, "id" | "blobs" | "attempts" | "moved">;

/** What is added to a conflict while it is open: an attempt, newer texts of some sides, or both. */
export interface Amendment {
	readonly attempt?: Tried;
	readonly blobs?: ConflictTexts;
}

/** A longer text is not kept with a conflict: one that is told as omitted. */
export const mostConflictBytes = 4 * 1024 * 1024;

/** So many attempts of one conflict are remembered, the newest. */
export const mostAttempts = 20;

/** So many settled conflicts of a project are remembered, the newest. */
export const mostSettled = 1000;

/** One text as it is kept; without `bytes` when it is too long for that. */
export interface KeptText {
	readonly side: Side;
	readonly bytes: Uint8Array | undefined;
	readonly length: number;
}

/** The lengths of omitted texts by side, as stores write them down. */
export type OmittedLengths = Readonly<Partial<Record<Side, number>>>;

/** What {@link omittedTexts} reads. */
export function omittedLengths(omitted: readonly OmittedText[]): OmittedLengths {
	return Object.fromEntries(omitted.map(({ side, bytes }) => [side, bytes]));
}

/** The omitted texts, as a store wrote their lengths down. */
export function omittedTexts(lengths: OmittedLengths): readonly OmittedText[] {
	return sides.flatMap((side) => {
		const bytes = lengths[side];
		return bytes === undefined ? [] : [{ side, bytes }];
	});
}

/** The texts as they are kept. */
export function keptTexts(texts: ConflictTexts | undefined): readonly KeptText[] {
	return sides.flatMap((side): KeptText[] => {
		const bytes = texts?.[side];
		if (bytes === undefined) return [];
		return [{ side, bytes: bytes.length <= mostConflictBytes ? bytes : undefined, length: bytes.length }];
	});
}

/** Whether the last three-way merge that was tried on it, with the texts as they were then, left nothing to decide. */
export function mergesCleanly({ attempts }: Pick<Conflict, "attempts">): boolean {
	return attempts.findLast(({ strategy }) => strategy === "three-way merge")?.outcome === cleanMerge;
}

/** Whether somebody is writing what was chosen to the file just now: whoever sees the file change leaves the end to them. */
export function isBeingSettled({ attempts }: Pick<Conflict, "attempts">): boolean {
	return attempts.some(({ strategy, at }) => strategy === "manual" && Math.abs(Date.now() - at) < writingMs);
}

// A udo that was killed in between leaves the conflict as it was.
const writingMs = 5000;

/** What came of a three-way merge that left nothing to decide. */
export const cleanMerge = "clean";

/** The attempts that a new conflict starts with. */
export function firstAttempts({ attempts, moved }: ConflictReport, session: SessionId | undefined): readonly Attempt[] {
	return moved?.attempts ?? (attempts ?? []).map((tried) => attemptOf(tried, session));
}

/** An attempt that this session has just made. */
export function attemptOf({ strategy, outcome }: Tried, session: SessionId | undefined): Attempt {
	return { strategy, outcome, session, at: Date.now() };
}

/** A name that no other conflict will ever have. */
export function newConflictId(): ConflictId {
	return `conflict_${randomBytes(5).toString("hex")}` as ConflictId;
}
