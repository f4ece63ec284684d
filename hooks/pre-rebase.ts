import { UdoError } from "../server/errors.ts";
import { returnAutostash } from "../server/git/autostash.ts";
import { shortRef } from "../server/git/ref.ts";
import { shellWord } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import { heldBranch, heldError } from "./held-branch.ts";
import type { Verdict } from "./verdict.ts";

/** Guards `git rebase`: refused when another live session has the branch that would be rebased. */
export async function preRebase(
	workspace: Workspace,
	[upstream = "", named]: readonly string[],
	environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
	const branch = named ?? (await workspace.repository.branch());
	const held = branch === undefined ? undefined : await heldBranch(workspace, [shortRef(branch)]);
	if (held === undefined) return { refusals: [], warnings: [], refused: [] };
	const command = ["git rebase", ...[upstream, ...(named === undefined ? [] : [named])].filter(Boolean).map(shellWord)];
	const refusal = heldError(held, "rebase", command.join(" "));
	const kept = await returnAutostash(workspace.repository, environment);
	const lost = new UdoError("what was changed here could not be put back after --autostash", {
		code: "autostash",
		why: "git had put it aside before it asked; nothing is lost.",
		next: `git stash apply ${kept?.id ?? ""}`,
	});
	return {
		refusals: kept?.isBack === false ? [refusal, lost] : [refusal],
		warnings: [],
		refused: [`branch ${held.branch}`],
	};
}
