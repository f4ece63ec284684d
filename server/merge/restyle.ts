import { Lines } from "./lines.ts";
import type { Conflict, Passage, Piece } from "./piece.ts";
import { piecesOf } from "./piece.ts";
import { refine, type Style } from "./refine.ts";
import { Vocabulary } from "./vocabulary.ts";

/**
 * A conflict with its whole base, as found in style `diff3`, in another style: by itself, so two that git would join for being near
 * each other stay two. Where git's answer is not certain it stays as it is.
 */
export function restyled(conflict: Conflict, style: Style): readonly Piece[] {
	const { ours, base, theirs, crlf } = conflict;
	if (style === "diff3" || base === undefined) return [conflict];
	const vocabulary = new Vocabulary();
	const versions = {
		base: new Lines(base.text, vocabulary),
		ours: new Lines(ours.text, vocabulary),
		theirs: new Lines(theirs.text, vocabulary),
	};
	const whole = (lines: Lines) => ({ start: 0, end: lines.count });
	const place = {
		kind: "conflict",
		base: whole(versions.base),
		ours: whole(versions.ours),
		theirs: whole(versions.theirs),
	} as const;
	const places = refine([place], versions, style);
	if (places === undefined) return [conflict];
	return piecesOf(places, versions).map((piece) =>
		piece.kind === "conflict"
			? {
					...piece,
					ours: moved(piece.ours, ours),
					base: piece.base && moved(piece.base, base),
					theirs: moved(piece.theirs, theirs),
					crlf,
				}
			: piece,
	);
}

function moved(passage: Passage, { line }: Passage): Passage {
	return { ...passage, line: line === undefined || passage.line === undefined ? undefined : line + passage.line - 1 };
}
