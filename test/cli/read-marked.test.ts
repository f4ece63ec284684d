import { expect, test } from "vitest";
import { readHunks } from "../../cli/resolve/hunks.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import type { Piece } from "../../server/merge/piece.ts";
import type { Style } from "../../server/merge/refine.ts";
import { randomOf, seedOfThisRun } from "../helpers/random.ts";

const seed = seedOfThisRun();
const count = 60;
const words = ["<<<<<<< HEAD", "<<<<<<< yours", "=======", ">>>>>>> topic", ">>>>>>> theirs", "||||||| base"];
const example = ["<<<<<<< yours", "one", "=======", "two", ">>>>>>> theirs"];

test(`of versions full of lines that look like markers, a conflict is read right or not at all (UDO_SEED=${seed})`, async () => {
	let read = 0;
	for await (const { pieces, style, texts } of merges()) {
		const edited = pieces.map((piece) => {
			if (piece.kind !== "conflict") return piece;
			return {
				...piece,
				theirs: { ...piece.theirs, text: Buffer.concat([piece.theirs.text, Buffer.from("edited\n")]) },
			};
		});

		const asGitLeftIt = await withOurs(rendered(pieces, style), texts);
		const afterAnEdit = await withOurs(rendered(edited, style), texts);

		const right = { kind: "read", text: taken(pieces) };
		expect([{ kind: "unclear" }, right]).toContainEqual(asGitLeftIt);
		expect([{ kind: "unclear" }, right]).toContainEqual(afterAnEdit);
		if (asGitLeftIt.kind === "read") read += 1;
	}
	expect(read).toBeGreaterThan(0.9 * count);
});

async function* merges(): AsyncGenerator<{
	readonly pieces: readonly Piece[];
	readonly style: Style;
	readonly texts: Texts;
}> {
	const random = randomOf(seed);
	const one = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
	const some = () => (random() < 0.75 ? [one(["a", "b", "c", "d", "e"])] : random() < 0.5 ? [one(words)] : example);
	const changed = (lines: readonly string[]) => {
		const copy = [...lines];
		for (let n = 0; n < 3; n++) copy.splice(Math.floor(random() * copy.length), random() < 0.5 ? 0 : 1, ...some());
		return copy;
	};
	const textOf = (lines: readonly string[]) => Buffer.from(`${lines.join("\n")}\n`);
	for (let found = 0; found < count; ) {
		const lines = Array.from({ length: 12 }, some).flat();
		const texts = { base: textOf(lines), ours: textOf(changed(lines)), theirs: textOf(changed(lines)) };
		const style = one(["merge", "diff3", "zdiff3"] as const);
		const { pieces, conflicts } = await mergeTexts(texts, style);
		if (conflicts === 0) continue;
		found += 1;
		yield { pieces, style, texts };
	}
}

function rendered(pieces: readonly Piece[], style: Style): Buffer {
	return renderPieces(pieces, style, { ours: "HEAD", base: "base", theirs: "topic" }).text;
}

function taken(pieces: readonly Piece[]): string {
	return pieces.map((piece) => (piece.kind === "conflict" ? piece.ours.text : piece.text).toString()).join("");
}

async function withOurs(file: Buffer, texts: Texts) {
	const { pieces, hunks, stray } = await readHunks({ path: "a.ts", markerSize: 7, texts, read: async () => file });
	if (stray.length > 0 || hunks.some(({ isAmbiguous }) => isAmbiguous)) return { kind: "unclear" };
	const ours = new Map(hunks.map((hunk) => [hunk.line, hunk.ours]));
	const text = pieces.map((piece) => (piece.kind === "hunk" ? ours.get(piece.line) : undefined) ?? piece.text);
	return { kind: "read", text: Buffer.concat(text).toString() };
}
