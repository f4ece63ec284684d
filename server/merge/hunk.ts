import { createHash } from "node:crypto";
import type { Piece } from "./piece.ts";

/** What a rule, a memory or a person sees of a conflict: the three texts, and what is settled right before and after. */
export interface Hunk {
	readonly base: Buffer;
	readonly ours: Buffer;
	readonly theirs: Buffer;
	readonly before: Buffer;
	readonly after: Buffer;
}

/**
 * The content address of a conflict, by which its resolution is remembered: the same on every machine and in every file, whichever
 * side is ours. Different as soon as a byte of the base or of one side is.
 */
export function hunkKey({ base, ours, theirs }: Pick<Hunk, "base" | "ours" | "theirs">): string {
	const hash = createHash("sha256");
	for (const text of [base, ...[ours, theirs].sort(Buffer.compare)]) hash.update(`${text.length}\n`).update(text);
	return hash.digest("hex");
}

/** The conflict at `index` with what is settled around it; undefined when there is none, or git did not tell its base (style `merge`). */
export function hunkAt(pieces: readonly Piece[], index: number): Hunk | undefined {
	const piece = pieces[index];
	if (piece?.kind !== "conflict" || piece.base === undefined) return undefined;
	return {
		base: piece.base.text,
		ours: piece.ours.text,
		theirs: piece.theirs.text,
		before: settledFrom(pieces, index - 1, -1),
		after: settledFrom(pieces, index + 1, 1),
	};
}

// Up to the next conflict; enough of it to judge by.
function settledFrom(pieces: readonly Piece[], index: number, step: 1 | -1): Buffer {
	const texts: Buffer[] = [];
	let length = 0;
	for (let at = index; length < enough; at += step) {
		const piece = pieces[at];
		if (piece === undefined || piece.kind === "conflict") break;
		texts.push(piece.text);
		length += piece.text.length;
	}
	return Buffer.concat(step === 1 ? texts : texts.reverse());
}

const enough = 4000;
