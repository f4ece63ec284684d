import { describe, expect, test } from "vitest";
import { mergeTexts } from "../../server/merge/merge.ts";
import type { Piece } from "../../server/merge/piece.ts";
import { settledTexts } from "../../server/merge/settled-texts.ts";
import { randomOf, seedOfThisRun } from "../helpers/random.ts";

const bytes = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(""));

/** The text that comes of a merge when each conflict is settled by the next of these. */
function settle(pieces: readonly Piece[], by: (at: number) => Buffer): Buffer {
	return Buffer.concat(pieces.map((piece, at) => (piece.kind === "clean" ? piece.text : by(at))));
}

describe("how conflicts were settled is read off the text that came of a merge", () => {
	test("each by itself, whatever took its place", async () => {
		const side = (a: string, b: string) => bytes(["1", "2", a, "4", "5", "6", "7", b, "9", "10"]);
		const texts = { base: side("3", "8"), ours: side("ours 3", "ours 8"), theirs: side("theirs 3", "theirs 8") };
		const { pieces } = await mergeTexts(texts, "diff3");

		expect([...settledTexts(pieces, side("ours 3\nand more", "by hand")).values()].map(String)).toEqual([
			"ours 3\nand more\n",
			"by hand\n",
		]);
		expect(settledTexts(pieces, Buffer.concat([bytes(["above"]), side("ours 3", "ours 8")])).size).toBe(0);
	});

	test("or not at all: never another text than the one that took its place", async () => {
		const seed = seedOfThisRun();
		const random = randomOf(seed);
		const word = () => ["a", "b", "c", "}", ""][Math.floor(random() * 5)] ?? "";
		const some = (most: number) => Array.from({ length: Math.floor(random() * (most + 1)) }, word);
		let told = 0;
		for (let n = 0; n < 500; n++) {
			const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () => some(4));
			const conflict = { kind: "conflict", crlf: false } as unknown as Piece;
			const pieces = parts.flatMap((lines): Piece[] => [{ kind: "clean", text: bytes([...lines, "x"]) }, conflict]);
			const chosen = new Map(pieces.map((_, at) => [at, bytes(some(3))]));
			const text = settle(pieces, (at) => chosen.get(at) ?? Buffer.alloc(0));
			for (const [at, found] of settledTexts(pieces, text)) {
				expect(String(found), `UDO_SEED=${seed}`).toBe(String(chosen.get(at)));
				told += 1;
			}
		}
		expect(told).toBeGreaterThan(300);
	});
});
