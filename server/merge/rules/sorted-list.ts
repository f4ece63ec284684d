import { type Entry, mergedEntries, orderOf } from "./entries.ts";
import { linesOf, type Rule } from "./rule.ts";

/**
 * A list of one entry a line, sorted on both sides with its neighbours: every entry of both, in that order. One side has only
 * added entries; nobody deleted one; no entry was changed by both, or added by both with different values.
 *
 * As the person in 85 of 97 real conflicts; in 93 % of the 91 where the person did not take a side as it was.
 */
export const sortedList: Rule = {
	name: "sorted list",
	settle: (dispute) => {
		const { base, ours, theirs, before, after } = dispute;
		const sides = [base, ours, theirs].map(linesOf);
		const shape = shapeOf(sides.flat()[0] ?? "");
		if (sides.some((lines) => lines.some((line) => shapeOf(line) !== shape)) || shape === undefined) return undefined;
		const isAlike = (line: string) => shapeOf(line) === shape;
		const above = runOf(linesOf(before.slice(-farthest)).reverse(), isAlike).reverse();
		const under = runOf(linesOf(after.slice(0, farthest)), isAlike);
		const [below = [], our = [], their = []] = sides.map((lines) => lines.map(entryOf));
		const keys = (entries: readonly Entry[]) =>
			[...above.map(entryOf), ...entries, ...under.map(entryOf)].map(({ key }) => key);
		if (![our, their].some((side) => below.every(({ line }) => side.some((entry) => entry.line === line))))
			return undefined;
		const lists = [keys(below), keys(our), keys(their)];
		if ((lists[0]?.length ?? 0) < fewestToTell) return undefined;
		const order = orderOf(lists);
		const merged = order && mergedEntries(below, our, their);
		if (order === undefined || merged === undefined) return undefined;
		const text = merged.toSorted((one, other) => order(one.key, other.key)).map(({ line }) => line);
		return { text: text.join(""), ours, theirs };
	},
};

const farthest = 2000;
const fewestToTell = 3;

// Indentation and ending: entries of one list have them in common.
function shapeOf(line: string): string | undefined {
	const match = /^([ \t]*)(?=[^\s})\]/*#-]).*?([,;]?\r?\n)$/.exec(line);
	return match === null || /[()]|[[{]\s*$/.test(line) ? undefined : `${match[1]}|${match[2]}`;
}

function runOf(lines: readonly string[], isAlike: (line: string) => boolean): string[] {
	const end = lines.findIndex((line) => !isAlike(line));
	return lines.slice(0, Math.min(end === -1 ? lines.length : end, 5));
}

function entryOf(line: string): Entry {
	const text = line.trim().replace(/[,;]$/, "");
	return { key: /^("[^"]+"|'[^']+'|[^\s:=]+)/.exec(text)?.[1] ?? text, line };
}
