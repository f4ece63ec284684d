import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file so that readers see the old content or the new, never a part of it. Keeps the mode of a file that is there, and
 * a symbolic link to it; what is no regular file (`/dev/stdout`, a pipe) is written to. Rejects with the system's error.
 */
export async function replaceFile(path: string, content: Buffer): Promise<void> {
	const existing = await stat(path).catch(ifMissing);
	if (existing !== undefined && !existing.isFile()) return writeFile(path, content);
	const target = existing === undefined ? path : await realpath(path);
	const temporary = join(dirname(target), `.${basename(target).slice(0, 200)}.udo-${randomBytes(4).toString("hex")}`);
	try {
		await using file = await open(temporary, "wx");
		await file.writeFile(content);
		if (existing !== undefined) await file.chmod(existing.mode & 0o7777);
		await rename(temporary, target);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
	if (error.code !== "ENOENT") throw error;
}
