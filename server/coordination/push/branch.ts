import { type Claimed, claim, type Waiting } from "../claim.ts";
import { machineClock } from "../clock.ts";
import { type Coordinator, thisProcess } from "../coordinator.ts";
import { Lease } from "../lease.ts";
import type { Blocker } from "../lock.ts";
import { hookOf, hookRequest } from "../request-name.ts";
import { type Resource, resourceKey } from "../resource.ts";

const leaseMs = 60_000;

/** The right to push to a branch. */
export type BranchRight =
	/** `isClaimed`: this session has said that nobody else pushes to it. */
	| { readonly ok: true; readonly lease: Lease | undefined; readonly isClaimed: boolean }
	/** Somebody else claimed the branch, or a git pushes to it right now. */
	| { readonly ok: false };

/** Takes the branch as the hook of a push does, for as long as it is needed, without waiting. A commit elsewhere does not mind. */
export async function takeBranch(coordinator: Coordinator, ref: string): Promise<BranchRight> {
	const branch = branchOf(ref);
	if (branch === undefined) return { ok: true, lease: undefined, isClaimed: false };
	const sentAt = machineClock.now();
	const options = { request: hookRequest("pre-push"), owner: thisProcess(), ttlMs: leaseMs, isUncapped: true };
	const answer = await coordinator.acquire([branch], options);
	if (answer.ok) {
		return { ok: true, lease: new Lease(coordinator, answer, sentAt), isClaimed: await isClaimed(coordinator, branch) };
	}
	const isFree = answer.reason !== "held" || !answer.blockers.some(isInTheWay);
	return isFree ? { ok: true, lease: undefined, isClaimed: false } : { ok: false };
}

/** Waits until nobody else has the branch; undefined when that is so. */
export async function waitForBranch(
	coordinator: Coordinator,
	ref: string,
	options: { readonly waitMs: number; readonly signal: AbortSignal; readonly onWaiting: (waiting: Waiting) => void },
): Promise<Extract<Claimed, { ok: false }> | undefined> {
	const branch = branchOf(ref);
	if (branch === undefined) return undefined;
	const request = hookRequest("pre-push");
	const own = { request, owner: thisProcess(), ttlMs: leaseMs, isUncapped: true };
	const claimed = await claim(coordinator, [branch], { ...options, ...own });
	if (!claimed.ok) return claimed;
	await coordinator.store.release(coordinator.project, request, "released");
	return undefined;
}

function branchOf(ref: string): Resource | undefined {
	const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
	return name === undefined ? undefined : { kind: "git", id: name };
}

// The hook of a commit holds the branch, too, but only against other commits in its working tree.
function isInTheWay({ what, request }: Blocker): boolean {
	return what === "lock" && [undefined, "pre-push"].includes(hookOf(request));
}

async function isClaimed({ project, session, store }: Coordinator, branch: Resource): Promise<boolean> {
	const locks = await store.locks(project);
	const own = locks.find((lock) => lock.session === session.id && resourceKey(lock.resource) === resourceKey(branch));
	return own?.holds.some(({ request }) => hookOf(request) === undefined) === true;
}
