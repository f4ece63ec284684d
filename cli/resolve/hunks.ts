import type { Candidate } from "../../server/merge/candidates.ts";
import { candidatesFor } from "../../server/merge/candidates.ts";
import { type Hunk, hunkKey } from "../../server/merge/hunk.ts";
import {
	type MarkedHunk,
	type MarkedPiece,
	type Passages,
	parseMarked,
	type StrayMarker,
	strayMarkers,
} from "../../server/merge/marked-text.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { type Origin, originsOf } from "./origins.ts";
import type { Target } from "./target.ts";

/** A conflict in a file, with what is known about it from the versions that were merged. */
export interface OpenHunk extends MarkedHunk {
	/** Counted from 1 among those that are still open in the file. */
	readonly number: number;
	/** Under which its resolution is remembered; undefined when its base is not known. */
	readonly key: string | undefined;
	/** What it comes from; undefined when that is not known. */
	readonly origin: Origin | undefined;
	/** The same for conflicts that are the same to the byte, wherever they are. */
	readonly sameness: string;
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

/** Reads the conflicts that are open in a file. */
export async function readHunks({ read, markerSize, texts, path }: TargetText): Promise<Reading> {
	const text = await read();
	const merged = texts === undefined ? [] : (await mergeTexts(texts, "diff3")).pieces;
	const origins = originsOf(merged);
	const pieces = await parse(text, markerSize, texts, origins);
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
			key: origin?.key,
			origin,
			sameness: base === undefined ? hunkKey({ ...hunk, base: Buffer.from("\0") }) : hunkKey({ ...hunk, base }),
			candidates: candidatesOf(whole, origin, path),
		};
	});
	const stray = strayMarkers(pieces, markerSize).filter((marker) => !isText(marker, texts));
	return { text, pieces, hunks, stray };
}

// In the style `merge`, git cuts conflicts in other places; that matters only where a line of the text looks like a marker.
async function parse(
	text: Buffer,
	markerSize: number,
	texts: Texts | undefined,
	origins: readonly Origin[],
): Promise<readonly MarkedPiece[]> {
	const pieces = parseMarked(text, markerSize, (passages) => origins.some((each) => isSame(each, passages)));
	const isClear = pieces.every((piece) => piece.kind === "text" || !piece.isAmbiguous);
	if (isClear || texts === undefined) return pieces;
	const merged = await mergeTexts(texts, "merge");
	const conflicts = merged.pieces.filter((piece) => piece.kind === "conflict");
	const isKnown = ({ ours, base, theirs }: Passages) =>
		base === undefined && conflicts.some((each) => isEqual(each.ours.text, ours) && isEqual(each.theirs.text, theirs));
	return parseMarked(
		text,
		markerSize,
		(passages) => origins.some((each) => isSame(each, passages)) || isKnown(passages),
	);
}

export interface TargetText extends Pick<Target, "markerSize" | "texts" | "path"> {
	readonly read: () => Promise<Buffer>;
}

function candidatesOf(hunk: MarkedHunk, origin: Hunk | undefined, path: string): readonly Candidate[] {
	const { ours, theirs, base } = hunk;
	const known = origin ?? { ours, theirs, ...(base && { base }) };
	return candidatesFor(known, { path });
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

function isSame(origin: Hunk, { ours, base, theirs }: Pick<MarkedHunk, "ours" | "base" | "theirs">): boolean {
	return (
		isEqual(origin.ours, ours) && isEqual(origin.theirs, theirs) && (base === undefined || isEqual(origin.base, base))
	);
}

// git ends the last line of a passage, so that the marker after it stands on one of its own.
function isEqual(origin: Buffer, marked: Buffer): boolean {
	if (origin.equals(marked)) return true;
	if (origin.length === 0 || origin.at(-1) === 10) return false;
	const rest = marked.subarray(origin.length);
	return marked.subarray(0, origin.length).equals(origin) && ["\n", "\r\n"].includes(rest.toString("latin1"));
}

// At the end of the file, a side may not have ended its last line.
function unended(hunk: MarkedHunk, { ours, theirs }: Hunk): Pick<MarkedHunk, "ours" | "theirs"> {
	return hunk.text.at(-1) === 10 ? { ours, theirs } : hunk;
}

function isText({ text }: StrayMarker, texts: Texts | undefined): boolean {
	return texts !== undefined && Object.values(texts).some((version: Buffer) => version.includes(text));
}
