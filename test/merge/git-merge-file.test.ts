import { expect, test } from "vitest";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeHere, mergeTexts } from "../../server/merge/merge.ts";
import { askGit } from "../helpers/git-merge-file.ts";
import { blockCase, mergeSeed, smallCase } from "../helpers/merge-cases.ts";

const labels = { ours: "OURS", base: "BASE", theirs: "THEIRS" };

test("2,000 generated merges come out as git merge-file's, byte for byte and conflict for conflict", async () => {
	const seed = mergeSeed();
	console.log(`UDO_SEED=${seed}`);
	const cases = Array.from({ length: 2000 }, (_, number) =>
		number < 1500 ? smallCase(seed, number) : blockCase(seed, number),
	);
	const answers = await askGit(cases);
	const wrong: string[] = [];
	const seen = { here: 0, clean: 0, conflicting: 0 };
	for (const [number, each] of cases.entries()) {
		const isDecidedHere = mergeHere(each, each.style) !== undefined;
		if (isDecidedHere) seen.here++;
		// What udo leaves to git is git's answer; a sample shows that it is read and written right.
		else if (number % 10 !== 0) continue;
		const { pieces, conflicts } = await mergeTexts(each, each.style);
		const { text } = renderPieces(pieces, each.style, labels);
		seen[conflicts === 0 ? "clean" : "conflicting"]++;
		const answer = answers[number];
		if (answer?.code !== Math.min(conflicts, 127) || !answer.text.equals(text)) {
			wrong.push(`${each.name} (${each.style}):\n${text}\ngit exits ${answer?.code}:\n${answer?.text}`);
		}
	}

	expect(wrong).toEqual([]);
	// The generator must not drift to where nothing is compared.
	expect(seen.here).toBeGreaterThan(900);
	expect(seen.clean).toBeGreaterThan(400);
	expect(seen.conflicting).toBeGreaterThan(300);
});
