import { posix } from "node:path";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import type { Operation } from "../../server/git/unmerged/conflict-state.ts";
import type { SideCommit } from "../../server/git/unmerged/side-commits.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Output } from "../output.ts";
import type { OpenHunk, Reading } from "./hunks.ts";
import type { OpenFile } from "./open-files.ts";
import type { Target } from "./target.ts";

// A conflict is looked at on one screen; the rest of a long one is for the editor.
const mostLines = 30;
const contextLines = 3;

/** What is to be settled in one path, and the commands that do, in a few lines. */
export function describeFile(file: OpenFile, { from = "" }: { readonly from?: string } = {}): readonly string[] {
	const { path } = file.unmerged;
	const word = pathWord(path, from);
	if (file.kind === "whole") {
		return [`${showText(path)}: ${file.what}`, `  udo resolve ${word} --ours, or --theirs`];
	}
	const { hunks, stray } = file.reading;
	const note = file.note === undefined ? "" : ` (${file.note})`;
	if (stray.length > 0) {
		const lines = stray.map(({ line }) => line).join(", ");
		return [
			`${showText(path)}: ${count(hunks.length)}, and markers that cannot be read at line ${lines}${note}`,
			`  edit it, then git add ${word}`,
		];
	}
	if (hunks.length === 0) {
		return [`${showText(path)}: no conflict markers are left${note}`, `  git add ${word}, if it is as you want it`];
	}
	const lines = `${hunks.length === 1 ? "line" : "lines"} ${hunks.map(({ line }) => line).join(", ")}`;
	const hunk = hunks.length > 1 ? " --hunk N" : "";
	return [
		`${showText(path)}: ${count(hunks.length)}, at ${lines}${note}`,
		`  udo resolve ${word}${hunk} --ours, --theirs, --both, --candidate N or --file FILE`,
	];
}

/** One conflict in full: where it is, both sides with whose they are, and what else it might become. */
export async function describeHunk(
	output: Output,
	target: Target,
	reading: Reading,
	hunk: OpenHunk,
): Promise<string[]> {
	const { path } = target;
	const sides = await target.sides();
	const at = reading.pieces.findIndex((piece) => piece.kind === "hunk" && piece.line === hunk.line);
	const [before, after] = [reading.pieces[at - 1], reading.pieces[at + 1]];
	const title = `${showText(path)}: conflict ${hunk.number} of ${reading.hunks.length}, line ${hunk.line}`;
	return [
		output.bold(title),
		...(before?.kind === "text" ? linesOf(before.text).slice(-contextLines) : []).map((line) =>
			output.dim(`    ${line}`),
		),
		...side(output, "ours", hunk.labels.ours, sides.ours, hunk.ours),
		...(hunk.base === undefined ? [] : side(output, "base", "", undefined, hunk.base)),
		...side(output, "theirs", hunk.labels.theirs, sides.theirs, hunk.theirs),
		...(after?.kind === "text" ? linesOf(after.text).slice(0, contextLines) : []).map((line) =>
			output.dim(`    ${line}`),
		),
		...hunk.candidates.flatMap(({ name, text }, i) => [
			`candidate ${i + 1}: ${showText(name)}`,
			...cut(linesOf(text)).map((line) => output.colour("magenta", `  ${i + 1} ${line}`)),
		]),
		...(hunk.isAmbiguous ? ["a line of the text looks like a conflict marker: it has to be edited"] : []),
	];
}

/** What git is in the middle of, for people. */
export function describeOperation({ kind, theirs }: Operation): string {
	const commit = theirs === undefined ? "" : ` of ${theirs.slice(0, 10)}`;
	if (kind === "other") return "conflicts";
	return kind === "stash" ? "stash" : `${kind}${commit}`;
}

/** A path of the repository as a word of a command typed in `from`, a directory of it. */
export function pathWord(path: string, from: string): string {
	const word = posix.relative(`/${from}`, `/${path}`) || ".";
	return shellWord(word.startsWith("-") ? `./${word}` : word);
}

export function count(conflicts: number): string {
	return conflicts === 1 ? "1 conflict" : `${conflicts} conflicts`;
}

function side(output: Output, name: Side, label: string, commit: SideCommit | undefined, text: Buffer): string[] {
	const who = commit && `${commit.id} ${commit.author}, ${showDuration(Date.now() - commit.at)} ago: ${commit.subject}`;
	const words = [name, label, who].filter(Boolean).join("  ");
	const lines = text.length === 0 ? ["(nothing)"] : cut(linesOf(text));
	return [
		output.colour(colours[name], showText(words, 160)),
		...lines.map((line) => output.colour(colours[name], `  ${signs[name]} ${line}`)),
	];
}

type Side = "ours" | "base" | "theirs";

const colours = { ours: "green", base: "yellow", theirs: "cyan" } as const;
const signs = { ours: "<", base: "|", theirs: ">" } as const;

/** Lines of a text behind a sign, bounded. */
export function signedLines(output: Output, colour: Colour, sign: string, text: Buffer): readonly string[] {
	const lines = text.length === 0 ? ["(nothing)"] : cut(linesOf(text));
	return lines.map((line) => output.colour(colour, `    ${sign} ${line}`));
}

type Colour = "green" | "yellow" | "cyan" | "magenta";

function cut(lines: readonly string[]): readonly string[] {
	if (lines.length <= mostLines) return lines;
	return [...lines.slice(0, mostLines), `… ${lines.length - mostLines} more lines`];
}

function linesOf(text: Buffer): string[] {
	const lines = text.toString().split(/\r?\n/);
	if (lines.at(-1) === "") lines.pop();
	return lines.map((line) => showText(line.replaceAll("\t", "    "), 400));
}
