import { type Candidate, candidatesFor, joined } from "../../server/merge/candidates.ts";
import { type Hunk, hunkKey } from "../../server/merge/hunk.ts";
import { type MarkedHunk, type MarkedPiece, type StrayMarker, strayMarkers } from "../../server/merge/marked-text.ts";
import { mergeTexts } from "../../server/merge/merge.ts";
import type { Piece } from "../../server/merge/piece.ts";
import { type Origin, originsOf } from "./origins.ts";
import { isSame, readMarked } from "./read-marked.ts";
import type { Target } from "./target.ts";

/** A conflict in a file, with what is known about it from the versions that were merged. */
export interface OpenHunk extends MarkedHunk {
	/** Counted from 1 among those that are still open in the file. */
	readonly number: number;
	/** What it comes from; undefined when that is not known. */
	readonly origin: Origin | undefined;
	/** A name that stays when others are settled; the same for conflicts that are the same to the byte, wherever they are. */
	readonly name: string;
	/** What it might become besides ours, theirs, and both in either order; a choice counts them from 1. */
	readonly candidates: readonly Candidate[];
}

/** A file with conflicts as it is on disk at one moment. */
export interface Reading {
	readonly text: Buffer;
	readonly pieces: readonly MarkedPiece[];
	readonly hunks: readonly OpenHunk[];
	/** Markers that can be read as no conflict, and that no version of the file has. */
	readonly stray: readonly StrayMarker[];
}

/** Whether a word names a conflict, where it may also be its number. */
export function looksLikeName(word: string): boolean {
	return /^h[0-9a-f]{12}$/.test(word);
}

function nameOf(key: string): string {
	return `h${key.slice(0, 12)}`;
}

/** Reads the conflicts that are open in a file. */
export async function readHunks({ read, markerSize, texts, path }: TargetText): Promise<Reading> {
	const text = await read();
	const merged = texts === undefined ? [] : (await mergeTexts(texts, "diff3")).pieces;
	const origins = originsOf(merged);
	const pieces = await readMarked(text, markerSize, texts, merged, origins);
	const marked = pieces.filter((piece) => piece.kind === "hunk");
	const hunks = marked.map((hunk, i): OpenHunk => {
		const origin = originOf(hunk, marked, i, origins);
		const exact =
			origin !== undefined && i === marked.length - 1 && pieces.at(-1) === hunk ? unended(hunk, origin) : {};
		const base = hunk.base ?? origin?.base;
		const whole = { ...hunk, ...exact, base };
		return {
			...whole,
			number: i + 1,
			origin,
			name: nameOf(hunkKey({ ...hunk, base: base ?? Buffer.from("\0") })),
			candidates: candidatesOf(whole, origin, path),
		};
	});
	return { text, pieces, hunks, stray: unexplained(strayMarkers(pieces, markerSize), merged) };
}

export interface TargetText extends Pick<Target, "markerSize" | "texts" | "path"> {
	readonly read: () => Promise<Buffer>;
}

function candidatesOf(hunk: MarkedHunk, origin: Hunk | undefined, path: string): readonly Candidate[] {
	const { ours, theirs, base } = hunk;
	const known = origin ?? { ours, theirs, ...(base && { base }) };
	const own = [ours, theirs, both(ours, theirs), both(theirs, ours)];
	return candidatesFor(known, { path }).filter(({ text }) => !own.some((each) => each.equals(text)));
}

// What ours and theirs are in the file may be there twice; then the order tells, as long as none of them is settled.
function originOf(
	hunk: MarkedHunk,
	marked: readonly MarkedHunk[],
	index: number,
	origins: readonly Origin[],
): Origin | undefined {
	const possible = origins.filter((origin) => isSame(origin, hunk));
	const [first] = possible;
	if (first === undefined || possible.every(({ base }) => base.equals(first.base))) return first;
	const alike = marked.filter((each) => each.ours.equals(hunk.ours) && each.theirs.equals(hunk.theirs));
	const rank = marked.slice(0, index).filter((each) => alike.includes(each)).length;
	return alike.length === possible.length ? possible[rank] : undefined;
}

// At the end of the file, a side may not have ended its last line.
function unended(hunk: MarkedHunk, { ours, theirs }: Hunk): Pick<MarkedHunk, "ours" | "theirs"> {
	return hunk.text.at(-1) === 10 ? { ours, theirs } : hunk;
}

// A line that looks like a marker is text as often as the versions have it; once more, and one of them is a marker.
function unexplained(markers: readonly StrayMarker[], merged: readonly Piece[]): readonly StrayMarker[] {
	if (markers.length === 0) return markers;
	const known = new Map<string, number>();
	for (const piece of merged) {
		const texts = piece.kind === "clean" ? [piece.text] : [piece.ours.text, piece.theirs.text];
		for (const line of texts.flatMap((text) => text.toString("latin1").split(/\r?\n/))) {
			if (/^[<>]/.test(line)) known.set(line, (known.get(line) ?? 0) + 1);
		}
	}
	const count = (text: string) => markers.filter((each) => each.text.toString("latin1") === text).length;
	return markers.filter(({ text }) => {
		const line = text.toString("latin1");
		return count(line) > (known.get(line) ?? 0);
	});
}

/** One side behind the other. */
export function both(first: Buffer, second: Buffer): Buffer {
	return Buffer.from(joined(first.toString("latin1"), second.toString("latin1")), "latin1");
}
