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
	const chosen = new Map(hunks.map((hunk) => [hunk.line, { hunk, ...textOf(choice, hunk) }]));
	const to = Buffer.concat(
		reading.pieces.map((piece) => (piece.kind === "hunk" ? chosen.get(piece.line)?.text : undefined) ?? piece.text),
	);
	const settled = [...chosen.values()].flatMap(({ hunk, text }) => {
		return hunk.key === undefined ? [] : [{ key: hunk.key, text: text.toString("base64") }];
	});
	const [{ what } = { what: "" }] = chosen.values();
	return settleText(target, reading, to, { what: `${named(hunks)}: ${what}`, settled });
}

/** As `settle`, for a whole text. */
export async function settleText(
	target: Target,
	reading: Reading,
	to: Buffer,
	step: { readonly what: string; readonly settled: readonly { readonly key: string; readonly text: string }[] },
): Promise<Reading> {
	const { markerSize, texts, path } = target;
	const next = await readHunks({ markerSize, texts, path, read: async () => to });
	const isLast = next.hunks.length === 0 && next.stray.length === 0;
	await target.write(reading.text, to, { ...step, isLast });
	if (isLast) await target.finish();
	return next;
}

function named(hunks: readonly OpenHunk[]): string {
	const [first] = hunks;
	return hunks.length === 1 && first !== undefined ? `the conflict at line ${first.line}` : `${hunks.length} conflicts`;
}
