import { type BytePath, bytes } from "./byte-path.ts";
import type { QuietGit } from "./quiet-git.ts";

/** A file as git has it. */
export interface Kept {
	readonly path: BytePath;
	/** As git writes it: 100644, 100755, 120000. */
	readonly mode: string;
	readonly id: string;
}

const mostBytes = 64_000_000;

/** Files in portions whose contents can be held in memory at once. */
export async function inPortions<File extends Kept>(
	git: QuietGit,
	files: readonly File[],
): Promise<readonly (readonly File[])[]> {
	if (files.length === 0) return [];
	const input = bytes(
		files.map(({ id }) => id),
		"\n",
	);
	const sizes = (await git.read(["cat-file", "--batch-check=%(objectsize)"], { input })).toString().split("\n");
	const portions: File[][] = [];
	let size = Number.POSITIVE_INFINITY;
	for (const [i, file] of files.entries()) {
		const its = Number(sizes[i]) || 0;
		if (size + its > mostBytes) {
			portions.push([]);
			size = 0;
		}
		portions.at(-1)?.push(file);
		size += its;
	}
	return portions;
}

/** What is in files, in their order; undefined for what is no file. Through the filters and line endings of its path, or not. */
export async function readKept(git: QuietGit, files: readonly Kept[], through: "filters" | "nothing") {
	// A path with a line break cannot be told to a filter; such a file comes as it is stored.
	const lines = files.map(({ path, id }) => (through === "nothing" || path.includes("\n") ? id : `${id} ${path}`));
	const options = through === "nothing" ? [] : ["--filters"];
	const answer = await git.read(["cat-file", "--batch", ...options], { input: bytes(lines, "\n") });
	const contents: (Buffer | undefined)[] = [];
	// "<id> <type> <size>" LF <content> LF, or "<id> missing" LF.
	for (let at = 0; at < answer.length; ) {
		const end = answer.indexOf(10, at);
		const [, type, size] = answer.subarray(at, end).toString("latin1").split(" ");
		const length = type === "blob" ? Number(size) : undefined;
		contents.push(length === undefined ? undefined : answer.subarray(end + 1, end + 1 + length));
		at = length === undefined ? end + 1 : end + 2 + length;
	}
	return contents;
}
