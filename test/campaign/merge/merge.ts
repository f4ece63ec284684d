import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { renderPieces } from "../../../server/merge/markers.ts";
import { mergeHere, mergeTexts, type Texts } from "../../../server/merge/merge.ts";
import { mergeSafely } from "../../../server/merge/safe.ts";
import { askGit } from "../../helpers/git-merge-file.ts";
import { knownMerge } from "../../helpers/known-merges.ts";
import { blockCase, heavyCase, type MergeCase, smallCase, sourceCase } from "../../helpers/merge-cases.ts";
import type { Report } from "../report.ts";

const labels = { ours: "OURS", base: "BASE", theirs: "THEIRS" };
/** Generated merges, byte for byte against the real git: small ones, changes of real sources, blocks that repeat, and heavy ones. */
export async function mergeAsGit(dose: number, seed: number): Promise<Report> {
	const sources = readdirSync("node_modules", { recursive: true, encoding: "utf8" })
		.filter((path) => /\.(js|ts|json|md)$/.test(path))
		.sort()
		.map((path) => join("node_modules", path));
	const kinds: readonly [string, number, (number: number) => MergeCase][] = [
		["small", dose, (number) => smallCase(seed, number)],
		["of real sources", dose / 10, (number) => sourceCase(seed, number, sourceText(sources, number))],
		["blocks", dose / 2, (number) => blockCase(seed, number)],
		["heavy", dose / 10, (number) => heavyCase(seed, number)],
	];
	const figures: Record<string, number> = {};
	const wrong: string[] = [];
	for (const [name, count, generate] of kinds) {
		const counts = { here: 0, clean: 0, conflicting: 0 };
		for (let first = 0; first < count; first += 500) {
			const cases = Array.from({ length: Math.min(500, count - first) }, (_, i) => generate(first + i));
			wrong.push(...(await compareWithGit(cases, counts)));
		}
		figures[name] = count;
		figures[`${name}, decided without git`] = counts.here;
		figures[`${name}, compared and clean`] = counts.clean;
		figures[`${name}, compared and in conflict`] = counts.conflicting;
	}
	return { name: "generated merges come out as git merge-file's", figures, wrong, slow: [] };
}

async function compareWithGit(
	cases: readonly MergeCase[],
	counts: { here: number; clean: number; conflicting: number },
): Promise<readonly string[]> {
	const answers = await askGit(cases);
	const wrong: string[] = [];
	for (const [i, each] of cases.entries()) {
		const answer = answers[i];
		const decided = mergeHere(each, each.style);
		if (decided !== undefined) counts.here++;
		// What git decided is git's; a sample shows that it is read right.
		if (decided === undefined && i % 20 !== 0) continue;
		const merged = await mergeTexts(each, each.style);
		const { text } = renderPieces(merged.pieces, each.style, labels);
		counts[merged.conflicts === 0 ? "clean" : "conflicting"]++;
		if (answer?.code === Math.min(merged.conflicts, 127) && answer.text.equals(text)) continue;
		const both = JSON.stringify({ ...texts(each), git: `${answer?.text}`, udo: `${text}` }).slice(0, 4000);
		wrong.push(
			`${each.name} (${each.style}, by ${merged.by}): git says ${answer?.code}, udo ${merged.conflicts}: ${both}`,
		);
	}
	return wrong;
}

/** Generated merges whose right answer is known, with rules: what is merged must be that. */
export async function mergeWithRules(count: number, seed: number): Promise<Report> {
	const rules: Record<string, number> = {};
	const wrong: string[] = [];
	let merged = 0;
	for (let number = 0; number < count; number++) {
		const each = knownMerge(seed, number);
		const { pieces, conflicts } = await mergeSafely(each, { path: each.path, style: "merge", deadlineMs: 60_000 });
		for (const piece of pieces) if (piece.kind === "automatic") rules[piece.rule] = (rules[piece.rule] ?? 0) + 1;
		if (conflicts > 0) continue;
		merged++;
		const text = renderPieces(pieces, "merge", labels).text.toString();
		if (text !== each.truth)
			wrong.push(`${each.name}: ${JSON.stringify({ ...texts(each), truth: each.truth, udo: text })}`);
	}
	return {
		name: "what rules merge is what both sides meant",
		figures: { cases: count, merged, ...rules },
		wrong,
		slow: [],
	};
}

function texts({ base, ours, theirs }: Texts) {
	return { base: `${base}`, ours: `${ours}`, theirs: `${theirs}` };
}

function sourceText(sources: readonly string[], number: number): string {
	for (let i = number * 7; ; i++) {
		const text = readFileSync(sources[i % sources.length] ?? "", "utf8");
		if (text.length > 200 && text.length < 400_000 && !text.includes("\0")) return text;
	}
}
