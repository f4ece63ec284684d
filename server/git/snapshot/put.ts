import {
	constants,
	copyFileSync,
	linkSync,
	lstatSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	type Stats,
	symlinkSync,
} from "node:fs";
import { codeOf } from "../../errors.ts";
import { lstatIfThere } from "../lstat.ts";
import { type BytePath, onDisk, readable } from "./byte-path.ts";

/**
 * Puts a file where it is to be, in a directory that is there, at once or not at all: where nothing is, or in place of a file that is still what lstat said
 * (`over`). Answers whether it did; what is there otherwise stays.
 */
export function putInPlace(target: Buffer, draft: string, over: Stats | undefined): boolean {
	if (over === undefined) return putNew(target, draft);
	const now = lstatIfThere(target);
	if (now === undefined) return putNew(target, draft);
	if (now.ino !== over.ino || now.size !== over.size || now.ctimeMs !== over.ctimeMs) return false;
	try {
		renameSync(draft, target);
	} catch (error) {
		if (!isOtherFileSystem(error)) throw error;
		const near = Buffer.concat([target, Buffer.from(".udo-restoring")]);
		rmSync(near, { force: true });
		putNew(near, draft);
		renameSync(near, target);
	}
	return true;
}

/** Puts an old file beside the one that is there now, and answers its name; the same one again is not put there twice. */
export function putBeside(worktree: string, path: BytePath, draft: string): string {
	for (let count = 1; ; count += 1) {
		const copy = `${path}.udo-restored${count === 1 ? "" : `-${count}`}` as BytePath;
		const target = onDisk(worktree, copy);
		if (putNew(target, draft) || isSame(draft, target)) return readable(copy);
	}
}

// A link to the draft is whole from the first moment and overwrites nothing, which no other way of making a file does.
function putNew(target: Buffer, draft: string): boolean {
	try {
		linkSync(draft, target);
		return true;
	} catch (error) {
		if (codeOf(error) === "EEXIST") return false;
		if (!isOtherFileSystem(error)) throw error;
	}
	try {
		if (lstatSync(draft).isSymbolicLink()) symlinkSync(readlinkSync(draft, { encoding: "buffer" }), target);
		else copyFileSync(draft, target, constants.COPYFILE_EXCL);
		return true;
	} catch (error) {
		if (codeOf(error) === "EEXIST") return false;
		throw error;
	}
}

function isSame(a: string, b: Buffer): boolean {
	const [first, second] = [lstatIfThere(a), lstatIfThere(b)];
	if (first === undefined || second === undefined) return false;
	if (first.isSymbolicLink() && second.isSymbolicLink()) {
		return readlinkSync(a, { encoding: "buffer" }).equals(readlinkSync(b, { encoding: "buffer" }));
	}
	return first.isFile() && second.isFile() && first.size === second.size && readFileSync(a).equals(readFileSync(b));
}

// Also file systems that know no hard links.
function isOtherFileSystem(error: unknown): boolean {
	return ["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(codeOf(error));
}
