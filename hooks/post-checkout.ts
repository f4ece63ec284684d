import { showSession, showText } from "../server/coordination/describe.ts";
import { thisHost } from "../server/coordination/process.ts";
import { resourceKey } from "../server/coordination/resource.ts";
import type { Session } from "../server/coordination/session.ts";
import { headMoves, switchOf } from "../server/git/reflog.ts";
import type { Repository } from "../server/git/repository.ts";
import { shellWord } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import type { Verdict } from "./verdict.ts";
import { othersHere } from "./writers.ts";

/**
 * Tells all who work in this tree that it is on another branch now, and records that as a conflict until the tree is back where
 * they were, whoever brings it back. A person's own editor follows its terminal without that.
 */
export async function postCheckout(workspace: Workspace): Promise<Verdict> {
	const { repository, coordinator, store, project } = workspace;
	const moved = await lastSwitch(repository);
	if (moved === undefined) return nothing;
	const { worktree } = repository;
	const away = (await store.conflicts(project)).filter(({ cause }) => cause.startsWith(causeOf(worktree, "")));
	const home = away.filter(({ cause }) => cause === causeOf(worktree, moved.to));
	for (const { id } of away) {
		await store.resolveConflict(project, id, `the tree is on ${moved.to} now`, coordinator.author, "superseded");
	}
	// Who was here when it left comes home with it; whoever came later was never there.
	const isHome = new Set(home.flatMap(({ sessions }) => sessions));
	const others = (await othersHere(workspace)).filter(({ id }) => !isHome.has(id));
	const [first] = others;
	if (first === undefined) return nothing;
	// A tree that moves on is away from where it was at first.
	const from = home.length > 0 ? moved.from : (away[0]?.cause.slice(causeOf(worktree, "").length) ?? moved.from);
	// git refuses to make a branch that looks like an option, but others may have made one.
	const how = isCommit(from) ? "--detach " : from.startsWith("-") ? "-- " : "";
	const back = `git switch ${how}${shellWord(from)}`;
	await store.reportConflict(
		{
			project,
			type: "context_switch",
			resource: resourceKey({ kind: "git", id: isCommit(from) ? moved.to : from }),
			sessions: [coordinator.session.id, ...others.map(({ id }) => id)],
			cause: causeOf(worktree, from),
			summary: `${showText(coordinator.session.actor, 60)} switched ${showText(worktree, 120)} from ${showText(from, 60)} to ${showText(moved.to, 60)}, where ${names(others)} ${others.length === 1 ? "works" : "work"} as well`,
			next: back,
			place: { host: thisHost(), worktree },
		},
		coordinator.author,
	);
	const who = showSession({ session: first.id, actor: first.actor });
	const more = others.length > 1 ? ` and ${others.length - 1} more` : "";
	const was = showText(from, 60);
	return {
		...nothing,
		warnings: [`warning: ${who}${more} works in this tree as well, which was on ${was} (back: ${back})`],
	};
}

/**
 * The switch that has just happened; undefined when it was none: the branch is the same, one commit took the place of another
 * without a branch, or git wrote nothing about it.
 */
async function lastSwitch(repository: Repository): Promise<{ readonly from: string; readonly to: string } | undefined> {
	const [last] = headMoves(repository, 1);
	const moved = last && switchOf(last);
	if (last === undefined || moved === undefined) return undefined;
	const [branch, head] = await Promise.all([
		repository.branch(),
		repository.ask("rev-parse", "--verify", "-q", "HEAD"),
	]);
	// Without a branch git writes what was typed, such as HEAD~1; what is not about this HEAD is an older line.
	if (last.to !== head?.trim() || (branch !== undefined && branch !== moved.to)) return undefined;
	const to = branch ?? last.to;
	return moved.from === to || (isCommit(moved.from) && isCommit(to)) ? undefined : { from: moved.from, to };
}

const nothing: Verdict = { refusals: [], warnings: [], refused: [] };

function causeOf(worktree: string, from: string): string {
	return `context_switch ${thisHost()} ${worktree}\n${from}`;
}

function names(sessions: readonly Session[]): string {
	return sessions.map(({ actor }) => showText(actor, 40)).join(", ");
}

function isCommit(name: string): boolean {
	return /^[0-9a-f]{40,64}$/.test(name);
}
