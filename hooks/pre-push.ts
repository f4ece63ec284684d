import { describeResource } from "../server/coordination/resource.ts";
import { UdoError } from "../server/errors.ts";
import { knownCommits } from "../server/git/commits.ts";
import type { Workspace } from "../server/workspace.ts";
import { holdBranches } from "./branch-lock.ts";
import { shellWord, showNames, type Verdict } from "./verdict.ts";

/** One line that git gives a pre-push hook: what is about to replace what on the remote. */
export interface RefUpdate {
	readonly localId: string;
	readonly remoteRef: string;
	readonly remoteId: string;
}

/**
 * Guards a push: refuses it when the remote has commits that were never fetched, and takes the remote's branches for as long
 * as git needs. Deletions need the branch as well; tags and other refs nobody locks.
 */
export async function prePush(workspace: Workspace, remote: string, updates: readonly RefUpdate[]): Promise<Verdict> {
	const branches = updates.flatMap((update) => {
		const name = /^refs\/heads\/(.+)$/.exec(update.remoteRef)?.[1];
		return name === undefined ? [] : [{ ...update, name }];
	});
	const names = branches.map(({ name }) => name);
	const command = `git push ${shellWord(remote)} ${names.map(shellWord).slice(0, 3).join(" ")}`;
	const behind = await unfetched(workspace, branches);
	if (behind.length > 0)
		return { refusals: [behindError(remote, behind)], warnings: [], refused: behind.map(asBranch) };
	const taken = await holdBranches(workspace, names, { hook: "pre-push", waitForClaims: true, command });
	return taken === undefined
		? { refusals: [], warnings: [], refused: [] }
		: { refusals: [taken], warnings: [], refused: names.map(asBranch) };
}

/** The lines of a pre-push hook's standard input, or what the pre-commit framework makes of them for the hooks it runs. */
export function readUpdates(text: string, environment: NodeJS.ProcessEnv): readonly RefUpdate[] {
	const {
		PRE_COMMIT_TO_REF: localId,
		PRE_COMMIT_REMOTE_BRANCH: remoteRef,
		PRE_COMMIT_FROM_REF: remoteId,
	} = environment;
	if (text === "" && localId && remoteRef) return [{ localId, remoteRef, remoteId: remoteId ?? "0" }];
	return text.split("\n").flatMap((line) => {
		const [, localId, remoteRef, remoteId] = line.split(" ");
		if (localId === undefined || remoteRef === undefined || remoteId === undefined) return [];
		return [{ localId, remoteRef, remoteId }];
	});
}

// git learnt the remote's tips before it called the hook: one that is unknown here was pushed by somebody else meanwhile. A
// forced push would drop it unseen, so that is stopped too.
async function unfetched(
	{ repository }: Workspace,
	branches: readonly (RefUpdate & { readonly name: string })[],
): Promise<readonly string[]> {
	const replaced = branches.filter(({ localId, remoteId }) => !isZero(localId) && !isZero(remoteId));
	if (replaced.length === 0) return [];
	const known = await knownCommits(
		repository,
		replaced.map(({ remoteId }) => remoteId),
	);
	return replaced.filter(({ remoteId }) => !known.has(remoteId)).map(({ name }) => name);
}

function behindError(remote: string, behind: readonly string[]): UdoError {
	const [first = ""] = behind;
	const one = behind.length === 1;
	return new UdoError(`push refused: ${showNames(behind)} ${one ? "is" : "are"} behind ${shellWord(remote)}`, {
		code: "behind",
		exitCode: 7,
		why: `somebody pushed commits to ${one ? "it" : "them"} that were never fetched here.`,
		next: `git pull --rebase ${shellWord(remote)} ${shellWord(first)}`,
	});
}

function asBranch(name: string): string {
	return describeResource({ kind: "git", id: name });
}

function isZero(id: string): boolean {
	return /^0+$/.test(id);
}
