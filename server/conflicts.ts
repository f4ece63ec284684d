import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { branchEdits, textOnDisk, treesCause } from "./branch-edits.ts";
import type { Conflict } from "./coordination/conflict.ts";
import { showText } from "./coordination/describe.ts";
import { supersedeFreed } from "./coordination/lock-conflict.ts";
import { thisHost } from "./coordination/process.ts";
import { resourceKey, resourceOf } from "./coordination/resource.ts";
import { codeOf } from "./errors.ts";
import { Plumbing } from "./git/plumbing.ts";
import { GitError, type Repository } from "./git/repository.ts";
import { currentOperation } from "./git/unmerged/conflict-state.ts";
import { type Stage, stageBytes, type UnmergedPath, unmergedPaths } from "./git/unmerged/unmerged.ts";
import { followMerges } from "./merge-memory.ts";
import { resourceWords } from "./shell-word.ts";
import type { Workspace } from "./workspace.ts";

// A merge that went wrong in a thousand files is one mistake, not a thousand conflicts.
const mostPaths = 50;

/**
 * The open conflicts of the project, after a look at what is open and what is over: what git could not merge in this working tree
 * is recorded, with its texts; what has been concluded, aborted or settled in the index of this or another tree of this machine, or
 * went with its tree, and what was about a lock that is free again, is superseded.
 */
export async function openConflicts(
	workspace: Workspace,
	environment: NodeJS.ProcessEnv,
): Promise<readonly Conflict[]> {
	await reviewIndex(workspace, environment);
	await reviewOtherIndexes(workspace, environment);
	await reviewTrees(workspace, environment);
	await supersedeFreed(workspace.coordinator);
	return workspace.store.conflicts(workspace.project);
}

/** Identifies the record of a path that git could not merge: another one as soon as one of its three versions is another. */
export function gitConflictCause(
	tree: Pick<Repository, "worktree">,
	{ path, base, ours, theirs }: UnmergedPath,
): string {
	const versions = [base, ours, theirs].map((stage) => (stage === undefined ? "none" : `${stage.mode} ${stage.id}`));
	return [`${treeCause(tree)}${path}`, ...versions].join("\n");
}

async function reviewIndex(workspace: Workspace, environment: NodeJS.ProcessEnv): Promise<void> {
	const { repository, store, project, coordinator } = workspace;
	const git = new Plumbing(repository.worktree, environment);
	const unmerged = await unmergedPaths(git);
	await followMerges(workspace, git, unmerged);
	const causes = new Map(unmerged.map((each) => [gitConflictCause(repository, each), each]));
	const tree = treeCause(repository);
	const known = (await store.conflicts(project)).filter(({ cause }) => cause.startsWith(tree));
	let standing = 0;
	for (const { id, cause } of known) {
		if (causes.delete(cause)) {
			standing += 1;
			continue;
		}
		const why = unmerged.length === 0 ? "nothing is left to merge in the index" : "settled in the index";
		await store.resolveConflict(project, id, why, coordinator.author, "superseded");
	}
	const fresh = [...causes].slice(0, Math.max(0, mostPaths - standing));
	if (fresh.length === 0) return;
	const operation = await currentOperation(git, repository);
	const { host, worktree } = coordinator.session;
	const here = (await store.sessions(project)).filter((each) => each.host === host && each.worktree === worktree);
	for (const [cause, path] of fresh) {
		await store.reportConflict(
			{
				project,
				type: "git_merge",
				resource: resourceKey({ kind: "file", id: path.path }),
				sessions: here.map(({ id }) => id),
				cause,
				summary: `${showText(path.path, 120)}: ${stopped[operation.kind]} in ${showText(worktree, 120)}`,
				next: `udo resolve ${resourceWords({ kind: "file", id: path.path })}`,
				place: { host, worktree },
				blobs: await textsOf(git, path),
			},
			coordinator.author,
		);
	}
}

// Nobody may ever type udo there again: a tree is removed or moved, or git brings the operation to an end.
async function reviewOtherIndexes(
	{ store, project, coordinator, repository }: Workspace,
	environment: NodeJS.ProcessEnv,
): Promise<void> {
	const elsewhere = (await store.conflicts(project)).flatMap((conflict) => {
		const { type, place, cause } = conflict;
		const isNear = type === "git_merge" && place?.host === thisHost() && place.worktree !== repository.worktree;
		return isNear && cause.startsWith(treeCause(place)) ? [{ ...conflict, place }] : [];
	});
	for (const worktree of new Set(elsewhere.map(({ place }) => place.worktree))) {
		const causes = await causesIn(worktree, environment);
		if (causes === "unknown") continue;
		const why = causes === "gone" ? "its working tree is gone" : "settled in the index";
		for (const { id, cause, place } of elsewhere) {
			if (place.worktree !== worktree || (causes !== "gone" && causes.has(cause))) continue;
			await store.resolveConflict(project, id, why, coordinator.author, "superseded");
		}
	}
}

async function causesIn(
	worktree: string,
	environment: NodeJS.ProcessEnv,
): Promise<ReadonlySet<string> | "gone" | "unknown"> {
	try {
		await lstat(join(worktree, ".git"));
		const unmerged = await unmergedPaths(new Plumbing(worktree, environment));
		return new Set(unmerged.map((each) => gitConflictCause({ worktree }, each)));
	} catch (error) {
		const code = codeOf(error);
		if (code === "" && !(error instanceof GitError)) throw error;
		return code === "ENOENT" || code === "ENOTDIR" ? "gone" : "unknown";
	}
}

// As long as the editor that found it is there it looks after it, and knows what is not saved.
async function reviewTrees(workspace: Workspace, environment: NodeJS.ProcessEnv): Promise<void> {
	const { store, project, coordinator } = workspace;
	const conflicts = (await store.conflicts(project)).flatMap((conflict) => {
		const path = resourceOf(conflict.resource).id;
		const prefix = treesCause(thisHost(), path);
		return conflict.cause.startsWith(prefix) ? [{ ...conflict, path, trees: conflict.cause.slice(prefix.length) }] : [];
	});
	if (conflicts.length === 0) return;
	const alive = new Set((await store.sessions(project)).map((session) => session.id));
	for (const { id, path, trees, sessions } of conflicts) {
		if (sessions[0] !== undefined && alive.has(sessions[0])) continue;
		const [here = "", there = ""] = trees.split("\n");
		const ours = await textOnDisk(join(here, path));
		if (ours === "unreadable") continue;
		if (ours !== "absent" && (await branchEdits(path, ours, { here, there }, environment)).kind !== "none") continue;
		const why = "one of the trees has no change of its own any more";
		await store.resolveConflict(project, id, why, coordinator.author, "superseded");
	}
}

const stopped = {
	merge: "a merge stopped at it",
	rebase: "a rebase stopped at it",
	am: "git am stopped at it",
	"cherry-pick": "a cherry-pick stopped at it",
	revert: "a revert stopped at it",
	stash: "a stash could not be put back over it",
	other: "git could not merge it",
} as const;

async function textsOf(git: Plumbing, { path, base, ours, theirs }: UnmergedPath) {
	// What git does not have here is not kept; the conflict is one all the same.
	const bytesOf = async (stage: Stage | undefined) =>
		stage === undefined || isSubmodule(stage) ? undefined : stageBytes(git, path, stage).catch(unlessGit);
	const texts = { base: await bytesOf(base), ours: await bytesOf(ours), theirs: await bytesOf(theirs) };
	return {
		...(texts.base && { base: texts.base }),
		...(texts.ours && { ours: texts.ours }),
		...(texts.theirs && { theirs: texts.theirs }),
	};
}

function unlessGit(error: unknown): undefined {
	if (!(error instanceof GitError)) throw error;
}

function isSubmodule({ mode }: Stage): boolean {
	return mode === "160000";
}

function treeCause({ worktree }: Pick<Repository, "worktree">): string {
	return `git_merge ${thisHost()} ${worktree}\n`;
}
