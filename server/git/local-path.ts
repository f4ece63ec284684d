import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * The git directory that an address means when it is one of this machine, else undefined. As git has it: what exists as a path
 * is one, also without its `.git`, before it is anything else.
 */
export function localGitDirectory(directory: string, url: string): string | undefined {
	const isFile = url.startsWith("file://");
	const typed = isFile ? decoded(url.slice("file://".length)) : url;
	if (typed.includes("\0")) return undefined;
	for (const end of ["/.git", "", ".git", ".git/.git"]) {
		const path = resolve(directory, `${typed.replace(/\/+$/, "")}${end}`);
		if (existsSync(join(path, "HEAD"))) return realpathSync(path);
	}
	return undefined;
}

function decoded(path: string): string {
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}
