import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./repository.ts";

/** A path that the commit in progress changes, as it is in HEAD and in the index; an id of zeros is no file. */
export interface StagedEntry {
	readonly path: string;
	readonly head: string;
	readonly index: string;
	/** When the file that was staged had come to be as it was, wall-clock ms; 0 when it was staged from elsewhere than the disk. */
	readonly changedAt: number;
}

/** The index that git handed to the hook, where it differs from HEAD. */
export async function stagedEntries(repository: Repository): Promise<readonly StagedEntry[]> {
	const entries = await rawChanges(repository, "diff-index", "--cached", "HEAD");
	if (entries.length === 0 || entries.length > mostPaths) return [];
	const text = await repository.run(
		"--literal-pathspecs",
		"ls-files",
		"--debug",
		"-z",
		"--",
		...entries.map(({ path }) => path),
	);
	const times = new Map<string, number>();
	// <path> NUL "  ctime: s:ns\n  mtime: s:ns\n …" and then the next path, without a separator but the line break.
	for (const [, path = "", ...parts] of text.matchAll(
		/([^\0]+)\0 {2}ctime: (\d+):(\d+)\n {2}mtime: (\d+):(\d+)\n.*\n.*\n.*\n/g,
	)) {
		const [ctime = 0, ctimeNs = 0, mtime = 0, mtimeNs = 0] = parts.map(Number);
		// A copy may be as old as what it is a copy of; when it was made, ctime tells.
		times.set(path, Math.max(ctime * 1000 + ctimeNs / 1_000_000, mtime * 1000 + mtimeNs / 1_000_000));
	}
	return entries.map(({ path, from, to }) => ({ path, head: from, index: to, changedAt: times.get(path) ?? 0 }));
}

/** What each of the paths was before and after a move from one commit to another; only those that it changed. */
export function changedBetween(repository: Repository, from: string, to: string, paths: readonly string[]) {
	return rawChanges(repository, "diff-tree", "-r", from, to, "--", ...paths);
}

/** Whether git is in the middle of something that takes back or brings in commits on purpose. */
export function isReplaying({ gitDirectory }: Repository): boolean {
	return ["REVERT_HEAD", "CHERRY_PICK_HEAD", "MERGE_HEAD", "rebase-merge", "rebase-apply", "sequencer"].some((name) =>
		existsSync(join(gitDirectory, name)),
	);
}

// A commit of more is an import, not somebody's stale copy, and would cost too much to look at.
const mostPaths = 400;

async function rawChanges(
	repository: Repository,
	command: "diff-index" | "diff-tree",
	...args: readonly string[]
): Promise<readonly { readonly path: string; readonly from: string; readonly to: string }[]> {
	const text = await repository.ask(
		"--literal-pathspecs",
		command,
		"--raw",
		"-z",
		"--no-renames",
		"--no-abbrev",
		...args,
	);
	const fields = (text ?? "").split("\0");
	const found = [];
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const [, , from = "", to = ""] = (fields[i] ?? "").split(" ");
		found.push({ path: fields[i + 1] ?? "", from, to });
	}
	return found;
}
