import { type MarkerLine, markerLines } from "./marker-lines.ts";
import type { Labels } from "./markers.ts";

/** A text with conflict markers in it, in order: what stands between them, and the conflicts. */
export type MarkedPiece = { readonly kind: "text"; readonly text: Buffer } | MarkedHunk;

/** A conflict as it stands in a file, markers and all. */
export interface MarkedHunk {
	readonly kind: "hunk";
	/** The whole of it, with its markers. */
	readonly text: Buffer;
	readonly ours: Buffer;
	/** Undefined in the style `merge`, which does not show it. */
	readonly base: Buffer | undefined;
	readonly theirs: Buffer;
	/** The number of the line of its first marker, counted from 1. */
	readonly line: number;
	readonly labels: Labels;
	/** Whether a line of the text itself looks like a marker, and nothing tells which one is. */
	readonly isAmbiguous: boolean;
}

/** Three passages, the base where it is known. */
export interface Passages {
	readonly ours: Buffer;
	readonly base: Buffer | undefined;
	readonly theirs: Buffer;
}

/** What the versions that were merged tell of a file: which of the lines that look like markers are markers. */
export interface Merge {
	/** Whether the merge came to a conflict of these passages. */
	isConflict(passages: Passages): boolean;
	/** Whether these whole lines stand in one of the versions, or in what was merged of them. */
	isText(lines: Buffer): boolean;
}

/**
 * Finds the conflicts that git, or a person's editing, left in a text; markers are `markerSize` characters long. Lines of the text
 * may look like markers, up to a whole conflict that is shown as an example: `merge` tells them apart, and what it does not know is
 * ambiguous. The pieces' texts, one after the other, are the whole text.
 */
export function parseMarked(text: Buffer, markerSize: number, merge: Merge = nothingKnown): readonly MarkedPiece[] {
	const pieces: MarkedPiece[] = [];
	let end = 0;
	let line = 1;
	for (const { start, end: hunkEnd, ...hunk } of new Markers(text, markerSize, merge).hunks()) {
		const between = text.subarray(end, start);
		if (between.length > 0) pieces.push({ kind: "text", text: between });
		line += countBreaks(between);
		const whole = text.subarray(start, hunkEnd);
		pieces.push({ kind: "hunk", text: whole, line, ...hunk });
		line += countBreaks(whole);
		end = hunkEnd;
	}
	if (end < text.length) pieces.push({ kind: "text", text: text.subarray(end) });
	return pieces;
}

const nothingKnown: Merge = { isConflict: () => false, isText: () => false };

/** The lines, counted from 1, that look like the first or last marker of a conflict but belong to none that can be read. */
export function strayMarkers(pieces: readonly MarkedPiece[], markerSize: number): readonly StrayMarker[] {
	const stray: StrayMarker[] = [];
	let line = 1;
	for (const piece of pieces) {
		if (piece.kind === "text") {
			const text = piece.text.toString("latin1");
			for (const { index, 0: found } of text.matchAll(new RegExp(`^[<>]{${markerSize}}(?= |\\r?$).*`, "gm"))) {
				stray.push({ line: line + countBreaks(piece.text.subarray(0, index)), text: Buffer.from(found, "latin1") });
			}
		}
		line += countBreaks(piece.text);
	}
	return stray;
}

export interface StrayMarker {
	readonly line: number;
	readonly text: Buffer;
}

interface Found extends Omit<MarkedHunk, "kind" | "text" | "line"> {
	readonly start: number;
	readonly end: number;
}

// A place in the list of lines that look like markers, and what was found to begin there.
type At = number;

class Markers {
	readonly #text: Buffer;
	readonly #lines: readonly MarkerLine[];
	readonly #merge: Merge;

	constructor(text: Buffer, size: number, merge: Merge) {
		this.#text = text;
		this.#lines = markerLines(text, size);
		this.#merge = merge;
	}

	*hunks(): Generator<Found> {
		for (let at = 0; at < this.#lines.length; ) {
			const found = this.#lines[at]?.sign === "<" ? (this.#conflict(at) ?? this.#enclosed(at)) : undefined;
			const last = found?.last ?? this.#example(at);
			if (found !== undefined) yield found.hunk;
			at = (last ?? at) + 1;
		}
	}

	// As the merge left it, whatever looks like a marker inside.
	#conflict(at: At): Hunk | undefined {
		for (const last of this.#closings(at)) {
			const passages = this.#readings(at, last).find((each) => this.#merge.isConflict(each));
			// That it also is an example, to the byte, nobody can rule out.
			if (passages) return { last, hunk: this.#hunk(at, last, passages, this.#isText(at, last)) };
		}
		return undefined;
	}

	// A whole conflict that is part of the text.
	#example(at: At): At | undefined {
		if (this.#lines[at]?.sign !== "<") return undefined;
		return this.#closings(at).find((last) => this.#isText(at, last));
	}

	// What begins here and ends somewhere, as far as nothing better is known: somebody has edited it.
	#enclosed(at: At): Hunk | undefined {
		if (this.#example(at) !== undefined) return undefined;
		const inside: MarkerLine[] = [];
		let isUnclear = false;
		for (let next = at + 1; next < this.#lines.length; next++) {
			const line = this.#lines[next];
			if (line === undefined) break;
			if (line.sign === "<") {
				const end = this.#example(next);
				if (end === undefined && (this.#conflict(next) !== undefined || !this.#isText(next, next))) return undefined;
				isUnclear ||= end === undefined;
				next = end ?? next;
			} else if (line.sign !== ">") {
				inside.push(line);
				isUnclear ||= line.sign === "|" && this.#isText(next, next);
			} else if (inside.some(({ sign }) => sign === "=")) {
				const readings = this.#readings(at, next, inside);
				const [first] = readings;
				if (first === undefined) return undefined;
				const isPlain = inside.filter(({ sign }) => sign === "=").length === 1 && inside.length <= 2;
				const isAmbiguous = isUnclear || this.#isText(next, next) || !(readings.length === 1 || isPlain);
				return { last: next, hunk: this.#hunk(at, next, first, isAmbiguous) };
			}
		}
		return undefined;
	}

	// Where what begins here may end: beyond other markers only if these may be text.
	#closings(at: At): readonly At[] {
		const found: At[] = [];
		for (let next = at + 1; next < this.#lines.length && next - at < mostInside; next++) {
			const sign = this.#lines[next]?.sign;
			if (sign === ">") found.push(next);
			if ((sign === "<" || sign === ">") && !this.#isText(next, next)) break;
		}
		return found;
	}

	// A line of `=` or `|` may belong to the text: a heading in a README, say.
	#readings(at: At, last: At, inside = this.#lines.slice(at + 1, last)): readonly Passages[] {
		const [opening, closing] = [this.#lines[at], this.#lines[last]];
		if (opening === undefined || closing === undefined) return [];
		const readings: Passages[] = [];
		for (const bar of [...inside.filter(({ sign }) => sign === "|"), undefined]) {
			for (const equal of inside.filter(({ sign }) => sign === "=")) {
				if (bar !== undefined && equal.start < bar.end) continue;
				readings.push({
					ours: this.#text.subarray(opening.end, (bar ?? equal).start),
					base: bar && this.#text.subarray(bar.end, equal.start),
					theirs: this.#text.subarray(equal.end, closing.start),
				});
			}
		}
		return readings;
	}

	#hunk(at: At, last: At, passages: Passages, isAmbiguous: boolean): Found {
		const lines = this.#lines.slice(at, last + 1);
		const bar = lines.find(({ sign }) => sign === "|");
		const labels = { ours: lines[0]?.label ?? "", base: bar?.label ?? "", theirs: lines.at(-1)?.label ?? "" };
		return { start: lines[0]?.start ?? 0, end: lines.at(-1)?.end ?? 0, labels, ...passages, isAmbiguous };
	}

	#isText(from: At, to: At): boolean {
		return this.#merge.isText(this.#text.subarray(this.#lines[from]?.start, this.#lines[to]?.end));
	}
}

interface Hunk {
	readonly last: At;
	readonly hunk: Found;
}

// A text of nothing but markers would take for ever.
const mostInside = 60;

function countBreaks(text: Buffer): number {
	let count = 0;
	for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count++;
	return count;
}
