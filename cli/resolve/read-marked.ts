import type { Hunk } from "../../server/merge/hunk.ts";
import {
	type MarkedHunk,
	type MarkedPiece,
	type Merge,
	type Passages,
	parseMarked,
} from "../../server/merge/marked-text.ts";
import { markerLines } from "../../server/merge/marker-lines.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import type { Piece } from "../../server/merge/piece.ts";
import type { Origin } from "./origins.ts";

/**
 * Finds the conflicts in a file; where lines of its versions look like markers, by what the merge of these came to: `pieces`, in the
 * style `diff3`, and what can come of them.
 */
export async function readMarked(
	text: Buffer,
	markerSize: number,
	texts: Texts | undefined,
	pieces: readonly Piece[],
	origins: readonly Origin[],
): Promise<readonly MarkedPiece[]> {
	const versions = texts === undefined ? [] : [texts.base, texts.ours, texts.theirs];
	const asItLooks = parseMarked(text, markerSize);
	if (
		texts === undefined ||
		(isClear(asItLooks) && !versions.some((each) => markerLines(each, markerSize).length > 0))
	) {
		return asItLooks;
	}
	const all = [...versions, ...settledRuns(pieces)];
	const isText = (lines: Buffer) => all.some((each) => hasLines(each, lines));
	const first: Merge = { isText, isConflict: (passages) => origins.some((each) => isSame(each, passages)) };
	const read = parseMarked(text, markerSize, first);
	if (isClear(read)) return read;
	// In the other styles git cuts conflicts in other places.
	const [plain, zealous] = await Promise.all((["merge", "zdiff3"] as const).map((style) => mergeTexts(texts, style)));
	const isConflict = (passages: Passages) => {
		const cut = passages.base === undefined ? plain : zealous;
		return first.isConflict(passages) || cut?.pieces.some((piece) => isCut(piece, passages)) === true;
	};
	return parseMarked(text, markerSize, { isText, isConflict });
}

function isClear(pieces: readonly MarkedPiece[]): boolean {
	return pieces.every((piece) => piece.kind === "text" || !piece.isAmbiguous);
}

function isCut(piece: Piece, { ours, base, theirs }: Passages): boolean {
	if (piece.kind !== "conflict" || !isEqual(piece.ours.text, ours) || !isEqual(piece.theirs.text, theirs)) return false;
	return base === undefined || (piece.base !== undefined && isEqual(piece.base.text, base));
}

// What the merge came to between its conflicts.
function settledRuns(pieces: readonly Piece[]): readonly Buffer[] {
	const runs: Buffer[] = [];
	const run: Buffer[] = [];
	for (const piece of pieces) {
		if (piece.kind !== "conflict") run.push(piece.text);
		else runs.push(Buffer.concat(run.splice(0)));
	}
	return [...runs, Buffer.concat(run)];
}

function hasLines(text: Buffer, lines: Buffer): boolean {
	const isEnded = lines.at(-1) === 10;
	for (let at = text.indexOf(lines); at !== -1; at = text.indexOf(lines, at + 1)) {
		const after = text[at + lines.length];
		const isWhole = isEnded || after === undefined || after === 10 || after === 13;
		if (isWhole && (at === 0 || text[at - 1] === 10)) return true;
	}
	return false;
}

/** Whether a conflict in a file is this one of the merge. */
export function isSame(origin: Hunk, { ours, base, theirs }: Pick<MarkedHunk, "ours" | "base" | "theirs">): boolean {
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
