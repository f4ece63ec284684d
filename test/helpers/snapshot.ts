import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Everything under a directory with its kind, mode and content, for comparing before with after. Without what git itself
 * changes at any command.
 */
export async function snapshotOf(directory: string): Promise<Record<string, string>> {
	const entries: Record<string, string> = {};
	const names = await readdir(directory, { recursive: true });
	for (const name of names.filter((each) => !/(^|\/)(objects|logs|index)(\/|$)/.test(each)).sort()) {
		const path = join(directory, name);
		const found = await lstat(path);
		const mode = (found.mode & 0o7777).toString(8);
		if (found.isSymbolicLink()) entries[name] = `link ${await readlink(path)}`;
		else if (found.isDirectory()) entries[name] = `directory ${mode}`;
		else entries[name] = `file ${mode} ${await readFile(path, "latin1")}`;
	}
	return entries;
}
