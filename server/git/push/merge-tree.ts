import { UdoError } from "../../errors.ts";
import type { Plumbing } from "../plumbing.ts";
import { GitError } from "../repository.ts";

/** A path that two sides changed differently, with the blobs of base, ours and theirs as far as there are any. */
export interface ConflictedPath {
	readonly path: string;
	readonly base?: string;
	readonly ours?: string;
	readonly theirs?: string;
}

export type MergedTree =
	| { readonly ok: true; readonly tree: string }
	| { readonly ok: false; readonly paths: readonly ConflictedPath[] };

/** Merges two commits without a working tree; their merge base is what their parents say. Needs git 2.38. */
export async function mergeTree(
	git: Plumbing,
	environment: Readonly<Record<string, string>>,
	ours: string,
	theirs: string,
): Promise<MergedTree> {
	const args = ["merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs];
	const { code, stdout, stderr } = await git.run(args, { environment });
	const [tree = "", ...entries] = stdout.toString().split("\0");
	if (code === 0) return { ok: true, tree };
	if (code === 129) throw tooOld();
	if (code !== 1 || tree === "") throw new GitError(stderr.trim(), code);
	return { ok: false, paths: conflictedPaths(entries) };
}

function tooOld(): UdoError {
	return new UdoError("this git is too old to put commits on top of others without a working tree", {
		code: "git_too_old",
		why: "that takes git 2.38 or newer.",
		next: "git pull --rebase, then udo push",
	});
}

const sides = { "1": "base", "2": "ours", "3": "theirs" } as const;

function conflictedPaths(entries: readonly string[]): readonly ConflictedPath[] {
	const found = new Map<string, ConflictedPath>();
	for (const entry of entries) {
		const [, id, stage, path] = /^\d+ ([0-9a-f]+) ([123])\t(.*)$/s.exec(entry) ?? [];
		if (id === undefined || path === undefined) continue;
		found.set(path, { ...(found.get(path) ?? { path }), [sides[stage as keyof typeof sides]]: id });
	}
	return [...found.values()];
}
