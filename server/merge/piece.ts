import type { Lines, Range } from "./lines.ts";
import type { Place, Versions } from "./windows.ts";

/** One after the other, the parts of a merge: a text that is settled, a conflict that was settled by a rule, or a conflict. */
export type Piece = { readonly kind: "clean"; readonly text: Buffer } | Automatic | Conflict;

/** What ours and theirs have where they disagree, and what the base has there. */
export interface Conflict {
	readonly kind: "conflict";
	readonly ours: Passage;
	/** Undefined when git merged in the style `merge`, which does not tell. In that style, the base of the whole conflict that was split. */
	readonly base: Passage | undefined;
	readonly theirs: Passage;
	/** Whether the markers end in CRLF, as the lines around them do. */
	readonly crlf: boolean;
}

/** A conflict that no person has settled; `undone` makes it a conflict again. */
export interface Automatic {
	readonly kind: "automatic";
	/** `remembered`, or the name of the rule. */
	readonly rule: string;
	readonly text: Buffer;
	readonly ours: Passage;
	readonly base: Passage;
	readonly theirs: Passage;
	readonly crlf: boolean;
}

/** The conflict that it was. */
export function undone({ ours, base, theirs, crlf }: Automatic): Conflict {
	return { kind: "conflict", ours, base, theirs, crlf };
}

/** Some lines of one version. */
export interface Passage {
	readonly text: Buffer;
	/** The number of the first one, counted from 1; of the line that would follow when there are none. Undefined when git merged. */
	readonly line: number | undefined;
	readonly lines: number;
}

/** The pieces that these places are. */
export function piecesOf(places: readonly Place[], versions: Versions): Piece[] {
	return places.map((place): Piece => {
		if (place.kind === "clean") {
			const from = place.from === "both" ? "ours" : place.from;
			return { kind: "clean", text: versions[from].text(place.lines) };
		}
		return {
			kind: "conflict",
			ours: passageOf(versions.ours, place.ours),
			base: passageOf(versions.base, place.base),
			theirs: passageOf(versions.theirs, place.theirs),
			crlf: isCrlf(place, versions),
		};
	});
}

function passageOf(lines: Lines, range: Range): Passage {
	return { text: lines.text(range), line: range.start + 1, lines: range.end - range.start };
}

// As git does: CRLF when the line before (or the first) has it in ours and theirs, as far as they have one, and the base's first too.
function isCrlf(place: Extract<Place, { kind: "conflict" }>, { base, ours, theirs }: Versions): boolean {
	let crlf = ending(ours, Math.max(place.ours.start - 1, 0));
	if (crlf !== false) crlf = ending(theirs, Math.max(place.theirs.start - 1, 0));
	if (crlf !== false) crlf = ending(base, 0);
	return crlf ?? false;
}

// Whether this line ends in CRLF; of an unfinished last line, the one before. Undefined when there is no way to tell.
function ending(lines: Lines, line: number): boolean | undefined {
	if (line >= lines.count) return undefined;
	const text = lines.text({ start: line, end: line + 1 });
	if (text.at(-1) === 10) return text.at(-2) === 13;
	return line === 0 ? undefined : ending(lines, line - 1);
}
