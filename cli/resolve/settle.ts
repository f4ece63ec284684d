import { type Choice, textOf } from "./choice.ts";
import { type OpenHunk, type Reading, readHunks } from "./hunks.ts";
import type { Target } from "./target.ts";

/** Settles conflicts of one file with one write; stages it when nothing is left. Answers the file as it is then. */
export async function settle(
	target: Target,
	reading: Reading,
	hunks: readonly OpenHunk[],
	choice: Choice,
): Promise<Reading> {
	const chosen = new Map(
		hunks.map((hunk) => {
			const { text, what } = textOf(choice, hunk);
			return [hunk.line, { what, text: ended(text, hunk, reading) }];
		}),
	);
	const to = Buffer.concat(
		reading.pieces.map((piece) => (piece.kind === "hunk" ? chosen.get(piece.line)?.text : undefined) ?? piece.text),
	);
	const [{ what } = { what: "" }] = chosen.values();
	return settleText(target, reading, to, { what: `${named(hunks)}: ${what}` });
}

/** As `settle`, for a whole text. */
export async function settleText(
	target: Target,
	reading: Reading,
	to: Buffer,
	step: { readonly what: string },
): Promise<Reading> {
	const { markerSize, texts, path } = target;
	const next = await readHunks({ markerSize, texts, path, read: async () => to });
	const isLast = next.hunks.length === 0 && next.stray.length === 0;
	await target.write(reading.text, to, { ...step, isLast });
	return next;
}

// What follows must not become part of its last line.
function ended(text: Buffer, hunk: OpenHunk, { pieces }: Reading): Buffer {
	const last = pieces.at(-1);
	const isLast = last?.kind === "hunk" && last.line === hunk.line;
	if (isLast || text.length === 0 || text.at(-1) === 10) return text;
	return Buffer.concat([text, Buffer.from(/^.*?\r\n/.test(hunk.text.toString("latin1")) ? "\r\n" : "\n")]);
}

function named(hunks: readonly OpenHunk[]): string {
	const [first] = hunks;
	return hunks.length === 1 && first !== undefined ? `the conflict at line ${first.line}` : `${hunks.length} conflicts`;
}
