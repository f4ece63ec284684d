import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Repository } from "./repository.ts";

/** One working tree of a clone. `missing` when its directory is gone and `git worktree prune` would forget it. */
export interface Worktree {
	readonly path: string;
	readonly missing: boolean;
}

/** All working trees of this clone, the main one first; without it when the repository is bare. */
export async function worktreesOf(repository: Repository): Promise<readonly Worktree[]> {
	const records = (await repository.run("worktree", "list", "--porcelain", "-z")).split("\0\0").filter(Boolean);
	return records.flatMap((record) => {
		const fields = record.split("\0");
		const path = fields.find((field) => field.startsWith("worktree "))?.slice("worktree ".length);
		if (path === undefined || fields.includes("bare")) return [];
		return [{ path, missing: fields.some((field) => /^prunable\b/.test(field)) }];
	});
}

/**
 * The branch that a working tree of this machine is on now, without starting git; undefined on a detached HEAD, or when there
 * is no such tree to look at.
 */
export function branchAt(worktree: string): string | undefined {
	try {
		const git = join(worktree, ".git");
		const directory = statSync(git).isDirectory()
			? git
			: resolve(
					worktree,
					readFileSync(git, "utf8")
						.replace(/^gitdir: /, "")
						.trimEnd(),
				);
		const branch = /^ref: refs\/heads\/(.+)\n/.exec(readFileSync(join(directory, "HEAD"), "utf8"))?.[1];
		// What a repository with the reftable backend shows to those who read HEAD themselves.
		return branch === ".invalid" ? undefined : branch;
	} catch {
		return undefined;
	}
}
