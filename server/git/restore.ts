import { constants, copyFileSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Repository } from "./repository.ts";
import { ScratchIndex, type Snapshot, type Snapshots } from "./snapshot.ts";

/** What became of the files of a snapshot that are not in the working tree as they were. */
export interface Restored {
	/** Are as they were: they were gone, or were what git itself had put there. */
	readonly written: readonly string[];
	/** Were changed since: they stay, and the old ones lie beside them. */
	readonly beside: readonly { readonly path: string; readonly copy: string }[];
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

/** The files that are not in the working tree as they were then. */
export async function differences(snapshots: Snapshots, now: string, { tree }: Snapshot): Promise<readonly string[]> {
	return (await changes(snapshots, now, tree)).filter(({ status }) => status !== "D").map(({ path }) => path);
}

/** How many files were changed, new or deleted then. */
export async function sizeOf(snapshots: Snapshots, { head, tree }: Snapshot): Promise<number> {
	return (await changes(snapshots, head ?? (await snapshots.emptyTree()), tree)).length;
}

/** Brings files back without touching any that somebody changed since. */
export async function restore(
	repository: Repository,
	snapshots: Snapshots,
	snapshot: Snapshot,
	options: RestoreOptions,
): Promise<Restored> {
	const { worktree } = repository;
	const { tree: now } = await snapshots.now();
	const isWanted = (path: string) =>
		options.paths.length === 0 || options.paths.some((each) => each === "" || `${path}/`.startsWith(`${each}/`));
	const wanted = (await changes(snapshots, now, snapshot.tree)).filter(
		({ status, path }) => status !== "D" && isWanted(path),
	);
	const sinceHead = new Set((await changes(snapshots, "HEAD", now)).map(({ path }) => path));
	const blocked = wanted.filter(({ path }) => isBlocked(worktree, path)).map(({ path }) => path);
	const free = wanted.filter(({ path }) => !blocked.includes(path));
	// What is as in HEAD is in git; what is not was made or changed by somebody after the snapshot, or is ignored.
	const isSafe = ({ status, path }: Change) => (status === "A" ? !exists(join(worktree, path)) : !sinceHead.has(path));
	const safe = free.filter(isSafe).map(({ path }) => path);
	const changed = free.filter((each) => !isSafe(each)).map(({ path }) => path);
	using scratch = new ScratchIndex();
	await snapshots.read(["read-tree", snapshot.tree], scratch.call);
	await checkOut(snapshots, scratch, safe, ["-f"]);
	const drafts = `${join(scratch.directory, "files")}/`;
	mkdirSync(drafts);
	await checkOut(snapshots, scratch, changed, [`--prefix=${drafts}`]);
	const beside = changed.flatMap((path) => {
		if (isSame(join(drafts, path), join(worktree, path))) return [];
		return [{ path, copy: putBeside(worktree, path, join(drafts, path)) }];
	});
	const staged = options.staged ? await stageAgain(snapshots, snapshot, isWanted) : [];
	return { written: safe, beside, blocked, staged };
}

interface Change {
	readonly status: string;
	readonly path: string;
}

async function changes(snapshots: Snapshots, from: string, to: string): Promise<readonly Change[]> {
	const { code, stdout } = await snapshots.run([
		"diff-tree",
		"-r",
		"-z",
		"--no-renames",
		"--name-status",
		from,
		to,
		"--",
	]);
	// HEAD before the first commit.
	if (code !== 0) return [];
	const fields = stdout.toString().split("\0");
	const found: Change[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) found.push({ status: fields[i] ?? "", path: fields[i + 1] ?? "" });
	return found;
}

async function checkOut(
	snapshots: Snapshots,
	{ call }: ScratchIndex,
	paths: readonly string[],
	options: readonly string[],
): Promise<void> {
	if (paths.length === 0) return;
	const input = paths.map((path) => `${path}\0`).join("");
	await snapshots.read(["checkout-index", "-q", "-z", "--stdin", ...options], { ...call, input });
}

// Only where nothing is staged now: what somebody staged since is theirs.
async function stageAgain(
	snapshots: Snapshots,
	{ staged, head }: Snapshot,
	isWanted: (path: string) => boolean,
): Promise<readonly string[]> {
	if (staged === undefined || head === undefined) return [];
	const text = await snapshots.read(["diff-tree", "-r", "-z", "--no-renames", head, staged, "--"]);
	const now = await snapshots.read(["diff-index", "--cached", "--no-renames", "--name-only", "-z", "HEAD", "--"]);
	const taken = new Set(now.split("\0"));
	const fields = text.split("\0");
	const lines: string[] = [];
	const paths: string[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const [, mode = "", , id = ""] = (fields[i] ?? "").split(" ");
		const path = fields[i + 1] ?? "";
		if (taken.has(path) || !isWanted(path)) continue;
		lines.push(`${mode} ${id}\t${path}\0`);
		paths.push(path);
	}
	if (paths.length > 0) await snapshots.read(["update-index", "-z", "--index-info"], { input: lines.join("") });
	return paths;
}

function putBeside(worktree: string, path: string, draft: string): string {
	for (let count = 1; ; count += 1) {
		const copy = `${path}.udo-restored${count === 1 ? "" : `-${count}`}`;
		const target = join(worktree, copy);
		if (exists(target)) {
			if (isSame(draft, target)) return copy;
			continue;
		}
		if (lstatSync(draft).isSymbolicLink()) symlinkSync(readlinkSync(draft), target);
		else copyFileSync(draft, target, constants.COPYFILE_EXCL);
		return copy;
	}
}

// Anything on the way that is no directory, a link to one included, or a directory where the file was.
function isBlocked(worktree: string, path: string): boolean {
	for (let directory = dirname(path); directory !== "."; directory = dirname(directory)) {
		const found = stat(join(worktree, directory));
		if (found !== undefined && !found.isDirectory()) return true;
	}
	return stat(join(worktree, path))?.isDirectory() === true;
}

function isSame(a: string, b: string): boolean {
	const [first, second] = [stat(a), stat(b)];
	if (first === undefined || second === undefined) return false;
	if (first.isSymbolicLink() && second.isSymbolicLink()) return readlinkSync(a) === readlinkSync(b);
	return first.isFile() && second.isFile() && first.size === second.size && readFileSync(a).equals(readFileSync(b));
}

function exists(path: string): boolean {
	return stat(path) !== undefined;
}

function stat(path: string) {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch {
		return undefined;
	}
}
