import { rmdirSync, rmSync, type Stats } from "node:fs";
import { codeOf } from "../../errors.ts";
import { lstatIfThere } from "../lstat.ts";
import { asInHead, idsOnDisk, modeOf } from "./as-stored.ts";
import { type BytePath, bytes, onDisk, readable, records } from "./byte-path.ts";
import { committedSince } from "./committed-since.ts";
import { writeDrafts } from "./drafts.ts";
import { byPath, MadeDirectories } from "./permissions.ts";
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
	/** Could not be written or removed, for what the system says: EACCES in a directory that is not to be written in. */
	readonly failed: readonly { readonly path: string; readonly why: string }[];
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
	const asStored = await replaceable(git, snapshot, wanted);
	const result = {
		written: [] as string[],
		removed: [] as string[],
		beside: [] as Restored["beside"][number][],
		failed: [] as Restored["failed"][number][],
	};
	const attempt = (path: BytePath, what: () => void) => {
		try {
			what();
		} catch (error) {
			if (codeOf(error) === "") throw error;
			result.failed.push({ path: readable(path), why: codeOf(error) });
		}
	};
	// First, for a file may have been where they were in a directory.
	for (const { path, now, then } of wanted) {
		if (now !== undefined) continue;
		const found = asStored.get(path);
		if (found?.id === then && found !== undefined && isStill(onDisk(worktree, path), found.stats)) {
			attempt(path, () => {
				remove(worktree, path);
				result.removed.push(readable(path));
			});
		} else result.beside.push({ path: readable(path), copy: undefined });
	}
	const back = wanted.flatMap(({ path, now }) => (now === undefined ? [] : [{ path, ...now }]));
	const blocked = back.filter(({ path }) => isBlocked(worktree, path)).map(({ path }) => path);
	const free = back.filter(({ path }) => !blocked.includes(path));

	const permissions = byPath(snapshot.permissions);
	using scratch = new Scratch(git.repository);
	using directories = new MadeDirectories(worktree, permissions);
	const filtered = new Set<string>(snapshot.filtered);
	// Those last, since others may be what says how they are filtered.
	for (const through of ["nothing", "filters"] as const) {
		const files = free.filter(({ path }) => filtered.has(path) === (through === "filters"));
		const drafts = await writeDrafts(git, scratch, files, through, permissions);
		for (const { path } of files) {
			const draft = drafts.get(path);
			if (draft === undefined) continue;
			attempt(path, () => {
				directories.makeFor(path);
				if (putInPlace(onDisk(worktree, path), draft, asStored.get(path)?.stats)) result.written.push(readable(path));
				else result.beside.push({ path: readable(path), copy: putBeside(worktree, path, draft) });
			});
		}
	}
	const staged = options.staged ? await stageAgain(git, snapshot, isWanted) : [];
	return { ...result, blocked: blocked.map(readable), staged };
}

/** The files on disk that may be replaced: what is there is in HEAD, and was before the snapshot was made. */
async function replaceable(git: QuietGit, snapshot: Snapshot, work: readonly Work[]) {
	const found = await asInHead(git, pathsOf(work));
	const differing = work.filter(({ path, then }) => found.has(path) && found.get(path)?.id !== then);
	const since = differing.length === 0 ? new Set<BytePath>() : await committedSince(git, snapshot);
	for (const { path } of differing) if (since.has(path)) found.delete(path);
	return found;
}

/** A file that was not as in HEAD. `then` is its blob there, if any; without `now` it was deleted. */
interface Work {
	readonly path: BytePath;
	readonly then: string | undefined;
	readonly now: { readonly mode: string; readonly id: string } | undefined;
}

function pathsOf(work: readonly Work[]): readonly BytePath[] {
	return work.map(({ path }) => path);
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
	const ids = await idsOnDisk(git, pathsOf(work), (path) => (isFiltered.has(path) ? [] : ["--no-filters"]));
	return work.filter(({ path, now }) => {
		const found = lstatIfThere(onDisk(worktree, path));
		// What is behind a link is not in the tree.
		if (now === undefined) return found !== undefined && !found.isDirectory() && !isBlocked(worktree, path);
		return found === undefined || ids.get(path) !== now.id || modeOf(found) !== now.mode || isBlocked(worktree, path);
	});
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

// Only where nothing is staged now, nor was committed since: that is somebody's, and an older one would take it back.
async function stageAgain(
	git: QuietGit,
	snapshot: Snapshot,
	isWanted: (path: BytePath) => boolean,
): Promise<readonly string[]> {
	const { staged, head } = snapshot;
	if (staged === undefined) return [];
	const nothing = await emptyTree(git);
	const headNow = (await git.ask(["rev-parse", "--verify", "-q", "HEAD^{commit}"])) ?? nothing;
	const cached = ["diff-index", "--cached", "--no-renames", "--name-only", "-z", headNow, "--"];
	const taken = new Set([...records(await git.read(cached)), ...(await committedSince(git, snapshot))]);
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
		const found = lstatIfThere(onDisk(worktree, directory));
		if (found !== undefined && !found.isDirectory()) return true;
	}
	return lstatIfThere(onDisk(worktree, path))?.isDirectory() === true;
}

function isStill(path: Buffer, then: Stats): boolean {
	const now = lstatIfThere(path);
	return now !== undefined && now.ino === then.ino && now.size === then.size && now.ctimeMs === then.ctimeMs;
}

function parentOf(path: BytePath): BytePath {
	return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as BytePath;
}
