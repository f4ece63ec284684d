import type { Piece } from "./piece.ts";

/**
 * What each conflict of a merge became in the text that somebody made of it, by its place among the pieces. A conflict is missing
 * where the text does not tell for certain: what was merged clean around it was changed as well, or is found in several places.
 */
export function settledTexts(pieces: readonly Piece[], text: Buffer): ReadonlyMap<number, Buffer> {
	const settled = new Map<number, Buffer>();
	const frames = framesOf(pieces);
	const first = frames[0]?.text ?? Buffer.alloc(0);
	const last = frames.at(-1)?.text ?? Buffer.alloc(0);
	const end = text.length - last.length;
	if (frames.length < 2 || end < first.length) return settled;
	if (!text.subarray(0, first.length).equals(first) || !text.subarray(end).equals(last)) return settled;
	const inner = frames.slice(1, -1);
	const earliest = placesForward(inner, text, first.length, end);
	const latest = placesBackward(inner, text, first.length, end);
	if (earliest === undefined || latest === undefined) return settled;
	const starts = [0, ...inner.map((_, i) => (earliest[i] === latest[i] ? earliest[i] : undefined)), end];
	for (const [i, { conflict, text: frame }] of frames.entries()) {
		const [start, next] = [starts[i], starts[i + 1]];
		if (conflict === undefined || start === undefined || next === undefined) continue;
		settled.set(conflict, text.subarray(start + frame.length, next));
	}
	return settled;
}

/** Clean text, and the only conflict between it and the next; none after the last, and where several follow each other at once. */
interface Frame {
	readonly text: Buffer;
	readonly conflict: number | undefined;
}

function framesOf(pieces: readonly Piece[]): readonly Frame[] {
	const frames: Frame[] = [];
	let clean: Buffer[] = [];
	let conflicts: number[] = [];
	const close = () => {
		frames.push({ text: Buffer.concat(clean), conflict: conflicts.length === 1 ? conflicts[0] : undefined });
		clean = [];
		conflicts = [];
	};
	for (const [at, piece] of pieces.entries()) {
		if (piece.kind !== "clean") conflicts.push(at);
		else {
			if (conflicts.length > 0) close();
			clean.push(piece.text);
		}
	}
	if (conflicts.length > 0) close();
	close();
	return frames;
}

function placesForward(frames: readonly Frame[], text: Buffer, from: number, end: number): number[] | undefined {
	const places: number[] = [];
	let at = from;
	for (const frame of frames) {
		let place = text.indexOf(frame.text, at);
		while (place !== -1 && !startsLine(text, place)) place = text.indexOf(frame.text, place + 1);
		if (place === -1 || place + frame.text.length > end) return undefined;
		places.push(place);
		at = place + frame.text.length;
	}
	return places;
}

function placesBackward(frames: readonly Frame[], text: Buffer, from: number, end: number): number[] | undefined {
	const places: number[] = [];
	let before = end;
	for (const frame of frames.toReversed()) {
		let place = lastBefore(text, frame.text, before);
		while (place !== -1 && !startsLine(text, place))
			place = lastBefore(text, frame.text, place + frame.text.length - 1);
		if (place < from) return undefined;
		places.push(place);
		before = place;
	}
	return places.reverse();
}

// A negative offset would be counted from the end.
function lastBefore(text: Buffer, frame: Buffer, end: number): number {
	return end < frame.length ? -1 : text.lastIndexOf(frame, end - frame.length);
}

function startsLine(text: Buffer, at: number): boolean {
	return at === 0 || text[at - 1] === 10;
}
