import { showSession, showText } from "../server/coordination/describe.ts";
import { resourceKey } from "../server/coordination/resource.ts";
import type { Session } from "../server/coordination/session.ts";
import { headMoves, switchOf } from "../server/git/reflog.ts";
import { shellWord } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import type { Verdict } from "./verdict.ts";
import { othersHere } from "./writers.ts";

/**
 * Tells all who work in this tree that it is on another branch now, and records it as a conflict until the tree is back there.
 * A person's own editor follows its terminal without that.
 */
export async function postCheckout(workspace: Workspace): Promise<Verdict> {
	const { repository, coordinator, store, project } = workspace;
	const [last] = headMoves(repository, 1);
	const moved = last && switchOf(last);
	if (moved === undefined || moved.from === moved.to || (isCommit(moved.from) && isCommit(moved.to))) return nothing;
	const { worktree } = repository;
	const { from, to } = moved;
	for (const { id, cause } of await store.conflicts(project)) {
		if (cause !== causeOf(worktree, to)) continue;
		await store.resolveConflict(project, id, `the tree is on ${to} again`, coordinator.author);
	}
	const others = await othersHere(workspace);
	const [first] = others;
	if (first === undefined) return nothing;
	const back = `git switch ${isCommit(from) ? "--detach " : ""}${shellWord(from)}`;
	await store.reportConflict(
		{
			project,
			type: "context_switch",
			resource: resourceKey({ kind: "git", id: isCommit(from) ? to : from }),
			sessions: [coordinator.session.id, ...others.map(({ id }) => id)],
			cause: causeOf(worktree, from),
			summary: `${coordinator.session.actor} switched ${worktree} from ${from} to ${to}, where ${names(others)} ${others.length === 1 ? "works" : "work"} as well`,
			next: back,
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

const nothing: Verdict = { refusals: [], warnings: [], refused: [] };

function causeOf(worktree: string, from: string): string {
	return `context_switch ${worktree}\n${from}`;
}

function names(sessions: readonly Session[]): string {
	return sessions.map(({ actor }) => actor).join(", ");
}

function isCommit(name: string): boolean {
	return /^[0-9a-f]{40,64}$/.test(name);
}
