import type { Piece } from "../../../server/merge/piece.ts";

/**
 * What a person wrote in the place of each conflict, in order. Undefined where that cannot be told: where the lines around the
 * conflict are not there any more, or more than once.
 */
export function humanTexts(pieces: readonly Piece[], human: Buffer): readonly (Buffer | undefined)[] {
	// One character a byte: positions are the same in both.
	const text = human.toString("latin1");
	return (
		whole(pieces, text)?.map((each) => bytes(each)) ??
		pieces.flatMap((piece, at) =>
			piece.kind === "conflict" ? [bytes(between(pieces[at - 1], pieces[at + 1], text))] : [],
		)
	);
}

// The usual case: the person changed nothing else, so what is no conflict is all there, in order.
function whole(pieces: readonly Piece[], human: string): string[] | undefined {
	const found: string[] = [];
	let start = 0;
	let isOpen = false;
	for (const [at, piece] of pieces.entries()) {
		if (piece.kind === "conflict") {
			if (isOpen) return undefined;
			isOpen = true;
			continue;
		}
		const clean = piece.text.toString("latin1");
		const end = !isOpen ? start : at === pieces.length - 1 ? human.length - clean.length : only(human, clean, start);
		if (end < start || human.slice(end, end + clean.length) !== clean) return undefined;
		if (isOpen) found.push(human.slice(start, end));
		start = end + clean.length;
		isOpen = false;
	}
	if (isOpen) found.push(human.slice(start));
	else if (start < human.length) return undefined;
	return found;
}

function between(before: Piece | undefined, after: Piece | undefined, human: string): string | undefined {
	const start = before === undefined ? 0 : place(linesOf(before), human, -1);
	const end = after === undefined ? human.length : place(linesOf(after), human, 1);
	return start === undefined || end === undefined || end < start ? undefined : human.slice(start, end);
}

// Where these lines end (−1: the last of them count) or start (1: the first), if they are there exactly once.
function place(lines: readonly string[], human: string, direction: -1 | 1): number | undefined {
	for (let count = 2; count <= 16; count *= 2) {
		const context = (direction === -1 ? lines.slice(-count) : lines.slice(0, count)).join("");
		const at = only(human, context, 0);
		if (at !== -1) return direction === -1 ? at + context.length : at;
	}
	return undefined;
}

function only(human: string, text: string, from: number): number {
	const isLineStart = (at: number) => at === 0 || human[at - 1] === "\n";
	let found = -1;
	for (let at = human.indexOf(text, from); at !== -1 && text !== ""; at = human.indexOf(text, at + 1)) {
		if (!isLineStart(at)) continue;
		if (found !== -1) return -1;
		found = at;
	}
	return found;
}

function linesOf(piece: Piece): readonly string[] {
	return piece.kind === "conflict" ? [] : (piece.text.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

function bytes(text: string | undefined): Buffer | undefined {
	return text === undefined ? undefined : Buffer.from(text, "latin1");
}
