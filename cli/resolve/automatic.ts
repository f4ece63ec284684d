import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import type { Automatic, Piece } from "../../server/merge/piece.ts";
import type { Style } from "../../server/merge/refine.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import { memoryOf } from "./memory.ts";
import type { TextFile } from "./open-files.ts";
import { type Origin, originsOf } from "./origins.ts";
import type { Place } from "./place.ts";

/** What the engine can do for a conflicted file without guessing. */
export interface Attempted {
	/** The file as it would be; undefined when nothing would change. */
	readonly text: Buffer | undefined;
	readonly automatic: readonly Automatic[];
	/** How many conflicts are left. */
	readonly left: number;
	/** The command that makes a generated file anew. */
	readonly regenerate: string | undefined;
}

export type Level = "exact" | "safe";

/**
 * Merges the versions of a file again. Where the file is as git left it, the result takes its place; where somebody has edited it since,
 * only conflicts that still stand in it are settled, and every other byte stays.
 */
export async function attempt(place: Place, file: TextFile, level: Level): Promise<Attempted> {
	const { target, reading } = file;
	const { texts, markerSize, path } = target;
	const first = reading.pieces.find((piece) => piece.kind === "hunk");
	if (first === undefined || reading.stray.length > 0) return nothing(reading.hunks.length);
	const remembered = memoryOf(place, path);
	const merge = async (style: Style) =>
		level === "safe"
			? mergeSafely(texts, { path, style, remembered })
			: { ...(await mergeTexts(texts, style)), automatic: 0, regenerate: undefined };
	const styles: readonly Style[] = first.base === undefined ? ["merge"] : ["diff3", "zdiff3"];
	for (const style of styles) {
		const exact = await mergeTexts(texts, style);
		const isAsGitLeftIt =
			renderPieces(exact.pieces, style, first.labels, markerSize).text.equals(reading.text) ||
			(exact.conflicts === 0 && (await isAutoMerge(place, path, reading.text)));
		if (!isAsGitLeftIt) continue;
		const { pieces, conflicts, regenerate } = await merge(style);
		const automatic = pieces.filter((piece) => piece.kind === "automatic");
		if (conflicts > 0 && automatic.length === 0) return { ...nothing(reading.hunks.length), regenerate };
		return { text: renderPieces(pieces, style, first.labels, markerSize).text, automatic, left: conflicts, regenerate };
	}
	const { pieces, regenerate } = await merge("diff3");
	return {
		...inPlaces(
			file,
			pieces.filter((piece) => piece.kind === "automatic"),
		),
		regenerate,
	};
}

/** What an automatic piece was made of, for whoever wants to see it. */
export function textsOf({ base, ours, theirs }: Automatic): Texts {
	return { base: base.text, ours: ours.text, theirs: theirs.text };
}

// Hunk by hunk, as far as they are still what the engine sees. One that git has joined of several is settled as a whole or not at all.
function inPlaces({ reading }: TextFile, pieces: readonly Piece[]): Omit<Attempted, "regenerate"> {
	const origins = originsOf(pieces);
	const used: Automatic[] = [];
	const by = new Map<number, Buffer>();
	for (const { origin, line, isAmbiguous } of reading.hunks) {
		if (origin === undefined || isAmbiguous) continue;
		const same = origins.find((each) => each.pieces.length === origin.pieces.length && isSame(each, origin));
		if (same === undefined || same.pieces.some(({ kind }) => kind === "conflict")) continue;
		used.push(...same.pieces.filter((piece) => piece.kind === "automatic"));
		by.set(line, Buffer.concat(same.pieces.map((piece) => (piece.kind === "conflict" ? Buffer.alloc(0) : piece.text))));
	}
	if (by.size === 0) return nothing(reading.hunks.length);
	const text = Buffer.concat(
		reading.pieces.map((piece) => (piece.kind === "hunk" ? by.get(piece.line) : undefined) ?? piece.text),
	);
	return { text, automatic: used, left: reading.hunks.length - by.size };
}

function isSame(a: Origin, b: Origin): boolean {
	return a.base.equals(b.base) && a.ours.equals(b.ours) && a.theirs.equals(b.theirs);
}

// git (2.38 or newer) keeps a tree of what it wrote to the working tree, markers and all.
async function isAutoMerge({ git }: Place, path: string, text: Buffer): Promise<boolean> {
	const { code, stdout } = await git.run(["cat-file", "--filters", `AUTO_MERGE:${path}`]);
	return code === 0 && stdout.equals(text);
}

function nothing(left: number): Attempted {
	return { text: undefined, automatic: [], left, regenerate: undefined };
}
