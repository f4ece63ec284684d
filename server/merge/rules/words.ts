import { mergedItems, waysTo } from "./edits.ts";
import { isFrameChanged } from "./guards.ts";
import { wroteTheSame } from "./names.ts";
import { linesOf, type Rule } from "./rule.ts";
import { isWord, tokensOf } from "./tokens.ts";

/**
 * Changes of both sides within a line, when a word that both kept lies between, wherever equal words may be paired. Not in imports;
 * not when both added the same word or changed nothing but numbers, or one put words in another order, or brackets, comments or layout
 * changed.
 *
 * As the person in 39 of 49 real conflicts; in 95 % of the 41 where the person did not take a side as it was.
 */
export const words: Rule = {
	name: "words of a line",
	settle: ({ base, ours, theirs }) => {
		if (isFrameChanged({ base, ours, theirs }) || wroteTheSame({ base, ours, theirs })) return undefined;
		const [below = [], our = [], their = []] = [base, ours, theirs].map(linesOf);
		if (below.length === 0 || our.length !== below.length || their.length !== below.length) return undefined;
		// Otherwise it is a matter of adjacent lines.
		if (!below.some((line, at) => line !== our[at] && line !== their[at] && our[at] !== their[at])) return undefined;
		const merged = below.map((line, at) => mergedLine(line, our[at] ?? "", their[at] ?? ""));
		return merged.includes(undefined) ? undefined : { text: merged.join(""), ours, theirs };
	},
};

function mergedLine(base: string, ours: string, theirs: string): string | undefined {
	if (ours === theirs || theirs === base) return ours;
	if (ours === base) return theirs;
	const [below = [], our = [], their = []] = [base, ours, theirs].map(tokensOf);
	if (importStatement.test(base) || addBothAWord(below, our, their)) return undefined;
	if (movesAWord(below, our) || movesAWord(below, their)) return undefined;
	if (changesNumbersOnly(below, our) && changesNumbersOnly(below, their)) return undefined;
	return mergedItems(below, our, their, { weight, mayFollow: (_, between) => between.some(isWord) })?.join("");
}

// What an import takes and where it takes it from are one.
const importStatement = /^\s*(import|export|from|use|using|#include|require)\b|\brequire\(/;

// Arguments in another order: the other side's change may be meant for the old one.
function movesAWord(base: readonly string[], side: readonly string[]): boolean {
	return waysTo(base, side, { weight }).some((edits) => {
		const deleted = new Set(edits.flatMap(({ start, end }) => base.slice(start, end).filter(isWord)));
		return edits.some(({ text }) => text.some((token) => deleted.has(token)));
	});
}

// Numbers in one line may be one value: a date, a place, a range.
function changesNumbersOnly(base: readonly string[], side: readonly string[]): boolean {
	return waysTo(base, side, { weight }).some((edits) =>
		edits.every(({ start, end, text }) =>
			[...base.slice(start, end), ...text].every((token) => /^[\d.\s-]+$/.test(token)),
		),
	);
}

// Words tell where a change is, signs and white space occur everywhere.
function weight(token: string): number {
	return isWord(token) ? 8 : /\s/.test(token) ? 1 : 2;
}

// The same word added in two places may be one change, moved.
function addBothAWord(base: readonly string[], ours: readonly string[], theirs: readonly string[]): boolean {
	const added = (side: readonly string[]) =>
		new Set(waysTo(base, side, { weight }).flatMap((edits) => edits.flatMap(({ text }) => text.filter(isWord))));
	const byOurs = added(ours);
	return [...added(theirs)].some((word) => byOurs.has(word));
}
