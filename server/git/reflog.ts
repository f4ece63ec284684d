import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./repository.ts";

/** One line of the reflog of HEAD: what it was, what it became, when and why. `at` is wall-clock ms, to the second. */
export interface HeadMove {
	readonly from: string;
	readonly to: string;
	readonly at: number;
	/** As git wrote it: `commit: fix`, `checkout: moving from main to topic`. */
	readonly message: string;
}

// Some two hundred bytes a line.
const mostBytes = 65_536;

/** The newest moves of this working tree's HEAD, newest first, without starting git; none where git keeps no reflog file. */
export function headMoves({ gitDirectory }: Repository, most = 100): readonly HeadMove[] {
	const lines = endOf(join(gitDirectory, "logs", "HEAD"))
		.split("\n")
		.filter(Boolean);
	return lines
		.flatMap((line): HeadMove[] => {
			const [, from, to, seconds, message = ""] =
				/^([0-9a-f]+) ([0-9a-f]+) .*?> (\d+) [-+]\d+(?:\t(.*))?$/.exec(line) ?? [];
			if (from === undefined || to === undefined) return [];
			return [{ from, to, at: Number(seconds) * 1000, message }];
		})
		.reverse()
		.slice(0, most);
}

/** From where to where a `git checkout` or `git switch` moved; a commit id stands for a detached HEAD. */
export function switchOf({ message }: HeadMove): { readonly from: string; readonly to: string } | undefined {
	const [, from, to] = /^checkout: moving from (.+) to (.+)$/.exec(message) ?? [];
	return from === undefined || to === undefined ? undefined : { from, to };
}

function endOf(path: string): string {
	let file: number;
	try {
		file = openSync(path, "r");
	} catch {
		return "";
	}
	try {
		const { size } = fstatSync(file);
		const bytes = Buffer.alloc(Math.min(size, mostBytes));
		const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
		const text = bytes.subarray(0, read).toString();
		return size > mostBytes ? text.slice(text.indexOf("\n") + 1) : text;
	} finally {
		closeSync(file);
	}
}
