import { lstatSync, readlinkSync, rmdirSync, rmSync, type Stats } from "node:fs";
import { type BytePath, bytes, onDisk, quotedLine, readable, records } from "./byte-path.ts";
import { writeDrafts } from "./drafts.ts";
import { putBeside, putInPlace } from "./put.ts";
import type { QuietGit } from "./quiet-git.ts";
import { Scratch } from "./scratch.ts";
import { emptyTree, type Snapshot } from "./snapshot.ts";

/** What became of the files of a snapshot that are not in the working tree as they were. */
export interface Restored {
	/** Are as they were: they were gone, or were what git itself had put there. */
	readonly written: readonly string[];
	/** Were deleted then, and are again. */
	readonly removed: readonly string[];
	/** Were changed since: they stay, and the old ones lie beside them; one that was deleted then has no old one. */
	readonly beside: readonly { readonly path: string; readonly copy: string | undefined }[];
	/** Something else is where they were, such as a file where there was a directory. */
	readonly blocked: readonly string[];
	/** Were staged then and are again; only when asked for. */
	readonly staged: readonly string[];
}

export interface RestoreOptions {
	/** Files and directories, repo-relative without a slash at the end; all when there are none, or an empty one. */
	readonly paths: readonly string[];
	/** Whether to stage again what was staged, as far as nothing else is staged there now. */
	readonly staged: boolean;
}

/** The work that a snapshot has: what was not as in HEAD then, and what of it is not in the working tree now. */
export async function workOf(git: QuietGit, snapshot: Snapshot) {
	const work = await workIn(git, snapshot);
	const differing = await differingFrom(git, work, snapshot);
	return { files: work.length, differs: differing.map(({ path }) => readable(path)) };
}

/** Brings files back without touching any that somebody changed since. */
export async function restore(git: QuietGit, snapshot: Snapshot, options: RestoreOptions): Promise<Restored> {
	const { worktree } = git.repository;
	const isWanted = (path: BytePath) =>
		options.paths.length === 0 ||
		options.paths.some((each) => each === "" || `${readable(path)}/`.startsWith(`${each}/`));
	const work = (await workIn(git, snapshot)).filter(({ path }) => isWanted(path));
	const wanted = await differingFrom(git, work, snapshot);
	const asStored = await asInHead(git, wanted);
	const result = { written: [] as string[], removed: [] as string[], beside: [] as Restored["beside"][number][] };
	// First, for a file may have been where they were in a directory.
	for (const { path, now, then } of wanted) {
		if (now !== undefined) continue;
		const found = asStored.get(path);
		if (found?.id === then && found !== undefined && isStill(onDisk(worktree, path), found.stats)) {
			remove(worktree, path);
			result.removed.push(readable(path));
		} else result.beside.push({ path: readable(path), copy: undefined });
	}
	const back = wanted.flatMap(({ path, now }) => (now === undefined ? [] : [{ path, ...now }]));
	const blocked = back.filter(({ path }) => isBlocked(worktree, path)).map(({ path }) => path);
	const free = back.filter(({ path }) => !blocked.includes(path));

	using scratch = new Scratch(git.repository);
	const filtered = new Set<string>(snapshot.filtered);
	// Those last, since others may be what says how they are filtered.
	for (const through of ["nothing", "filters"] as const) {
		const files = free.filter(({ path }) => filtered.has(path) === (through === "filters"));
		const drafts = await writeDrafts(git, scratch, files, through);
		for (const { path } of files) {
			const draft = drafts.get(path);
			if (draft === undefined) continue;
			if (putInPlace(onDisk(worktree, path), draft, asStored.get(path)?.stats)) result.written.push(readable(path));
			else result.beside.push({ path: readable(path), copy: putBeside(worktree, path, draft) });
		}
	}
	const staged = options.staged ? await stageAgain(git, snapshot, isWanted) : [];
	return { ...result, blocked: blocked.map(readable), staged };
}

/** A file that was not as in HEAD. `then` is its blob there, if any; without `now` it was deleted. */
interface Work {
	readonly path: BytePath;
	readonly then: string | undefined;
	readonly now: { readonly mode: string; readonly id: string } | undefined;
}

async function workIn(git: QuietGit, { head, tree }: Snapshot): Promise<readonly Work[]> {
	const entries = await rawDiff(git, head ?? (await emptyTree(git)), tree);
	return entries.flatMap(({ path, from, to }): Work[] => {
		// Another repository in this one.
		if (from.mode === "160000" || to.mode === "160000") return [];
		const then = from.mode === "000000" ? undefined : from.id;
		return [{ path, then, now: to.mode === "000000" ? undefined : to }];
	});
}

/** Those that are not on disk as they were. */
async function differingFrom(git: QuietGit, work: readonly Work[], { filtered }: Snapshot): Promise<readonly Work[]> {
	const { worktree } = git.repository;
	const isFiltered = new Set<string>(filtered);
	const ids = await idsOnDisk(git, work, (path) => (isFiltered.has(path) ? [] : ["--no-filters"]));
	return work.filter(({ path, now }) => {
		const found = stat(onDisk(worktree, path));
		// What is behind a link is not in the tree.
		if (now === undefined) return found !== undefined && !found.isDirectory() && !isBlocked(worktree, path);
		return found === undefined || ids.get(path) !== now.id || modeOf(found) !== now.mode || isBlocked(worktree, path);
	});
}

/** The files on disk that are as in HEAD, with what lstat said of them before that was found out. */
async function asInHead(git: QuietGit, work: readonly Work[]) {
	const found = new Map<BytePath, { readonly id: string; readonly stats: Stats }>();
	const stats = new Map(work.map(({ path }) => [path, stat(onDisk(git.repository.worktree, path))]));
	const head = await git.run(["ls-tree", "-r", "-z", "--full-tree", "HEAD"]);
	const entries = new Map(
		records(head.stdout).map((record) => {
			const [, mode = "", id = "", path = ""] = /^(\d+) \w+ (\w+)\t(.*)$/s.exec(record) ?? [];
			return [path as BytePath, { mode, id }];
		}),
	);
	const ids = await idsOnDisk(git, work, () => []);
	for (const { path } of work) {
		const [its, entry] = [stats.get(path), entries.get(path)];
		if (its === undefined || entry === undefined) continue;
		if (ids.get(path) === entry.id && modeOf(its) === entry.mode) found.set(path, { id: entry.id, stats: its });
	}
	return found;
}

/** What git would store of the files on disk; a link's is of its target. */
async function idsOnDisk(git: QuietGit, work: readonly Work[], options: (path: BytePath) => readonly string[]) {
	const { worktree } = git.repository;
	const ids = new Map<BytePath, string>();
	const groups = new Map<string, BytePath[]>();
	for (const { path } of work) {
		const found = stat(onDisk(worktree, path));
		if (found?.isSymbolicLink()) {
			const target = readlinkSync(onDisk(worktree, path), { encoding: "buffer" });
			ids.set(path, (await git.read(["hash-object", "--stdin"], { input: target })).toString().trim());
		} else if (found?.isFile()) {
			const key = options(path).join(" ");
			groups.set(key, [...(groups.get(key) ?? []), path]);
		}
	}
	for (const [key, paths] of groups) {
		const input = bytes(paths.map(quotedLine), "\n");
		const args = ["hash-object", "--stdin-paths", ...key.split(" ").filter(Boolean)];
		const lines = (await git.run(args, { input })).stdout.toString().split("\n").slice(0, -1);
		for (const [i, id] of lines.entries()) {
			const path = paths[i];
			if (path !== undefined) ids.set(path, id);
		}
	}
	return ids;
}

interface Side {
	readonly mode: string;
	readonly id: string;
}

async function rawDiff(git: QuietGit, from: string, to: string) {
	const fields = records(await git.read(["diff-tree", "-r", "-z", "--no-renames", from, to, "--"]));
	const found: { readonly path: BytePath; readonly from: Side; readonly to: Side }[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const [modeFrom = "", modeTo = "", idFrom = "", idTo = ""] = (fields[i] ?? "").slice(1).split(" ");
		const path = (fields[i + 1] ?? "") as BytePath;
		found.push({ path, from: { mode: modeFrom, id: idFrom }, to: { mode: modeTo, id: idTo } });
	}
	return found;
}

// Only where nothing is staged now: what somebody staged since is theirs.
async function stageAgain(
	git: QuietGit,
	{ staged, head }: Snapshot,
	isWanted: (path: BytePath) => boolean,
): Promise<readonly string[]> {
	if (staged === undefined) return [];
	const nothing = await emptyTree(git);
	const headNow = (await git.ask(["rev-parse", "--verify", "-q", "HEAD^{commit}"])) ?? nothing;
	const cached = ["diff-index", "--cached", "--no-renames", "--name-only", "-z", headNow, "--"];
	const taken = new Set(records(await git.read(cached)));
	const again = (await rawDiff(git, head ?? nothing, staged)).filter(({ path }) => !taken.has(path) && isWanted(path));
	if (again.length > 0) {
		const input = bytes(again.map(({ path, to }) => `${to.mode} ${to.id}\t${path}`));
		await git.read(["update-index", "-z", "--index-info"], { input });
	}
	return again.map(({ path }) => readable(path));
}

// As git does, with the directories that are empty after it.
function remove(worktree: string, path: BytePath): void {
	rmSync(onDisk(worktree, path));
	try {
		for (let directory = parentOf(path); directory !== ""; directory = parentOf(directory)) {
			rmdirSync(onDisk(worktree, directory));
		}
	} catch {
		// Something else is in it.
	}
}

// Anything on the way that is no directory, a link to one included, or a directory where the file was.
function isBlocked(worktree: string, path: BytePath): boolean {
	for (let directory = parentOf(path); directory !== ""; directory = parentOf(directory)) {
		const found = stat(onDisk(worktree, directory));
		if (found !== undefined && !found.isDirectory()) return true;
	}
	return stat(onDisk(worktree, path))?.isDirectory() === true;
}

function isStill(path: Buffer, then: Stats): boolean {
	const now = stat(path);
	return now !== undefined && now.ino === then.ino && now.size === then.size && now.ctimeMs === then.ctimeMs;
}

function parentOf(path: BytePath): BytePath {
	return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as BytePath;
}

function modeOf(found: Stats): string {
	if (found.isSymbolicLink()) return "120000";
	return (found.mode & 0o100) === 0 ? "100644" : "100755";
}

function stat(path: Buffer): Stats | undefined {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch {
		return undefined;
	}
}
