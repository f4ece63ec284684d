import { realpathSync } from "node:fs";
import { relative } from "node:path";
import type { Refusal, Waiting } from "../server/coordination/claim.ts";
import { showBlocker, showDuration, showSession, showText } from "../server/coordination/describe.ts";
import { describeResource, type Resource } from "../server/coordination/resource.ts";
import { HeldError, UdoError } from "../server/errors.ts";
import { resourceWords } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import type { Output } from "./output.ts";

/** Why resources were not granted, as the error a person reads: what; who, since when, until when; what to type now. */
export async function refusal(
	workspace: Workspace,
	resources: readonly Resource[],
	{ refusal: why, waitedMs }: { readonly refusal: Refusal; readonly waitedMs: number },
): Promise<UdoError> {
	const [wanted] = resources;
	const name = showText(wanted === undefined ? "nothing" : describeResource(wanted), 120);
	switch (why.reason) {
		case "held": {
			const [blocker] = why.blockers;
			const others = why.blockers.length > 1 ? `, and ${why.blockers.length - 1} more in the way` : "";
			const waited = why.queued ? `no turn for ${name} within ${showDuration(waitedMs)}` : `${name} is not free`;
			return new HeldError(waited, {
				...(blocker !== undefined && { why: `${showBlocker(blocker)}${others}` }),
				next: why.queued
					? "udo status"
					: `udo lock --wait ${resources.map((each) => resourceWords(each, here(workspace))).join(" ")}`,
			});
		}
		case "limit": {
			const whose = why.limit === "perSession" ? "this session" : "this project";
			return new UdoError(`${whose} may have ${why.most} locks and already has ${why.held}`, {
				code: "limit",
				why: "a bound against locking the world by accident.",
				next: `lock a directory instead, give some back, or raise lock.${why.limit} (udo config)`,
			});
		}
		case "recovering":
			return new UdoError(`${name} cannot be locked yet: the team's Redis was restarted`, {
				code: "recovering",
				exitCode: 6,
				why: `for ${showDuration(why.leftMs)} it only gives back what was held before, to whoever held it.`,
				next: "udo status, or UDO_LOCAL=1 to lock on this machine only",
			});
		default:
			return new UdoError(`the request for ${name} was given up meanwhile`, {
				code: "cancelled",
				why: `session ${workspace.coordinator.session.id}`,
				next: "run the same command again",
			});
	}
}

// Where the next command is going to be typed, from the top of the tree.
function here({ repository }: Workspace): string {
	const inside = relative(repository.worktree, realpathSync(process.cwd()));
	return inside.startsWith("..") ? "" : inside;
}

/** One line on the place in the queue, replaced at every change. */
export function showWaiting(output: Output, { ahead, blockers, leftMs }: Waiting): void {
	const [blocker] = blockers;
	if (blocker === undefined) return;
	const place = ahead === 0 ? "next in line" : `${ahead} ahead of you`;
	const lease = blocker.what === "lock" ? `, lease ends in ${showDuration(blocker.leftMs)}` : "";
	output.progress(
		`waiting for ${showText(describeResource(blocker.resource), 60)}: ${place}, held by ${showSession(blocker)}${lease}; giving up in ${showDuration(leftMs)}, Ctrl-C to leave`,
	);
}
