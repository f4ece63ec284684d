import { describe, expect, test } from "vitest";
import type { Hunk } from "../../server/merge/hunk.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { undone } from "../../server/merge/piece.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import { knownMerge } from "../helpers/known-merges.ts";
import { mergeSeed, smallCase } from "../helpers/merge-cases.ts";

const seed = mergeSeed();
const known = Array.from({ length: 600 }, (_, number) => knownMerge(seed, number));
const odd = Array.from({ length: 80 }, (_, number) => ({ ...smallCase(seed, number), path: "f.js" }));
const labels = { ours: "ours", base: "base", theirs: "theirs" };

async function merge(texts: Texts, path: string, remembered?: (hunk: Hunk) => Promise<Buffer | undefined>) {
	const merged = await mergeSafely(texts, {
		path,
		style: "merge",
		...(remembered && { remembered }),
		deadlineMs: 60_000,
	});
	return { ...merged, text: renderPieces(merged.pieces, "merge", labels).text.toString("latin1") };
}

describe(`laws of merging with rules (UDO_SEED=${seed})`, () => {
	test("what is merged is what both sides' edits make of the base, and nothing is merged where no text is right", async () => {
		const seen = { automatic: 0, conflicting: 0 };
		for (const each of known) {
			const { conflicts, automatic, text } = await merge(each, each.path);
			seen.automatic += automatic;
			if (conflicts > 0) seen.conflicting++;
			else expect(text, `${each.name}\n${each.base}\n${each.ours}\n${each.theirs}`).toBe(each.truth);
		}

		// The generator must not drift to where no rule is asked.
		expect(seen.automatic).toBeGreaterThan(60);
		expect(seen.conflicting).toBeGreaterThan(60);
	});

	test("ours and theirs swapped are settled by the same rule to the same text", async () => {
		for (const each of [...known, ...odd]) {
			const one = await merge(each, each.path);
			const other = await merge({ base: each.base, ours: each.theirs, theirs: each.ours }, each.path);

			expect([other.automatic, other.conflicts > 0], each.name).toEqual([one.automatic, one.conflicts > 0]);
			if (one.conflicts === 0) expect(other.text, each.name).toBe(one.text);
		}
	});

	test("the same texts always merge to the same bytes", async () => {
		for (const each of known.slice(0, 150)) {
			expect((await merge(each, each.path)).text, each.name).toBe((await merge(each, each.path)).text);
		}
	});

	test("a merge merged again with either side stays as it is", async () => {
		for (const each of known) {
			const { conflicts, text } = await merge(each, each.path);
			if (conflicts > 0) continue;
			const ours = Buffer.from(text, "latin1");

			expect((await merge({ base: each.ours, ours, theirs: each.ours }, each.path)).text, each.name).toBe(text);
			expect((await merge({ base: each.theirs, ours: each.theirs, theirs: ours }, each.path)).text, each.name).toBe(
				text,
			);
		}
	});

	test("any bytes are merged without an error, and where no rule is sure the conflicts are git's", async () => {
		for (const each of odd) {
			const { automatic, text } = await merge(each, each.path);
			const exact = renderPieces((await mergeTexts(each, "merge")).pieces, "merge", labels).text;

			if (automatic === 0) expect(text, each.name).toBe(exact.toString("latin1"));
		}
	});

	test("undone, every settled conflict is the conflict that git finds", async () => {
		for (const each of known.slice(0, 200)) {
			const { pieces } = await mergeSafely(each, { path: each.path, style: "diff3" });
			const back = pieces.map((piece) => (piece.kind === "automatic" ? undone(piece) : piece));
			const exact = (await mergeTexts(each, "diff3")).pieces;

			expect(renderPieces(back, "diff3", labels), each.name).toEqual(renderPieces(exact, "diff3", labels));
		}
	});
});
