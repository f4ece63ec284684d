import { randomUUID } from "node:crypto";
import type { RequestId } from "./lock.ts";

/** The git hooks that guard commits and pushes: they hold branches for as long as their git lives. */
export const commitHookNames = ["pre-commit", "pre-merge-commit", "pre-push"] as const;

export type CommitHookName = (typeof commitHookNames)[number];

/** A request of a hook, which is in its name: whoever is refused can tell what the other git is doing, on any system. */
export function hookRequest(hook: CommitHookName): RequestId {
	return `${hook}:${randomUUID()}` as RequestId;
}

/** The hook that made a request; undefined when a person, an agent, an editor or the queue of pushes did. */
export function hookOf(request: RequestId): CommitHookName | undefined {
	return commitHookNames.find((name) => request.startsWith(`${name}:`));
}

/** All that {@link hookOf} knows a hook of, as SQLite's GLOB matches it. */
export const hookRequests = "pre-*:*";

/** A request for a place in the queue of pushes; a later one of the same machine sorts behind an earlier one. */
export function pushRequest(now: number): RequestId {
	return `push:${now.toString(16).padStart(12, "0")}:${randomUUID()}` as RequestId;
}

/** Whether a git that pushes, or the queue of pushes, made a request. */
export function isPush(request: RequestId): boolean {
	return hookOf(request) === "pre-push" || request.startsWith("push:");
}
