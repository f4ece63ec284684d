import { gitMergeFile } from "../git/merge-file.ts";
import { countLines } from "./lines.ts";
import type { Conflict, Piece } from "./piece.ts";
import type { Style } from "./refine.ts";

/** git's own merge, as pieces. Its markers are longer than any that the texts contain, so it is clear which ones are git's. */
export async function gitMerge(
	texts: { readonly base: Buffer; readonly ours: Buffer; readonly theirs: Buffer },
	style: Style,
): Promise<Piece[]> {
	const markerSize = 1 + Math.max(7, ...[texts.base, texts.ours, texts.theirs].map(longestMarker));
	return parse(await gitMergeFile(texts, { style, markerSize }), markerSize);
}

function longestMarker(text: Buffer): number {
	let longest = 0;
	for (const [run] of text.toString("latin1").matchAll(/^([<=>|])\1{6,}/gm)) longest = Math.max(longest, run.length);
	return longest;
}

function parse(output: Buffer, markerSize: number): Piece[] {
	const pieces: Piece[] = [];
	const pattern = new RegExp(
		`^(?:<{N} ours|\\|{N} base|={N}|>{N} theirs)(\\r?)\\n`.replaceAll("N", String(markerSize)),
		"gm",
	);
	const passages: Partial<Record<"<" | "|" | "=", Buffer>> = {};
	let start = 0;
	let open: string | undefined;
	for (const { 0: line, 1: carriageReturn, index } of output.toString("latin1").matchAll(pattern)) {
		const text = output.subarray(start, index);
		start = index + line.length;
		if (open === "<" || open === "|" || open === "=") passages[open] = text;
		else if (text.length > 0) pieces.push({ kind: "clean", text });
		open = line[0];
		if (open === ">") {
			pieces.push(conflictOf(passages, carriageReturn === "\r"));
			delete passages["|"];
		}
	}
	if (start < output.length) pieces.push({ kind: "clean", text: output.subarray(start) });
	return pieces;
}

function conflictOf(passages: Partial<Record<"<" | "|" | "=", Buffer>>, crlf: boolean): Conflict {
	const passage = (text: Buffer = Buffer.alloc(0)) => ({ text, line: undefined, lines: countLines(text) });
	const base = passages["|"];
	return {
		kind: "conflict",
		ours: passage(passages["<"]),
		base: base && passage(base),
		theirs: passage(passages["="]),
		crlf,
	};
}
