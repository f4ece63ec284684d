import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { showText } from "../coordination/describe.ts";
import type { Resource } from "../coordination/resource.ts";
import { codeOf, UdoError } from "../errors.ts";
import { shellWord } from "../shell-word.ts";
import { lstatIfThere } from "./lstat.ts";
import type { Repository } from "./repository.ts";

const longestPath = 4096;

/**
 * The file resource that a path typed by a person means, in git's spelling: repo-relative, `/`, NFC, symbolic links resolved,
 * a directory with a trailing `/`. `allowNew` accepts a path that does not exist yet. Throws UdoError `path_invalid`,
 * `path_missing` or `path_outside`.
 */
export async function fileResource(
	repository: Repository,
	directory: string,
	path: string,
	options: { readonly allowNew?: boolean } = {},
): Promise<Resource> {
	const shown = showText(path, 80);
	if (path === "") throw invalid("an empty path names no file");
	if (path.includes("\0")) throw invalid(`${shown} contains a NUL character`);
	if (path.length > longestPath)
		throw invalid(`the path ${shown} has ${path.length} characters, more than ${longestPath}`);

	const absolute = resolve(directory, path);
	const real = resolveLinks(absolute, shown);
	const inside = relative(repository.worktree, real);
	if (inside === "") {
		throw new UdoError(`${shown} is the whole working tree`, {
			code: "path_invalid",
			why: "locking all of it stops everybody, so it has to be said.",
			next: "udo lock --project",
		});
	}
	if (inside.startsWith(`..${sep}`) || inside === ".." || isAbsolute(inside)) {
		throw new UdoError(`${shown} is outside this repository`, {
			code: "path_outside",
			why: `the working tree is ${showText(repository.worktree)}.`,
			next: "name a path inside it, or cd to the repository it belongs to",
		});
	}
	const parts = inside.split(sep);
	if (parts.some((part) => part.toLowerCase() === ".git"))
		throw invalid(`${shown} is git's own, not a file of the project`);
	const submodule = parts
		.slice(0, -1)
		.findIndex((_, i) => lstatIfThere(join(repository.worktree, ...parts.slice(0, i + 1), ".git")));
	if (submodule !== -1) {
		const root = showText(parts.slice(0, submodule + 1).join("/"));
		throw new UdoError(`${shown} belongs to another repository, ${root}`, {
			code: "path_outside",
			why: "a submodule has locks of its own; lock it there.",
			next: `cd ${shellWord(root)}`,
		});
	}
	return { kind: "file", id: await spelling(repository, parts.join("/").normalize("NFC"), real, path, options) };
}

async function spelling(
	repository: Repository,
	id: string,
	real: string,
	typed: string,
	options: { readonly allowNew?: boolean },
): Promise<string> {
	const found = lstatIfThere(real);
	if (found !== undefined) return found.isDirectory() ? `${id}/` : id;
	const asDirectory = /[/\\]$/.test(typed);
	// Deleted here, or not checked out (sparse), but still a file of the project.
	if (await repository.isTracked(asDirectory ? `${id}/` : id)) return asDirectory ? `${id}/` : id;
	if (options.allowNew === true) return asDirectory ? `${id}/` : id;
	throw new UdoError(`${showText(typed, 80)} does not exist`, {
		code: "path_missing",
		why: "neither on disk nor in git, so it may be a typing error.",
		next: "check the spelling, or add --new to lock a path before you create it",
	});
}

// The longest part that exists is resolved by the system; what does not exist yet cannot be a link.
function resolveLinks(absolute: string, shown: string): string {
	let existing = absolute;
	const missing: string[] = [];
	for (;;) {
		try {
			return join(realpathSync.native(existing), ...missing);
		} catch (error) {
			const code = codeOf(error);
			if (code === "ELOOP") throw invalid(`${shown} is a loop of symbolic links`);
			if (code === "ENAMETOOLONG") throw invalid(`${shown} is too long for this file system`);
			if (code === "EACCES") throw invalid(`${shown} is in a directory that you may not read`);
			if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
			if (lstatIfThere(existing)?.isSymbolicLink() === true) throw invalid(`${shown} is a symbolic link to nothing`);
			missing.unshift(basename(existing));
			existing = dirname(existing);
		}
	}
}

function invalid(message: string): UdoError {
	return new UdoError(message, { code: "path_invalid", next: "name a file or directory of this repository" });
}
