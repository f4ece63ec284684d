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

/**
 * Finds the conflicts that git, or a person's editing, left in a text; markers are `markerSize` characters long. Where a line of the
 * text looks like a marker, `isKnown` tells which reading is right. The pieces' texts, one after the other, are the whole text.
 */
export function parseMarked(
	text: Buffer,
	markerSize: number,
	isKnown: (passages: Passages) => boolean = () => false,
): readonly MarkedPiece[] {
	const pieces: MarkedPiece[] = [];
	let end = 0;
	let line = 1;
	for (const found of enclosed(text, markerSize)) {
		const between = text.subarray(end, found.start);
		if (between.length > 0) pieces.push({ kind: "text", text: between });
		line += countBreaks(between);
		const whole = text.subarray(found.start, found.end);
		pieces.push({ kind: "hunk", text: whole, line, labels: found.labels, ...read(text, found, isKnown) });
		line += countBreaks(whole);
		end = found.end;
	}
	if (end < text.length) pieces.push({ kind: "text", text: text.subarray(end) });
	return pieces;
}

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

interface Enclosed {
	readonly start: number;
	readonly end: number;
	readonly opening: Marker;
	readonly bars: readonly Marker[];
	readonly equals: readonly Marker[];
	readonly closing: Marker;
	readonly labels: MarkedHunk["labels"];
}

interface Marker {
	readonly start: number;
	readonly end: number;
	readonly label: string;
}

function* enclosed(text: Buffer, size: number): Generator<Enclosed> {
	const pattern = new RegExp(
		`^(?:(<{N})(?: (.*))?|(\\|{N})(?: (.*))?|(={N})|(>{N})(?: (.*))?)\\r?(?:\\n|(?![^]))`.replaceAll("N", String(size)),
		"gm",
	);
	let open: { opening: Marker; bars: Marker[]; equals: Marker[] } | undefined;
	for (const match of text.toString("latin1").matchAll(pattern)) {
		const [whole, opening, ours, bar, base, equal, , theirs] = match;
		const label = Buffer.from((ours ?? base ?? theirs ?? "").replace(/\r$/, ""), "latin1").toString();
		const marker = { start: match.index, end: match.index + whole.length, label };
		if (opening !== undefined) open = { opening: marker, bars: [], equals: [] };
		else if (open === undefined) continue;
		else if (bar !== undefined) open.bars.push(marker);
		else if (equal !== undefined) open.equals.push(marker);
		else if (open.equals.length > 0) {
			const labels = { ours: open.opening.label, base: open.bars[0]?.label ?? "", theirs: marker.label };
			yield { ...open, start: open.opening.start, end: marker.end, closing: marker, labels };
			open = undefined;
		}
	}
}

// A line of `=` or `|` may belong to the text: a heading in a README, say.
function read(
	text: Buffer,
	{ opening, bars, equals, closing }: Enclosed,
	isKnown: (passages: Passages) => boolean,
): Passages & { readonly isAmbiguous: boolean } {
	const readings: Passages[] = [];
	for (const bar of [...bars, undefined]) {
		for (const equal of equals) {
			if (bar !== undefined && equal.start < bar.end) continue;
			readings.push({
				ours: text.subarray(opening.end, (bar ?? equal).start),
				base: bar && text.subarray(bar.end, equal.start),
				theirs: text.subarray(equal.end, closing.start),
			});
		}
	}
	const [first] = readings;
	if (first === undefined) throw new Error("a conflict without a middle");
	const isPlain = equals.length === 1 && bars.length <= 1;
	const known = readings.length === 1 ? first : (readings.find(isKnown) ?? (isPlain ? first : undefined));
	return { ...(known ?? first), isAmbiguous: known === undefined };
}

function countBreaks(text: Buffer): number {
	let count = 0;
	for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count++;
	return count;
}
