import type { Output } from "../output.ts";
import { signedLines } from "./show.ts";

// Enough to know which change is meant; the whole texts are there to be printed.
const mostLines = 5;

export interface Difference {
	/** Of ours and of theirs, where they begin to differ, counted from 1. */
	readonly line: number;
	readonly ours: Buffer;
	readonly theirs: Buffer;
}

/** The first lines in which two texts differ; undefined when they are the same. */
export function firstDifference(ours: Buffer, theirs: Buffer): Difference | undefined {
	if (ours.equals(theirs)) return undefined;
	const [a, b] = [linesOf(ours), linesOf(theirs)];
	let start = 0;
	while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
	let end = 0;
	while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
	const cut = (lines: readonly string[]) => {
		const differing = lines.slice(start, lines.length - end);
		return Buffer.from(differing.slice(0, mostLines).join(""), "latin1");
	};
	return { line: start + 1, ours: cut(a), theirs: cut(b) };
}

/** One side of it, as `udo resolve` shows sides. */
export function differingLines(output: Output, side: "ours" | "theirs", text: Buffer): readonly string[] {
	return side === "ours" ? signedLines(output, "green", "<", text) : signedLines(output, "cyan", ">", text);
}

function linesOf(text: Buffer): readonly string[] {
	return text.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
