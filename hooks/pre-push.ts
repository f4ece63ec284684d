import { describeResource } from "../server/coordination/resource.ts";
import { UdoError } from "../server/errors.ts";
import { knownCommits } from "../server/git/push/commits.ts";
import { branchOfRef, isZeroId, shortRef } from "../server/git/ref.ts";
import { shellWord } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import { holdBranches } from "./branch-lock.ts";
import { isCoordinated } from "./coordinated-push.ts";
import { isPlainPush } from "./plain-push.ts";
import { type CoordinatedPush, showNames, type Verdict } from "./verdict.ts";

/** One line that git gives a pre-push hook: what is about to replace what on the remote. */
export interface RefUpdate {
	/** What is pushed, as it was typed or as a full ref; undefined when that is not known. */
	readonly localRef: string | undefined;
	readonly localId: string;
	readonly remoteRef: string;
	readonly remoteId: string;
}

/**
 * Guards a push: refuses it when the remote has commits that were never fetched, and takes the remote's branches for as long
 * as git needs. Deletions need the branch as well; tags and other refs nobody locks.
 */
export async function prePush(
	workspace: Workspace,
	remote: string,
	updates: readonly RefUpdate[],
	environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
	const refs = updates.map(({ remoteRef }) => remoteRef);
	if (updates.length === 0 || (await isCoordinated(workspace, refs, environment))) return nothingRefused;
	const branches = updates.flatMap((update) => {
		const name = branchOfRef(update.remoteRef);
		return name === undefined ? [] : [{ ...update, name }];
	});
	const names = branches.map(({ name }) => name);
	const behind = await unfetched(workspace, branches);
	const [first] = behind;
	if (first !== undefined) {
		const refused = behind.map(({ name }) => name);
		const next = await catchUpCommand(workspace, remote, first);
		const refusals = [behindError(remote, refused, next)];
		const instead = await coordinated(workspace, remote, updates);
		return { refusals, warnings: [], refused: refused.map(asBranch), ...(instead && { instead }) };
	}
	const taken = await holdBranches(workspace, names, {
		hook: "pre-push",
		waitForClaims: true,
		command: () => pushCommand(workspace, remote, updates),
	});
	if (taken === undefined) return nothingRefused;
	const instead = await coordinated(workspace, remote, updates);
	return { refusals: [taken], warnings: [], refused: names.map(asBranch), ...(instead && { instead }) };
}

const nothingRefused: Verdict = { refusals: [], warnings: [], refused: [] };

/** The lines of a pre-push hook's standard input, or what the pre-commit framework makes of them for the hooks it runs. */
export function readUpdates(text: string, environment: NodeJS.ProcessEnv): readonly RefUpdate[] {
	const {
		PRE_COMMIT_TO_REF: localId,
		PRE_COMMIT_REMOTE_BRANCH: remoteRef,
		PRE_COMMIT_FROM_REF: remoteId,
	} = environment;
	if (text === "" && localId && remoteRef) {
		// It tells of one ref only, and perhaps not of all that is pushed.
		return [{ localRef: undefined, localId, remoteRef, remoteId: remoteId ?? "0" }];
	}
	return text.split("\n").flatMap((line) => {
		// The first may have spaces in it: `HEAD@{1 day ago}`.
		const [, localRef, localId, remoteRef, remoteId] = /^(.+) (\S+) (\S+) (\S+)$/.exec(line) ?? [];
		if (localId === undefined || remoteRef === undefined || remoteId === undefined) return [];
		return [{ localRef, localId, remoteRef, remoteId }];
	});
}

/** A ref on the remote that is a branch there. */
type BranchUpdate = RefUpdate & { readonly name: string };

// git learnt the remote's tips before it called the hook: one that is unknown here was pushed by somebody else meanwhile. A
// forced push would drop it unseen, so that is stopped too.
async function unfetched(
	{ repository }: Workspace,
	branches: readonly BranchUpdate[],
): Promise<readonly BranchUpdate[]> {
	const replaced = branches.filter(isReplacement);
	if (replaced.length === 0) return [];
	const known = await knownCommits(
		repository,
		replaced.map(({ remoteId }) => remoteId),
	);
	return replaced.filter(({ remoteId }) => !known.has(remoteId));
}

function behindError(remote: string, behind: readonly string[], next: string): UdoError {
	const one = behind.length === 1;
	return new UdoError(`push refused: ${showNames(behind)} ${one ? "is" : "are"} behind ${shellWord(remote)}`, {
		code: "behind",
		why: `somebody pushed commits to ${one ? "it" : "them"} that were never fetched here.`,
		next,
	});
}

// `udo push` for what it can push, a branch of this clone.
async function catchUpCommand(workspace: Workspace, remote: string, update: BranchUpdate): Promise<string> {
	const push = await branchPush(workspace, remote, update);
	if (push === undefined) return `git fetch ${shellWord(remote)} ${shellWord(update.name)}`;
	const to = push.branch === update.name ? "" : ` --to ${shellWord(update.name)}`;
	return `udo push${to} ${shellWord(remote)} ${shellWord(push.branch)}`;
}

/** The coordinated push that does what this one was to do, when the user wants that, and when it was about one branch. */
async function coordinated(
	workspace: Workspace,
	remote: string,
	updates: readonly RefUpdate[],
): Promise<CoordinatedPush | undefined> {
	const [only, ...others] = updates;
	if (!workspace.config.pushesTogether || only === undefined || others.length > 0) return undefined;
	if (!(await isPlainPush(workspace.repository, remote))) return undefined;
	return branchPush(workspace, remote, only);
}

async function branchPush(
	{ repository }: Workspace,
	remote: string,
	{ localRef, localId, remoteRef }: RefUpdate,
): Promise<CoordinatedPush | undefined> {
	const current = await repository.branch().catch(() => undefined);
	const branch = localRef === "HEAD" ? current : branchOfRef(localRef ?? "");
	return branch === undefined || isZeroId(localId) ? undefined : { remote, branch, ref: remoteRef };
}

// What was asked of git, as far as a hook is told: not whether it was forced, so there is no command for what had to be.
async function pushCommand(
	{ repository }: Workspace,
	remote: string,
	updates: readonly RefUpdate[],
): Promise<string | undefined> {
	const words = updates.map(refspec);
	if (words.length > mostRefspecs || words.includes(undefined)) return undefined;
	for (const { localId, remoteId } of updates.filter(isReplacement)) {
		if ((await repository.ask("merge-base", "--is-ancestor", remoteId, localId)) === undefined) return undefined;
	}
	return `git push ${[remote, ...words.flatMap((word) => word ?? [])].map(shellWord).join(" ")}`;
}

// A longer command nobody reads.
const mostRefspecs = 20;

function refspec({ localRef, localId, remoteRef }: RefUpdate): string | undefined {
	const [to, from] = [remoteRef, localRef ?? ""].map(shortRef);
	if (isZeroId(localId)) return `:${to}`;
	if (localRef === undefined) return undefined;
	if (localRef === remoteRef) return to;
	// Only for a branch does git know by itself that it is to become one.
	return localRef.startsWith("refs/heads/") ? `${from}:${to}` : `${localRef}:${remoteRef}`;
}

function isReplacement({ localId, remoteId }: RefUpdate): boolean {
	return !isZeroId(localId) && !isZeroId(remoteId);
}

function asBranch(name: string): string {
	return describeResource({ kind: "git", id: name });
}
