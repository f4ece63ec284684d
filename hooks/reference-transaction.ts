import { branchOfRef, isZeroId } from "../server/git/ref.ts";
import { mergeHeads } from "../server/git/staged.ts";
import type { Workspace } from "../server/workspace.ts";
import { heldBranch, heldError } from "./held-branch.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Guards what moves a branch or hides the changes of a working tree past every other hook: `commit --no-verify`, `branch -f`,
 * `update-ref`, `stash push`. Refused when another live session has the branch. `text` is what git wrote: a line for each ref.
 */
export async function referenceTransaction(
	workspace: Workspace,
	text: string,
	environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
	if (/ ORIG_HEAD$/m.test(text)) return beforeMerge(workspace, environment);
	const moves = readMoves(text);
	const branches = moves.flatMap(({ ref }) => branchOfRef(ref) ?? []);
	const held = await heldBranch(workspace, branches);
	if (held !== undefined) {
		return { refusals: [heldError(held, "move", "git …")], warnings: [], refused: [`branch ${held.branch}`] };
	}
	for (const { ref, to } of moves) {
		const branch = branchOfRef(ref);
		if (branch === undefined || isZeroId(to)) continue;
		const { worktree } = workspace.repository;
		await workspace.coordinator.log({ type: "branch_moved", branch, to, worktree });
	}
	// A stash takes the files of all who share this tree, and lies where every working tree of the clone may take it from.
	const here = await workspace.repository.branch();
	if (here === undefined || !moves.some(({ ref, to }) => ref === "refs/stash" && !isZeroId(to))) return nothing;
	const heldHere = await heldBranch(workspace, [here]);
	if (heldHere === undefined) return nothing;
	return { refusals: [heldError(heldHere, "stash", "git stash push")], warnings: [], refused: ["refs/stash"] };
}

// Refused before git touches a file, unless all that is to be merged is here already.
async function beforeMerge(workspace: Workspace, environment: NodeJS.ProcessEnv): Promise<Verdict> {
	const { repository } = workspace;
	const branch = await repository.branch();
	const held = branch === undefined ? undefined : await heldBranch(workspace, [branch]);
	if (held === undefined) return nothing;
	for (const head of mergeHeads(repository, environment)) {
		if ((await repository.ask("merge-base", "--is-ancestor", head, "HEAD")) !== undefined) continue;
		return {
			refusals: [heldError(held, "merge", `git merge ${head.slice(0, 12)}`)],
			warnings: [],
			refused: [`branch ${held.branch}`],
		};
	}
	return nothing;
}

interface Move {
	readonly to: string;
	readonly ref: string;
}

const nothing: Verdict = { refusals: [], warnings: [], refused: [] };

function readMoves(text: string): readonly Move[] {
	return text.split("\n").flatMap((line) => {
		const [, from, to, ref] = /^(\S+) (\S+) (refs\/(?:heads\/.+|stash))$/.exec(line) ?? [];
		if (to === undefined || ref === undefined) return [];
		// A deletion that does not care what was there is zeros for zeros.
		return from === to && !isZeroId(to) ? [] : [{ to, ref }];
	});
}
