import { mergedEntries, orderOf } from "./entries.ts";
import { fileKind } from "./file-kind.ts";
import { isOrderMeant, type ListEntry, listEntry } from "./list-entry.ts";
import { linesOf, type Rule } from "./rule.ts";
import { versionsOf } from "./version.ts";

/**
 * A list of one entry a line, of which at least four are seen and sorted on both sides: every entry of both, in that order. One side
 * has only added entries; nobody deleted one; no entry was changed by both, or added by both with different values. Not where order
 * is meant, nor where what one side added may be for the same as what the other did: the same value or number, or a longer name.
 *
 * As the person in 83 of 92 real conflicts; in 94 % of the 88 where the person did not take a side as it was.
 */
export const sortedList: Rule = {
	name: "sorted list",
	settle: ({ path, base, ours, theirs, before, after }) => {
		const all = [base, ours, theirs].map((text) => entriesOf(linesOf(text), path));
		const [below, our, their] = all;
		if (below === undefined || our === undefined || their === undefined) return undefined;
		const shape = all.flat()[0]?.shape;
		const isAlike = (entry: ListEntry | undefined) => entry !== undefined && entry.shape === shape;
		if (!all.flat().every(isAlike)) return undefined;
		const above = run(linesOf(before).reverse(), path, isAlike).reverse();
		const under = run(linesOf(after), path, isAlike);
		if (!isOnlyAddedTo(below, our) && !isOnlyAddedTo(below, their)) return undefined;
		const keys = (entries: readonly ListEntry[]) => [...above, ...entries, ...under].map(({ key }) => key);
		const lists = [below, our, their].map(keys);
		if ((lists[0]?.length ?? 0) < fewestToTell) return undefined;
		if (isOrderMeant(path, before, [...above, ...our, ...their])) return undefined;
		if (mayBeForTheSame(added(below, our, their), added(below, their, our), path)) return undefined;
		const order = orderOf(lists);
		const merged = order && mergedEntries(below, our, their);
		if (order === undefined || merged === undefined) return undefined;
		const text = merged.toSorted((one, other) => order(one.key, other.key)).map(({ line }) => line);
		return { text: text.join(""), ours, theirs };
	},
};

const fewestToTell = 4;
const mostSeen = 5;

function entriesOf(lines: readonly string[], path: string): readonly ListEntry[] | undefined {
	const entries = lines.map((line) => listEntry(line, path));
	return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function run(lines: readonly string[], path: string, isAlike: (entry: ListEntry | undefined) => boolean): ListEntry[] {
	const entries: ListEntry[] = [];
	for (const line of lines.slice(0, mostSeen)) {
		const entry = listEntry(line, path);
		if (entry === undefined || !isAlike(entry)) break;
		entries.push(entry);
	}
	return entries;
}

function isOnlyAddedTo(base: readonly ListEntry[], side: readonly ListEntry[]): boolean {
	return base.every(({ line }) => side.some((entry) => entry.line === line));
}

// What only this side has.
function added(base: readonly ListEntry[], side: readonly ListEntry[], other: readonly ListEntry[]): ListEntry[] {
	return side.filter(
		({ key, line }) => !base.some((entry) => entry.key === key) && !other.some((entry) => entry.line === line),
	);
}

// Two error codes with one number, two names for one thing, `margin` and `marginLeft`. Two dependencies may have one version.
function mayBeForTheSame(mine: readonly ListEntry[], yours: readonly ListEntry[], path: string): boolean {
	const isDependency = ({ line }: ListEntry) => versionsOf(line, path) !== undefined;
	const isCode = fileKind(path).kind === "code";
	return mine.some((one) =>
		yours.some((other) => {
			if (isDependency(one) && isDependency(other)) return false;
			if (one.value !== undefined && one.value === other.value) return true;
			const numbers = numbersOf(one.line);
			if (numbersOf(other.line).some((number) => numbers.includes(number))) return true;
			const [name = "", longer = ""] = [word(one.key), word(other.key)].sort((a, b) => a.length - b.length);
			return isCode && longer.startsWith(name);
		}),
	);
}

function numbersOf(line: string): string[] {
	return (line.match(/\d+/g) ?? []).map((digits) => digits.replace(/^0+(?=\d)/, ""));
}

function word(key: string): string {
	return key.replaceAll(/["']/g, "");
}
