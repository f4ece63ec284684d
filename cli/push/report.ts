import type { Waiting } from "../../server/coordination/claim.ts";
import { showDuration, showSession, showText } from "../../server/coordination/describe.ts";
import type { Blocker } from "../../server/coordination/lock.ts";
import type { PushPhase } from "../../server/coordination/push/leader.ts";
import type { PushedCommit, PushLanded, PushOutcome } from "../../server/coordination/push/ticket.ts";
import { isStoppedPush, stoppedPatienceMs } from "../../server/coordination/push/watch.ts";
import { describeResource } from "../../server/coordination/resource.ts";
import type { LocalUpdate } from "../../server/git/push/local-branch.ts";
import { shortRef } from "../../server/git/ref.ts";
import type { Destination } from "../../server/git/remote.ts";
import type { Output } from "../output.ts";

/** What a push came to, as data and as lines for people. */
export function describePush(
	to: Destination,
	outcome: PushOutcome,
	local: LocalUpdate,
): { readonly data: object; readonly lines: readonly string[] } {
	const ref = shortRef(to.ref);
	const place = `${showText(to.remote, 80)} ${showText(ref, 120)}`;
	const common = { remote: to.remote, ref: to.ref, branch: to.branch };
	if (outcome.kind === "planned") {
		const { commits, onto } = outcome;
		const data = { ...common, state: "planned", onto: onto ?? null, commits };
		return { data, lines: [`would land ${count(commits)} on ${place}`, ...dropped(outcome)] };
	}
	if (outcome.kind !== "landed") {
		return { data: { ...common, state: "up-to-date" }, lines: [`nothing to push: ${place} has it all`] };
	}
	const { before, after, tip, commits, batch } = outcome;
	const data = { ...common, state: "landed", before: before ?? null, after, tip, commits, batch, local };
	const isEmpty = commits.every((commit) => commit.to === undefined);
	if (commits.length === 0) {
		return {
			data,
			lines: [`made ${place} (${tip.slice(0, 12)}), whose commits are elsewhere on ${showText(to.remote, 80)}`],
		};
	}
	const isThere = !commits.some(({ isWithdrawn }) => isWithdrawn);
	const nothing = `nothing to land${isThere ? `: ${place} has every change` : ` on ${place}`}`;
	const first = isEmpty ? nothing : `${landed(outcome)} on ${place}`;
	const lines = [first, ...dropped(outcome)];
	if (local.kind === "deferred") {
		lines.push(`  local update deferred: ${showText(local.why)}`, `  next: ${showText(local.next)}`);
	}
	return { data, lines };
}

function landed({ commits, tip, batch }: PushLanded): string {
	const isReplayed = commits.some(({ from, to }) => to !== undefined && to !== from);
	const together = batch > 1 ? `, together with ${batch - 1} more in line` : "";
	return `landed ${count(commits)} (${tip.slice(0, 12)}${isReplayed ? ", replayed" : ""}${together})`;
}

function count(commits: readonly PushedCommit[]): string {
	const placed = commits.filter(({ to }) => to !== undefined).length;
	return `${placed} ${placed === 1 ? "commit" : "commits"}`;
}

function dropped({ commits }: { readonly commits: readonly PushedCommit[] }): readonly string[] {
	return commits
		.filter(({ to }) => to === undefined)
		.map(({ from, isWithdrawn }) => {
			const id = from.slice(0, 12);
			return isWithdrawn
				? `  left out ${id}: it was taken back from there by force; git cherry-pick ${id} makes it anew`
				: `  left out ${id}: its change was there already`;
		});
}

/** One line on what a leader is doing, replaced at every step. */
export function showPhase(output: Output, to: Destination, phase: PushPhase, batch: number): void {
	const place = `${showText(to.remote, 40)} ${showText(shortRef(to.ref), 60)}`;
	output.progress(`push to ${place}: ${phase}${batch > 1 ? `, together with ${batch - 1} more in line` : ""} …`);
}

/** One line on the place in line, why it takes, and for how long yet; replaced every second. */
export function showWaiting(
	output: Output,
	to: Destination,
	{ ahead, blockers }: Waiting,
	estimateMs: number | undefined,
): void {
	const blocker = blockers.find(({ what }) => what === "lock") ?? blockers[0];
	if (blocker === undefined) return;
	const place = `${showText(to.remote, 40)} ${showText(shortRef(to.ref), 60)}`;
	const soon =
		estimateMs === undefined || isStoppedPush(blocker)
			? ""
			: `, about ${showDuration(Math.ceil(estimateMs / 1000) * 1000)}`;
	output.progress(`${ordinal(ahead + 1)} in line on ${place}, ${reason(blocker)}${soon} (Ctrl-C leaves the line)`);
}

function reason(blocker: Blocker): string {
	const who = showText(blocker.actor, 40);
	if (isStoppedPush(blocker)) {
		return `the push of ${who} is stopped (pid ${blocker.owner?.pid}), passed over after ${showDuration(stoppedPatienceMs)}`;
	}
	if (blocker.resource.kind === "database") return `${who} is pushing`;
	return `${showText(describeResource(blocker.resource), 60)} is locked by ${showSession(blocker)}`;
}

function ordinal(place: number): string {
	const end = /1[123]$/.test(String(place)) ? "th" : (["th", "st", "nd", "rd"][place % 10] ?? "th");
	return `${place}${end}`;
}
