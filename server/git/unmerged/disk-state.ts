import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, open, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What lies at a path of a working tree. */
export type DiskState =
	| { readonly kind: "absent" }
	| { readonly kind: "file"; readonly bytes: Buffer; readonly mode: number }
	| { readonly kind: "link"; readonly target: Buffer }
	| { readonly kind: "directory" };

export async function readDisk(path: string): Promise<DiskState> {
	const found = await lstat(path).catch(ifMissing);
	if (found === undefined) return { kind: "absent" };
	if (found.isSymbolicLink()) return { kind: "link", target: await readlink(path, { encoding: "buffer" }) };
	if (!found.isFile()) return { kind: "directory" };
	return { kind: "file", bytes: await readFile(path), mode: found.mode & 0o7777 };
}

/**
 * Makes a path what it is to be, in one step: whoever looks sees the old or the new, also after a crash. What is half written lies in
 * `scratch`, a directory out of sight, as far as that is on the same file system.
 */
export async function writeDisk(path: string, state: DiskState, scratch: string): Promise<void> {
	if (state.kind === "absent") return rm(path, { force: true });
	await mkdir(dirname(path), { recursive: true });
	const name = `draft-${randomBytes(6).toString("hex")}`;
	try {
		await place(join(scratch, name), path, state);
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
		await place(join(dirname(path), `.udo-${name}`), path, state);
	}
}

async function place(draft: string, path: string, state: DiskState): Promise<void> {
	try {
		if (state.kind === "link") await symlink(state.target, draft);
		else if (state.kind === "file") await writeDurably(draft, state.bytes, state.mode);
		else throw new Error(`${path} is to be ${state.kind}, which is not written`);
		await rename(draft, path);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

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
