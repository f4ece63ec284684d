import { setTimeout as delay } from "node:timers/promises";
import { type Claimed, claim } from "../server/coordination/claim.ts";
import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import type { Acquired, Blocker } from "../server/coordination/lock.ts";
import { type CommitHookName, hookOf, hookRequest } from "../server/coordination/request-name.ts";
import { describeResource, type Resource } from "../server/coordination/resource.ts";
import { HeldError, UdoError } from "../server/errors.ts";
import { callingGit } from "../server/git/caller.ts";
import { resourceWords } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";

// Long enough to sit out another git at work, short enough that nobody wonders what git is doing.
const patienceMs = 2000;
const adviceMs = 500;
const shortestLeaseMs = 60_000;

/** How a hook takes branches: what it is about, and for whom it waits. */
export interface BranchTerms {
	readonly hook: CommitHookName;
	/** Whether a branch that somebody claimed is waited for as well, and not only one that another git is using. */
	readonly waitForClaims: boolean;
	/** What to run once the branch is free, as far as a hook can tell. Asked only when it is not. */
	readonly command: () => Promise<string | undefined>;
}

/**
 * Locks branches for as long as the git process lives that started this hook, all or none, and answers why not. Waits at most
 * two seconds. A lock of another hook only counts when it is about the same thing: two pushes of one branch, or two commits
 * in one working tree. A commit here does not disturb a push from there, whose objects are chosen already.
 */
export async function holdBranches(
	workspace: Workspace,
	branches: readonly string[],
	terms: BranchTerms,
): Promise<UdoError | undefined> {
	const owner = callingGit();
	if (owner === undefined || branches.length === 0) return undefined;
	const { coordinator } = workspace;
	const resources = branches.map((id): Resource => ({ kind: "git", id }));
	const ttlMs = Math.max(shortestLeaseMs, workspace.config.lockTtlMs);
	// A push of many branches must not pass unguarded because of a cap that is there against accidents.
	const options = { owner, ttlMs, request: hookRequest(terms.hook), isUncapped: true };

	const first = await coordinator.acquire(resources, options);
	const early = inTheWay(first, terms.hook, workspace);
	if (early.length === 0) return undefined;
	const isClaimed = early.some(({ request }) => hookOf(request) === undefined);
	if (isClaimed && !terms.waitForClaims) return refused(early, 0, terms);

	const waited = await claim(coordinator, resources, {
		...options,
		request: hookRequest(terms.hook),
		waitMs: patienceMs,
	});
	const late = waited.ok ? [] : inTheWay(waited.refusal, terms.hook, workspace);
	return late.length === 0 ? undefined : refused(late, aheadIn(waited), terms);
}

// Who only waits in line holds nothing yet, and a hook must not stand in a long line.
function inTheWay(answer: Acquired, hook: CommitHookName, workspace: Workspace): readonly Blocker[] {
	if (answer.ok) return [];
	if (answer.reason !== "held") {
		throw new UdoError("the branch could not be locked", {
			code: answer.reason,
			next: "udo status",
			...(answer.reason === "limit" && {
				why: `${answer.most} locks are the most there may be (lock.${answer.limit})`,
			}),
		});
	}
	return answer.blockers.filter((blocker) => {
		if (blocker.what === "waiter") return false;
		const theirs = hookOf(blocker.request);
		if (theirs === undefined) return true;
		if (hook === "pre-push" || theirs === "pre-push") return hook === theirs;
		return blocker.worktree === workspace.repository.worktree && blocker.host === workspace.coordinator.session.host;
	});
}

function aheadIn(claimed: Claimed): number {
	return !claimed.ok && claimed.refusal.reason === "held" ? claimed.refusal.ahead : 0;
}

async function refused(
	blockers: readonly Blocker[],
	ahead: number,
	{ hook, command }: BranchTerms,
): Promise<UdoError | undefined> {
	const [blocker] = blockers;
	if (blocker === undefined) return undefined;
	const name = showText(describeResource(blocker.resource), 120);
	const theirs = hookOf(blocker.request);
	const since = showDuration(blocker.ageMs);
	const what =
		theirs === undefined
			? `it is locked by ${showSession(blocker)} for ${since}, lease ends in ${showDuration(blocker.leftMs)}`
			: `git of ${showSession(blocker)} is ${theirs === "pre-push" ? "pushing it" : "committing here"} for ${since}` +
				(blocker.owner === undefined ? "" : ` (pid ${blocker.owner.pid})`);
	const line = ahead > 0 ? `; ${ahead} ahead of you in line` : "";
	// What to type is only advice: a git that fails or takes long must not cost the refusal.
	const again = await Promise.race([command(), delay(adviceMs, undefined, { ref: false })]).catch(() => undefined);
	const words = new Set(blockers.map(({ resource }) => resourceWords(resource)));
	return new HeldError(`${hook === "pre-push" ? "push" : "commit"} refused: ${name} is not free`, {
		why: `${what}${line}.`,
		next: again === undefined ? "udo status" : `udo run --wait ${[...words].join(" ")} -- ${again}`,
	});
}
