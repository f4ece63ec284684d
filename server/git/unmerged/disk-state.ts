import { createHash, randomBytes } from "node:crypto";
import { type BigIntStats, lstatSync, renameSync, rmSync } from "node:fs";
import { lstat, mkdir, open, readFile, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { showText } from "../../coordination/describe.ts";
import { codeOf, UdoError } from "../../errors.ts";
import { shellWord } from "../../shell-word.ts";

/** What lies at a path of a working tree. */
export type DiskState =
	| { readonly kind: "absent" }
	| { readonly kind: "file"; readonly bytes: Buffer; readonly mode: number }
	| { readonly kind: "link"; readonly target: Buffer }
	| { readonly kind: "directory" }
	/** A directory on the way is a symbolic link, so that the path leads elsewhere. */
	| { readonly kind: "elsewhere"; readonly link: string };

export async function readDisk(worktree: string, path: string): Promise<DiskState> {
	const link = await linkOnTheWay(worktree, path);
	if (link !== undefined) return { kind: "elsewhere", link };
	const place = join(worktree, path);
	const found = await lstat(place).catch(ifMissing);
	if (found === undefined) return { kind: "absent" };
	if (found.isSymbolicLink()) return { kind: "link", target: await readlink(place, { encoding: "buffer" }) };
	if (!found.isFile()) return { kind: "directory" };
	return { kind: "file", bytes: await readFile(place), mode: found.mode & 0o7777 };
}

export interface DiskChange {
	readonly from: DiskState;
	readonly to: DiskState;
}

/**
 * Makes a path what it is to be, in one step: whoever looks sees the old or the new, also after a crash. What is half written lies in
 * `scratch`, a directory out of sight, as far as that is on the same file system. Changes nothing when the path is no longer `from`.
 * Throws UdoError `unwritable`, `path_elsewhere`.
 */
export async function writeDisk(
	worktree: string,
	path: string,
	change: DiskChange,
	scratch: string,
): Promise<"written" | "changed"> {
	const link = await linkOnTheWay(worktree, path);
	if (link !== undefined) throw elsewhere(path, link);
	const name = `draft-${randomBytes(6).toString("hex")}`;
	try {
		if (change.to.kind !== "absent") await mkdir(dirname(join(worktree, path)), { recursive: true });
		try {
			return await replace(join(scratch, name), worktree, path, change);
		} catch (error) {
			if (codeOf(error) !== "EXDEV") throw error;
			return await replace(join(worktree, dirname(path), `.udo-${name}`), worktree, path, change);
		}
	} catch (error) {
		throw unwritable(path, error);
	}
}

async function replace(
	draft: string,
	worktree: string,
	path: string,
	{ from, to }: DiskChange,
): Promise<"written" | "changed"> {
	const place = join(worktree, path);
	try {
		if (to.kind === "link") await symlink(to.target, draft);
		else if (to.kind === "file") await writeDurably(draft, to.bytes, to.mode);
		else if (to.kind !== "absent") throw new Error(`${path} is to be ${to.kind}, which is not written`);
		// Somebody may have saved it since it was looked at. Between this and the next look nothing else is waited for.
		const seen = statsOf(place);
		if (digestOf(await readDisk(worktree, path)) !== digestOf(from) || !isSame(seen, statsOf(place))) return "changed";
		if (to.kind === "absent") rmSync(place, { force: true });
		else renameSync(draft, place);
		return "written";
	} finally {
		await rm(draft, { force: true });
	}
}

function statsOf(place: string): BigIntStats | undefined {
	return lstatSync(place, { bigint: true, throwIfNoEntry: false });
}

function isSame(a: BigIntStats | undefined, b: BigIntStats | undefined): boolean {
	if (a === undefined || b === undefined) return a === b;
	return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

// As git sees it, there is nothing of this working tree beyond a link.
async function linkOnTheWay(worktree: string, path: string): Promise<string | undefined> {
	for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
		const directory = path.slice(0, end);
		const found = await lstat(join(worktree, directory)).catch(ifMissing);
		if (found === undefined) return undefined;
		if (found.isSymbolicLink()) return directory;
	}
	return undefined;
}

/** What a path beyond a symbolic link is refused with. */
export function elsewhere(path: string, link: string): UdoError {
	const word = shellWord(path);
	return new UdoError(`${showText(path, 120)} is not in this working tree`, {
		code: "path_elsewhere",
		why: `${showText(link, 120)} is a symbolic link here; udo does not write through it.`,
		next: `put the directory back, or git rm --cached ${word}`,
	});
}

/** What the system said when a path could not be written, as an error that a person can act on; another error as it is. */
export function unwritable(path: string, cause: unknown): unknown {
	const why = reasons[codeOf(cause)];
	if (why === undefined) return cause;
	return new UdoError(`${showText(path, 120)} cannot be written`, {
		code: "unwritable",
		why: `${why}; it is as it was.`,
		next: "udo resolve, when that is mended",
		cause,
	});
}

const reasons: Readonly<Record<string, string>> = {
	ENOSPC: "the disk is full",
	EDQUOT: "the disk quota is used up",
	EACCES: "permission is denied",
	EPERM: "the system does not permit it",
	EROFS: "the file system is read-only",
	EIO: "the disk failed",
	ENOTDIR: "a part of its path is a file",
	EEXIST: "a part of its path is a file",
	EISDIR: "a directory is in its place",
};

/** A new file whose bytes are on the disk before this answers. */
export async function writeDurably(path: string, bytes: Buffer, mode: number): Promise<void> {
	await using file = await open(path, "wx", mode);
	await file.writeFile(bytes);
	await file.chmod(mode);
	await file.datasync();
}

/** A short name of what lies at a path; equal names, equal states. */
export function digestOf(state: DiskState): string {
	const hash = createHash("sha256").update(state.kind);
	if (state.kind === "file") hash.update(`\0${(state.mode & 0o100) !== 0}\0`).update(state.bytes);
	if (state.kind === "link") hash.update("\0").update(state.target);
	return hash.digest("hex");
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
	if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}
