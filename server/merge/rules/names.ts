import { waysTo } from "./edits.ts";
import { linesOf, type Three } from "./rule.ts";
import { tokensOf } from "./tokens.ts";

/**
 * Whether one side wrote a name where it was not before, and the other took it away somewhere: then the name may be another one by
 * now, or what it stands for is gone.
 */
export function usesWhatIsGone({ base, ours, theirs }: Three): boolean {
	return isAnyIn(newUses(base, ours), newUses(theirs, base)) || isAnyIn(newUses(base, theirs), newUses(ours, base));
}

/** Whether both sides wrote one name or number where it was not before, in different lines: it may be one thing, given twice. */
export function wroteTheSame({ base, ours, theirs }: Three): boolean {
	const [below, their] = [base, theirs].map((text) => new Set(linesOf(text)));
	const agreed = new Set(linesOf(ours).filter((line) => !below?.has(line) && their?.has(line)));
	const without = (text: string) =>
		linesOf(text)
			.filter((line) => !agreed.has(line))
			.join("");
	return isAnyIn(newUses(base, without(ours)), newUses(base, without(theirs)));
}

function isAnyIn(names: readonly string[], others: readonly string[]): boolean {
	const known = new Set(others);
	return names.some((name) => known.has(name));
}

// The names that stand more often in what a side wrote than in what stood there.
function newUses(base: string, side: string): string[] {
	const [below, lines] = [base, side].map(linesOf) as [string[], string[]];
	const [edits = [{ start: 0, end: below.length, text: lines }]] = waysTo(below, lines, {});
	return edits.flatMap(({ start, end, text }) => {
		const isByLine = text.length === end - start;
		return isByLine
			? text.flatMap((line, at) => surplus(namesOf(line), namesOf(below[start + at] ?? "")))
			: surplus(namesOf(text.join("")), namesOf(below.slice(start, end).join("")));
	});
}

function surplus(names: readonly string[], from: readonly string[]): string[] {
	const left = new Map<string, number>();
	for (const name of from) left.set(name, (left.get(name) ?? 0) + 1);
	return names.filter((name) => {
		const times = left.get(name) ?? 0;
		left.set(name, times - 1);
		return times <= 0;
	});
}

// `$DIR` is DIR. Numbers count: a port and an error code are names.
function namesOf(text: string): string[] {
	return tokensOf(text).flatMap((token) => /^\$*([\w\x80-\xff].*)$/.exec(token)?.[1] ?? []);
}
