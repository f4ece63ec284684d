import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Plumbing } from "./git/plumbing.ts";

/** Two versions of a file that are both not committed yet, in two working trees on one branch, and the commit's that both began with. */
export interface BranchEdits {
	readonly base: Buffer;
	readonly ours: Buffer;
	readonly theirs: Buffer;
}

/**
 * The edits of one file in two working trees of this machine: `ours` is what an editor shows here. Undefined where they are no two
 * edits of one text: one side is as committed, both made the same of it, or their commits differ, which is for a push to find.
 */
export async function branchEdits(
	path: string,
	ours: Buffer,
	{ here, there }: { readonly here: string; readonly there: string },
	environment: NodeJS.ProcessEnv,
): Promise<BranchEdits | undefined> {
	const theirs = await readFile(join(there, path)).catch(() => undefined);
	if (theirs === undefined || theirs.length > mostBytes || theirs.equals(ours)) return undefined;
	const [git, other] = [new Plumbing(here, environment), new Plumbing(there, environment)];
	const [id, theirId] = await Promise.all([committed(git, path), committed(other, path)]);
	if (id === undefined || id !== theirId) return undefined;
	const { code, stdout: base } = await git.run(["cat-file", "--filters", `--path=${path}`, id]);
	return code !== 0 || base.equals(ours) || base.equals(theirs) ? undefined : { base, ours, theirs };
}

/** How the cause of a conflict between two trees over this file begins; the trees follow, each on a line, sorted. */
export function treesCause(host: string, path: string): string {
	return `file_edit trees ${host} ${path}\n`;
}

const mostBytes = 4 * 1024 * 1024;

async function committed(git: Plumbing, path: string): Promise<string | undefined> {
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", `HEAD:${path}`]);
	return code === 0 ? stdout.toString().trim() : undefined;
}
