import { diff3MergeRegions } from "node-diff3";
import { certainAlignment } from "./alignment.ts";
import type { Lines, Range } from "./lines.ts";
import { unsure } from "./slides.ts";

/** A part of a merge: lines to take from one version, or a conflict. `both` are lines of ours that are the same in theirs. */
export type Place =
	| { readonly kind: "clean"; readonly from: "base" | "ours" | "theirs" | "both"; readonly lines: Range }
	| { readonly kind: "conflict"; readonly base: Range; readonly ours: Range; readonly theirs: Range };

/** Three versions of a text, with one vocabulary. */
export interface Versions {
	readonly base: Lines;
	readonly ours: Lines;
	readonly theirs: Lines;
}

/**
 * The three-way merge of what lies between anchors, by node-diff3; undefined when git's answer is not certain.
 *
 * An anchor is a line of the base that git pairs with one line of ours and one of theirs for certain (alignment.ts proves it).
 * No change reaches across an anchor, so between two of them a window can be merged alone. A window where one side kept the base
 * takes the other side, however that is aligned. The other windows go to node-diff3. By itself it would align repeated lines
 * otherwise than git does, in cubic time; therefore it is shown numbers that can only be aligned as git does: a line of a side
 * that has its pair in the base has the pair's number, any other line the number of its text. Where a conflict touches a line
 * that git may pair in several ways, nothing is certain.
 */
export function mergeWindows(versions: Versions): readonly Place[] | undefined {
	const inOurs = certainAlignment(versions.base.ids, versions.ours.ids);
	const inTheirs = inOurs && certainAlignment(versions.base.ids, versions.theirs.ids);
	if (inOurs === undefined || inTheirs === undefined) return undefined;
	const places: Place[] = [];
	for (const window of windowsBetweenAnchors(versions, inOurs, inTheirs)) {
		if (window.kept) {
			places.push({ kind: "clean", from: "base", lines: window.base });
			continue;
		}
		const merged = mergeWindow(window, versions, inOurs, inTheirs);
		if (merged === undefined) return undefined;
		places.push(...merged);
	}
	return places;
}

interface Window {
	/** Whether it is all anchors. */
	readonly kept: boolean;
	readonly base: Range;
	readonly ours: Range;
	readonly theirs: Range;
}

// git joins conflicts that are up to three lines apart, so those are one window.
const anchorsBetweenWindows = 4;
// node-diff3 is quadratic in the lines that it pairs: this many take it about 10 ms.
const mostLinesInWindow = 4000;

function* windowsBetweenAnchors(
	{ base, ours, theirs }: Versions,
	inOurs: Int32Array,
	inTheirs: Int32Array,
): Generator<Window> {
	let [atBase, atOurs, atTheirs] = [0, 0, 0];
	const window = (kept: boolean, toBase: number, toOurs: number, toTheirs: number): Window => {
		const next = {
			kept,
			base: { start: atBase, end: toBase },
			ours: { start: atOurs, end: toOurs },
			theirs: { start: atTheirs, end: toTheirs },
		};
		[atBase, atOurs, atTheirs] = [toBase, toOurs, toTheirs];
		return next;
	};
	for (let line = 0; line < base.count; ) {
		const [our, their] = [inOurs[line] ?? unsure, inTheirs[line] ?? unsure];
		let run = 0;
		if (our >= 0 && their >= 0) while (inOurs[line + run] === our + run && inTheirs[line + run] === their + run) run++;
		if (run >= anchorsBetweenWindows) {
			yield window(false, line, our, their);
			yield window(true, line + run, our + run, their + run);
		}
		line += Math.max(run, 1);
	}
	yield window(false, base.count, ours.count, theirs.count);
}

function mergeWindow(
	window: Window,
	versions: Versions,
	inOurs: Int32Array,
	inTheirs: Int32Array,
): readonly Place[] | undefined {
	const original = idsOf(versions.base, window.base);
	const our = idsOf(versions.ours, window.ours);
	const their = idsOf(versions.theirs, window.theirs);
	if (sameIds(original, our)) {
		if (sameIds(original, their)) return [{ kind: "clean", from: "base", lines: window.base }];
		return [{ kind: "clean", from: "theirs", lines: window.theirs }];
	}
	if (sameIds(original, their)) return [{ kind: "clean", from: "ours", lines: window.ours }];
	if (original.length + our.length + their.length > mostLinesInWindow) return undefined;
	const regions: readonly Region[] = diff3MergeRegions(
		numbered(our, window.ours.start, window.base, inOurs),
		Array.from(original, (_, at) => window.base.start + at),
		numbered(their, window.theirs.start, window.base, inTheirs),
	) as readonly Region[];
	return placesOf(regions, window, versions, (line) => inOurs[line] === unsure || inTheirs[line] === unsure);
}

function placesOf(
	regions: readonly Region[],
	{ base, ours, theirs }: Window,
	versions: Versions,
	isUnsure: (line: number) => boolean,
): readonly Place[] | undefined {
	const places: Place[] = [];
	const windows = { base, ours, theirs };
	// Where the last region ended in the base; node-diff3 does not tell it of a change by one side.
	let done: number | undefined = 0;
	// It leaves out what one side deleted and the other kept: a change that takes no lines.
	const skipTo = (start: number) => {
		if (done !== undefined && start > done) places.push({ kind: "clean", from: "ours", lines: { start: 0, end: 0 } });
	};
	for (const region of regions) {
		if (region.stable) {
			const from = sides[region.buffer];
			if (from === "base") skipTo(region.bufferStart);
			done = from === "base" ? region.bufferStart + region.bufferLength : undefined;
			const lines = rangeFrom(windows[from].start + region.bufferStart, region.bufferLength);
			places.push({ kind: "clean", from, lines });
			continue;
		}
		skipTo(region.oStart);
		done = region.oStart + region.oLength;
		const conflict = {
			base: rangeFrom(base.start + region.oStart, region.oLength),
			ours: rangeFrom(ours.start + region.aStart, region.aLength),
			theirs: rangeFrom(theirs.start + region.bStart, region.bLength),
		};
		for (let line = conflict.base.start; line < conflict.base.end; line++) if (isUnsure(line)) return undefined;
		const agreed = sameIds(idsOf(versions.ours, conflict.ours), idsOf(versions.theirs, conflict.theirs));
		places.push(agreed ? { kind: "clean", from: "both", lines: conflict.ours } : { kind: "conflict", ...conflict });
	}
	skipTo(base.end - base.start);
	return places;
}

// What node-diff3 answers; its own types say `any`.
type Region =
	| {
			readonly stable: true;
			readonly buffer: "a" | "o" | "b";
			readonly bufferStart: number;
			readonly bufferLength: number;
	  }
	| {
			readonly stable: false;
			readonly aStart: number;
			readonly aLength: number;
			readonly oStart: number;
			readonly oLength: number;
			readonly bStart: number;
			readonly bLength: number;
	  };

const sides = { a: "ours", o: "base", b: "theirs" } as const;

// Texts are below zero, so that they are no line of the base.
function numbered(side: Int32Array, first: number, base: Range, alignment: Int32Array): number[] {
	const numbers = Array.from(side, (id) => -1 - id);
	for (let line = base.start; line < base.end; line++) {
		const pair = alignment[line] ?? unsure;
		if (pair >= 0) numbers[pair - first] = line;
	}
	return numbers;
}

function idsOf(lines: Lines, { start, end }: Range): Int32Array {
	return lines.ids.subarray(start, end);
}

function sameIds(one: Int32Array, other: Int32Array): boolean {
	return one.length === other.length && one.every((id, at) => id === other[at]);
}

function rangeFrom(start: number, length: number): Range {
	return { start, end: start + length };
}
