import { readlinkSync, type Stats } from "node:fs";
import { isReadable, lstatIfThere } from "../lstat.ts";
import { type BytePath, bytes, onDisk, quotedLine, records } from "./byte-path.ts";
import type { QuietGit } from "./quiet-git.ts";

/** The files on disk that are as in HEAD, with what lstat said of them before that was found out. */
export async function asInHead(git: QuietGit, paths: readonly BytePath[]) {
	const found = new Map<BytePath, { readonly id: string; readonly stats: Stats }>();
	const stats = new Map(paths.map((path) => [path, lstatIfThere(onDisk(git.repository.worktree, path))]));
	const head = await git.run(["ls-tree", "-r", "-z", "--full-tree", "HEAD"]);
	const entries = new Map(
		records(head.stdout).map((record) => {
			const [, mode = "", id = "", path = ""] = /^(\d+) \w+ (\w+)\t(.*)$/s.exec(record) ?? [];
			return [path as BytePath, { mode, id }];
		}),
	);
	const ids = await idsOnDisk(git, paths, () => []);
	for (const path of paths) {
		const [its, entry] = [stats.get(path), entries.get(path)];
		if (its === undefined || entry === undefined) continue;
		if (ids.get(path) === entry.id && modeOf(its) === entry.mode) found.set(path, { id: entry.id, stats: its });
	}
	return found;
}

/** What git would store of the files on disk, hashed with these options; a link's is of its target. */
export async function idsOnDisk(
	git: QuietGit,
	paths: readonly BytePath[],
	options: (path: BytePath) => readonly string[],
): Promise<ReadonlyMap<BytePath, string>> {
	const { worktree } = git.repository;
	const ids = new Map<BytePath, string>();
	const groups = new Map<string, BytePath[]>();
	for (const path of paths) {
		const found = lstatIfThere(onDisk(worktree, path));
		if (found?.isSymbolicLink()) {
			const target = readlinkSync(onDisk(worktree, path), { encoding: "buffer" });
			ids.set(path, (await git.read(["hash-object", "--stdin"], { input: target })).toString().trim());
		} else if (found?.isFile() && isReadable(onDisk(worktree, path))) {
			// git stops at the first one that it cannot read.
			const key = options(path).join(" ");
			groups.set(key, [...(groups.get(key) ?? []), path]);
		}
	}
	for (const [key, group] of groups) {
		const input = bytes(group.map(quotedLine), "\n");
		const args = ["hash-object", "--stdin-paths", ...key.split(" ").filter(Boolean)];
		const lines = (await git.run(args, { input })).stdout.toString().split("\n").slice(0, -1);
		for (const [i, id] of lines.entries()) {
			const path = group[i];
			if (path !== undefined) ids.set(path, id);
		}
	}
	return ids;
}

/** The mode that git stores of what is on disk. */
export function modeOf(found: Stats): string {
	if (found.isSymbolicLink()) return "120000";
	return (found.mode & 0o100) === 0 ? "100644" : "100755";
}
