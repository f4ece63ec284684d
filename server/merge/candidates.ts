import type { Hunk } from "./hunk.ts";
import { mergedItems } from "./rules/edits.ts";
import { fileKind } from "./rules/file-kind.ts";
import { hasMarkersOfItsOwn, mergedBrackets, openBrackets } from "./rules/guards.ts";
import { linesOf, type Three } from "./rules/rule.ts";
import { settle } from "./rules/settle.ts";
import { isWord, tokensOf } from "./rules/tokens.ts";

/** What a person may choose for a conflict. */
export interface Candidate {
	/** A few words, for a list. */
	readonly name: string;
	readonly text: Buffer;
}

/**
 * Possible resolutions, the likeliest first, no text twice; ours and theirs are always among them. Never applied without a person:
 * of 4,399 real conflicts in eight public repositories, generated files left out, what people wrote is the first one for 42 % and
 * one of them for 80 % (test/campaign/merge/replay.ts).
 */
export function candidatesFor(
	hunk: Pick<Hunk, "ours" | "theirs"> & Partial<Hunk>,
	{ path }: { readonly path: string },
): readonly Candidate[] {
	const [base, ours, theirs, before, after] = [hunk.base, hunk.ours, hunk.theirs, hunk.before, hunk.after].map(
		(text) => text?.toString("latin1") ?? "",
	) as [string, string, string, string, string];
	const three = { base, ours, theirs };
	// The base of several merge bases has conflicts of its own, and is no text that anybody wrote.
	const isBaseKnown = hunk.base !== undefined && !hasMarkersOfItsOwn(three);
	const isLong = Math.max(ours.length, theirs.length, base.length) > longestRefined;
	const { kind } = fileKind(path);
	const ruled =
		!isBaseKnown || isLong || kind === "prose" || kind === "generated"
			? undefined
			: settle({ path, ...three, before, after }, () => false);
	const found: [name: string, text: string | undefined][] = [
		[ruled?.rule ?? "", ruled?.text],
		...(!isBaseKnown || isLong ? [] : refined(three)),
		...sides(three),
		...(isLong ? [] : sets(three)),
		...(isBaseKnown ? [["neither: as before", base] as [string, string]] : []),
	];
	const candidates = new Map<string, string>();
	for (const [name, text] of found) if (text !== undefined && !candidates.has(text)) candidates.set(text, name);
	const frame = isBaseKnown ? mergedBrackets(three) : undefined;
	const isBroken = ([text]: [string, string]) => frame !== undefined && openBrackets(text) !== frame;
	const all = [...candidates];
	return [...all.filter((each) => !isBroken(each)), ...all.filter(isBroken)].map(([text, name]) => ({
		name,
		text: Buffer.from(text, "latin1"),
	}));
}

// Longer ones nobody can check at a glance.
const longestRefined = 20_000;

type Found = [name: string, text: string | undefined];

// The changes of both, however near each other.
function refined({ base, ours, theirs }: Three): Found[] {
	const by = (cut: (text: string) => string[], weight: (item: string) => number): string | undefined =>
		mergedItems(cut(base), cut(ours), cut(theirs), { weight, mayFollow: () => true })?.join("");
	if (base === "") return [];
	return [
		["both, line by line", by(linesOf, () => 1)],
		["both, word by word", by(tokensOf, (token) => (isWord(token) ? 8 : /\s/.test(token) ? 1 : 2))],
		["both, letter by letter", by(letters, () => 1)],
	];
}

// One character of UTF-8, or one byte where it is something else.
function letters(text: string): string[] {
	return text.match(/[\xc0-\xff][\x80-\xbf]+|[\s\S]/g) ?? [];
}

function sides({ base, ours, theirs }: Three): Found[] {
	const [our, their]: [Found, Found] = [
		["ours", ours],
		["theirs", theirs],
	];
	const inOrder: readonly Found[] =
		ours === "" || theirs === ""
			? []
			: [
					["both, ours first", joined(ours, theirs)],
					["both, theirs first", joined(theirs, ours)],
				];
	// Where both added something, both are wanted a little more often than one.
	if (base === "") return [...inOrder.slice(0, 1), our, their, ...inOrder.slice(1)];
	// A side that has all lines of the other, or that changed more than white space, is the likelier one.
	if (hasAll(theirs, ours) || squeezed(ours) === squeezed(base)) return [their, our, ...inOrder];
	return [our, their, ...inOrder];
}

/** One text behind the other; a last line without its end gets one as the lines before have it, so that the two do not run together. */
export function joined(one: string, other: string): string {
	if (one === "" || other === "" || one.endsWith("\n")) return one + other;
	return `${one}${one.includes("\r\n") ? "\r\n" : "\n"}${other}`;
}

function hasAll(text: string, other: string): boolean {
	const lines = new Set(linesOf(text));
	return linesOf(other).every((line) => lines.has(line));
}

function squeezed(text: string): string {
	return text.replaceAll(/\s+/g, "");
}

// Ours, and what theirs added behind the line that it follows there; without what one of them deleted.
function union({ base, ours, theirs }: Three): string | undefined {
	const [below, our, their] = [base, ours, theirs].map((text) => new Set(linesOf(text))) as [
		Set<string>,
		Set<string>,
		Set<string>,
	];
	const result = linesOf(ours).filter((line) => !below.has(line) || their.has(line));
	let at = 0;
	for (const line of linesOf(theirs)) {
		const known = result.indexOf(line);
		if (known !== -1) at = known + 1;
		else if (!below.has(line) || our.has(line)) result.splice(at++, 0, line);
	}
	return result.every((line) => line.endsWith("\n")) ? result.join("") : undefined;
}

function sets(three: Three): Found[] {
	const text = union(three);
	const isSorted = text !== undefined && [three.ours, three.theirs].some((side) => side === sorted(side));
	return [
		["both, as a set of lines", text],
		["both, sorted", isSorted ? sorted(text) : undefined],
	];
}

function sorted(text: string): string {
	return linesOf(text).sort().join("");
}
