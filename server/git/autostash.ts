import { readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Plumbing } from "./plumbing.ts";
import type { Repository } from "./repository.ts";

/**
 * Puts back what `git rebase --autostash` put aside before it asked its pre-rebase hook, which is about to refuse: git before
 * 2.47 leaves it in its rebase directory, where nobody finds it. Undefined when there is nothing to put back.
 */
export async function returnAutostash(
	repository: Repository,
	environment: NodeJS.ProcessEnv,
): Promise<{ readonly id: string; readonly isBack: boolean } | undefined> {
	const found = findAutostash(repository);
	if (found === undefined || (await gitPutsItBack(repository))) return undefined;
	const { id, directory } = found;
	const git = new Plumbing(repository.worktree, environment);
	const call = {
		environment: { GIT_DIR: repository.gitDirectory, GIT_WORK_TREE: repository.worktree, UDO_MOVES: "1" },
	};
	const ways = [
		["stash", "apply", "-q", "--index", id],
		["stash", "apply", "-q", id],
	];
	let isBack = false;
	for (const way of ways) isBack ||= (await git.run(way, call)).code === 0;
	if (!isBack && (await git.run(["stash", "store", "-m", "autostash", id], call)).code !== 0) return { id, isBack };
	rmSync(join(directory, "autostash"));
	try {
		rmdirSync(directory);
	} catch {
		// git keeps more in it: there is a rebase under way.
	}
	return { id, isBack };
}

function findAutostash({ gitDirectory }: Repository): { readonly id: string; readonly directory: string } | undefined {
	for (const name of ["rebase-merge", "rebase-apply"]) {
		const directory = join(gitDirectory, name);
		try {
			const id = readFileSync(join(directory, "autostash"), "utf8").trim();
			if (/^[0-9a-f]{40,64}$/.test(id)) return { id, directory };
		} catch {
			// Not there.
		}
	}
	return undefined;
}

async function gitPutsItBack(repository: Repository): Promise<boolean> {
	const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(await repository.run("version")) ?? []).map(Number);
	return major > 2 || (major === 2 && minor >= 47);
}
