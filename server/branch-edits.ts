import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mostConflictBytes } from "./coordination/conflict.ts";
import { codeOf } from "./errors.ts";
import { Plumbing } from "./git/plumbing.ts";

/** Two versions of a file that are both not committed yet, in two working trees on one branch, and the commit's that both began with. */
export interface BranchEdits {
	readonly base: Buffer;
	readonly ours: Buffer;
	readonly theirs: Buffer;
}

/** `none`: nothing to decide between the two trees. `unknown`: it could not be told just now, so nothing may be concluded of it. */
export type BranchComparison =
	| { readonly kind: "edits"; readonly edits: BranchEdits }
	| { readonly kind: "none" }
	| { readonly kind: "unknown" };

/**
 * The edits of one file in two working trees of this machine: `ours` is what an editor shows here. There are none where they are no
 * two edits of one text: one side is as committed, or deleted it, both made the same of it, or their commits differ, which is for a
 * push to find.
 */
export async function branchEdits(
	path: string,
	ours: Buffer,
	{ here, there }: { readonly here: string; readonly there: string },
	environment: NodeJS.ProcessEnv,
): Promise<BranchComparison> {
	const theirs = await textOnDisk(join(there, path));
	if (theirs === "unreadable") return { kind: "unknown" };
	if (theirs === "absent" || theirs.equals(ours)) return { kind: "none" };
	if (theirs.length > mostConflictBytes) return { kind: "unknown" };
	const [git, other] = [new Plumbing(here, environment), new Plumbing(there, environment)];
	const [id, theirId] = await Promise.all([committed(git, path), committed(other, path)]);
	if (id === "unknown" || theirId === "unknown") return { kind: "unknown" };
	if (id === undefined || id !== theirId) return { kind: "none" };
	const { code, stdout: base } = await git.run(["cat-file", "--filters", `--path=${path}`, id]);
	if (code !== 0) return { kind: "unknown" };
	return base.equals(ours) || base.equals(theirs) ? { kind: "none" } : { kind: "edits", edits: { base, ours, theirs } };
}

/** A file of a working tree as it is on disk. */
export async function textOnDisk(path: string): Promise<Buffer | "absent" | "unreadable"> {
	try {
		return await readFile(path);
	} catch (error) {
		const code = codeOf(error);
		return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" ? "absent" : "unreadable";
	}
}

/** How the cause of a conflict between two trees over this file begins; the trees follow, each on a line, sorted. */
export function treesCause(host: string, path: string): string {
	return `file_edit trees ${host} ${path}\n`;
}

// Undefined: HEAD has no such file.
async function committed(git: Plumbing, path: string): Promise<string | undefined | "unknown"> {
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", `HEAD:${path}`]);
	if (code === 0) return stdout.toString().trim();
	return code === 1 ? undefined : "unknown";
}
