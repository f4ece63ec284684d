import { randomInt } from "node:crypto";
import type { ProcessIdentity } from "./process.ts";

/** A terminal, an editor or an agent: who a lock belongs to. Looks like `term_ab12cd_3f9k`. */
export type SessionId = string & { readonly __brand: "SessionId" };

/** A repository with all its worktrees and clones. Looks like `proj_4k2m9x0a1b2c`. */
export type ProjectId = string & { readonly __brand: "ProjectId" };

export const sessionKinds = ["term", "edit", "agent"] as const;

export type SessionKind = (typeof sessionKinds)[number];

/** Primary is the oldest live session of its project: it arbitrates conflicts and owns the HEAD of a shared tree. */
export type SessionRole = "primary" | "secondary";

/** What a session says of itself when it joins a project. `branch` is undefined on a detached HEAD. */
export interface SessionEntry {
	readonly id: SessionId;
	readonly project: ProjectId;
	readonly kind: SessionKind;
	readonly actor: string;
	readonly host: string;
	readonly process: ProcessIdentity;
	readonly worktree: string;
	readonly branch: string | undefined;
}

/** A session as the store knows it. Ages in ms, counted by the store's clock. */
export interface Session extends SessionEntry {
	readonly role: SessionRole;
	readonly ageMs: number;
	readonly sinceHeartbeatMs: number;
}

/** A fresh id: the anchor's pid for people who compare it with `ps`, and enough chance that two machines never agree. */
export function newSessionId(kind: SessionKind, pid: number): SessionId {
	return `${kind}_${pid.toString(36)}_${chance(6)}` as SessionId;
}

/** Whether an id was made by {@link newSessionId} for this process, rather than chosen by a person. */
export function isNamedAfter(id: SessionId, kind: SessionKind, pid: number): boolean {
	return id.startsWith(`${kind}_${pid.toString(36)}_`);
}

/** The id if it is spelt like one (letters, digits, `_`, `-`, at most 64), else undefined. */
export function parseSessionId(text: string): SessionId | undefined {
	return /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text) ? (text as SessionId) : undefined;
}

const letters = "0123456789abcdefghijklmnopqrstuvwxyz";

function chance(length: number): string {
	return Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
}
