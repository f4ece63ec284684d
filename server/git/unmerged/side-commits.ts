import type { Plumbing } from "../plumbing.ts";
import type { Operation } from "./conflict-state.ts";

/** The commit that a side of a conflict comes from. */
export interface SideCommit {
	readonly id: string;
	readonly author: string;
	readonly subject: string;
	/** Wall-clock ms. */
	readonly at: number;
}

export interface SideCommits {
	readonly ours: SideCommit | undefined;
	readonly theirs: SideCommit | undefined;
}

/** Who changed a conflicted path last on each side, as far as the history tells: a renamed file has another name there. */
export async function sideCommits(git: Plumbing, operation: Operation, path: string): Promise<SideCommits> {
	const { kind, theirs } = operation;
	if (theirs === undefined) return { ours: await lastChange(git, ["HEAD"], path), theirs: undefined };
	const [ours, other] = await Promise.all([
		lastChange(git, ["HEAD", "--not", theirs], path),
		kind === "merge" ? lastChange(git, [theirs, "--not", "HEAD"], path) : lastChange(git, ["--no-walk", theirs]),
	]);
	return { ours, theirs: other };
}

async function lastChange(git: Plumbing, commits: readonly string[], path?: string): Promise<SideCommit | undefined> {
	const paths = path === undefined ? [] : ["--", path];
	const format = "--format=%h%x00%an%x00%s%x00%at";
	const { code, stdout } = await git.run(["--literal-pathspecs", "log", "-1", format, ...commits, ...paths]);
	const [id = "", author = "", subject = "", seconds = ""] = stdout.toString().trimEnd().split("\0");
	return code !== 0 || id === "" ? undefined : { id, author, subject, at: Number(seconds) * 1000 };
}
