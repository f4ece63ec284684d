import { join } from "node:path";
import type { AcquireRequest } from "./lock.ts";
import { hookOf } from "./request-name.ts";

/**
 * What clones have as their reference-transaction hook: a link to this, and a link that leads nowhere is no hook for git. So a
 * commit pays for it (two starts of sh) only while there may be a branch on this machine that somebody has locked.
 */
export function movesHookOf(stateDirectory: string): string {
	return join(stateDirectory, "moves", "reference-transaction");
}

/** The same for git's config hooks (2.54): a file to include, and one that is missing is passed over. */
export function movesConfigOf(stateDirectory: string): string {
	return join(stateDirectory, "moves", "config");
}

/** Whether git has to ask before it moves a branch once this is granted. What hooks hold while their git lives does not count. */
export function guardsMoves({ resources, request }: Pick<AcquireRequest, "resources" | "request">): boolean {
	return resources.some(({ kind }) => guarding.has(kind)) && hookOf(request) === undefined;
}

const guarding: ReadonlySet<string> = new Set(["git", "project", "exclusive"]);
