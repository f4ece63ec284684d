import { countLines } from "./lines.ts";
import type { Piece } from "./piece.ts";
import type { Style } from "./refine.ts";

/** What stands behind the conflict markers. */
export interface Labels {
	readonly ours: string;
	readonly base: string;
	readonly theirs: string;
}

/** A merge as one text. */
export interface Rendered {
	readonly text: Buffer;
	/** For each conflict the line, counted from 1, of its first marker. */
	readonly markedLines: readonly number[];
}

/** The text of a merge, with markers around its conflicts, as git writes them; of as many characters as `conflict-marker-size` says. */
export function renderPieces(pieces: readonly Piece[], style: Style, labels: Labels, markerSize = 7): Rendered {
	const parts: Buffer[] = [];
	const markedLines: number[] = [];
	let lines = 0;
	for (const piece of pieces) {
		if (piece.kind !== "conflict") {
			parts.push(piece.text);
			lines += countLines(piece.text);
			continue;
		}
		markedLines.push(lines + 1);
		const newline = piece.crlf ? "\r\n" : "\n";
		const marker = (sign: string, label: string) => {
			lines++;
			parts.push(Buffer.from(`${sign.repeat(markerSize)}${label === "" ? "" : ` ${label}`}${newline}`));
		};
		const passage = (text: Buffer) => {
			parts.push(text);
			lines += countLines(text);
			if (text.length > 0 && text.at(-1) !== 10) parts.push(Buffer.from(newline));
		};
		marker("<", labels.ours);
		passage(piece.ours.text);
		if (style !== "merge" && piece.base !== undefined) {
			marker("|", labels.base);
			passage(piece.base.text);
		}
		marker("=", "");
		passage(piece.theirs.text);
		marker(">", labels.theirs);
	}
	return { text: Buffer.concat(parts), markedLines };
}
