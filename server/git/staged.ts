import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./repository.ts";

/**
 * The paths that the commit in progress changes, repo-relative in git's spelling; a rename is two of them. Reads the index that
 * git handed to the hook (GIT_INDEX_FILE), which for `commit -a`, `-p` and `commit PATH` is not the one on disk.
 *
 * The other side is always HEAD, for `--amend` too: a hook is not told about the amendment, and what stays as it is in the
 * amended commit was judged when that one was made. A merge changes what differs from every parent: what it takes over
 * unchanged is somebody's finished work, not this session's.
 */
export async function stagedPaths(repository: Repository, mergeHeads: readonly string[]): Promise<readonly string[]> {
	let staged = await changedSince(repository, "HEAD");
	for (const head of staged.length === 0 ? [] : mergeHeads) {
		const changed = new Set(await changedSince(repository, head));
		staged = staged.filter((path) => changed.has(path));
	}
	return staged;
}

/** The other parents of the merge that is being committed; none when it is no merge. */
export function mergeHeads(repository: Repository, environment: NodeJS.ProcessEnv): readonly string[] {
	// `git merge` writes MERGE_HEAD only after its pre-merge-commit hook, but names the parents in the environment.
	const named = Object.keys(environment).flatMap((name) => /^GITHEAD_([0-9a-f]{40,64})$/.exec(name)?.[1] ?? []);
	if (named.length > 0) return named;
	try {
		return readFileSync(join(repository.gitDirectory, "MERGE_HEAD"), "utf8").split("\n").filter(Boolean);
	} catch {
		return [];
	}
}

async function changedSince(repository: Repository, commit: string): Promise<readonly string[]> {
	// git commits a staged submodule also where .gitmodules says to ignore it, and then shows it in no diff.
	const shown = ["--no-renames", "--ignore-submodules=none", "--name-only", "-z"];
	const against = ["diff-index", "--cached", ...shown, commit, "--"];
	try {
		return names(await repository.run(...against));
	} catch (error) {
		if ((await repository.ask("rev-parse", "--verify", "--quiet", commit)) !== undefined) throw error;
		// Before the first commit everything in the index is new.
		return names(await repository.run("ls-files", "-z"));
	}
}

function names(text: string): string[] {
	return text.split("\0").filter(Boolean);
}
