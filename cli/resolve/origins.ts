import type { Hunk } from "../../server/merge/hunk.ts";
import type { Piece } from "../../server/merge/piece.ts";

/** What a conflict in a file may come from: one of a merge in the style `diff3`, or several that git has joined. */
export interface Origin extends Hunk {
	/** The parts of the merge that it consists of. */
	readonly pieces: readonly Piece[];
}

/** All that a file's conflicts can come from, given a merge in the style `diff3`, whether or not a rule has settled some of it. */
export function originsOf(pieces: readonly Piece[]): readonly Origin[] {
	return pieces.flatMap((piece, start) => {
		if (piece.kind === "clean") return [];
		const origins: Origin[] = [];
		for (let end = start; end < pieces.length && end - start <= mostJoined; end += 1) {
			const last = pieces[end];
			if (last?.kind === "clean" && countLines(last.text) > mostBetween) break;
			if (last !== undefined && last.kind !== "clean") origins.push(...originOf(pieces, start, end));
		}
		return origins;
	});
}

// git makes one of conflicts with at most so many lines between them; in the style `diff3` it does not.
const mostBetween = 3;
const mostJoined = 20;

function originOf(all: readonly Piece[], start: number, end: number): readonly Origin[] {
	const pieces = all.slice(start, end + 1);
	const side = (name: "base" | "ours" | "theirs") =>
		pieces.map((piece) => (piece.kind === "clean" ? piece.text : piece[name]?.text));
	const base = side("base").filter((text) => text !== undefined);
	if (base.length < pieces.length) return [];
	const [ours, theirs] = [side("ours"), side("theirs")].map((texts) =>
		Buffer.concat(texts.filter((text) => text !== undefined)),
	);
	if (ours === undefined || theirs === undefined) return [];
	const texts = { base: Buffer.concat(base), ours, theirs };
	const around = { before: settled(all[start - 1]), after: settled(all[end + 1]) };
	return [{ ...texts, ...around, pieces }];
}

function settled(piece: Piece | undefined): Buffer {
	return piece === undefined || piece.kind === "conflict" ? Buffer.alloc(0) : piece.text;
}

function countLines(text: Buffer): number {
	let count = 0;
	for (let at = text.indexOf(10); at !== -1 && count <= mostBetween; at = text.indexOf(10, at + 1)) count++;
	return count;
}
