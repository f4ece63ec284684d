import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import type { Style } from "../../server/merge/refine.ts";
import { mergeSeed, smallCase } from "../helpers/merge-cases.ts";

const seed = mergeSeed();
const cases = Array.from({ length: 200 }, (_, number) => smallCase(seed, number));

async function merge(texts: Texts, style: Style = "merge") {
	const { pieces, conflicts } = await mergeTexts(texts, style);
	const { text } = renderPieces(pieces, style, { base: "base", ours: "ours", theirs: "theirs" });
	return { conflicts, text: text.toString("latin1") };
}

describe(`laws of merging (UDO_SEED=${seed})`, () => {
	test("a side that changed nothing yields to the other, and equal sides agree", async () => {
		for (const { name, base, ours } of cases) {
			const expected = { conflicts: 0, text: ours.toString("latin1") };

			expect(await merge({ base, ours, theirs: base }), name).toEqual(expected);
			expect(await merge({ base, ours: base, theirs: ours }), name).toEqual(expected);
			expect(await merge({ base, ours, theirs: ours }), name).toEqual(expected);
			expect(await merge({ base: ours, ours, theirs: ours }), name).toEqual(expected);
		}
	});

	test("ours and theirs swapped give the same text, or conflict alike", async () => {
		for (const { name, base, ours, theirs } of cases) {
			const one = await merge({ base, ours, theirs });
			const other = await merge({ base, ours: theirs, theirs: ours });

			expect(other.conflicts > 0, name).toBe(one.conflicts > 0);
			if (one.conflicts === 0) expect(other.text, name).toBe(one.text);
		}
	});

	test("the same texts always merge to the same bytes", async () => {
		for (const each of cases) {
			const first = await merge(each, each.style);

			expect(await merge(each, each.style), each.name).toEqual(first);
		}
	});

	test("no line that only one side wrote gets lost, and none appears that nobody wrote", async () => {
		for (const each of cases) {
			const { conflicts, text } = await merge(each);
			if (conflicts > 0) continue;
			const [base, ours, theirs] = [linesOf(each.base), linesOf(each.ours), linesOf(each.theirs)];
			const merged = new Set(text.match(/[^\n]*\n|[^\n]+$/g));

			const written = [...ours, ...theirs].filter((line) => !base.has(line));
			for (const line of written) expect(merged, each.name).toContain(line);
			for (const line of merged) expect(ours.has(line) || theirs.has(line), each.name).toBe(true);
		}
	});

	test("any bytes can be merged", async () => {
		const bytes = fc.array(fc.constantFrom(10, 13, 32, 61, 62, 97, 98, 195, 255), { maxLength: 60 }).map(Buffer.from);
		const texts = fc.record({ base: bytes, ours: bytes, theirs: bytes });
		await fc.assert(
			fc.asyncProperty(texts, fc.constantFrom("merge", "diff3", "zdiff3"), async (each, style) => {
				const { conflicts, text } = await merge(each, style);

				expect(text.match(/^<<<<<<< ours\r?$/gm)?.length ?? 0).toBe(conflicts);
			}),
			{ numRuns: 200, seed },
		);
	});
});

function linesOf(text: Buffer): Set<string> {
	return new Set(text.toString("latin1").match(/[^\n]*\n|[^\n]+$/g));
}
