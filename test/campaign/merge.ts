// Merges generated cases and compares every byte with the real git; and others, whose right answer is known, with rules. UDO_SEED
// repeats a run; the argument is the number of cases:
//   npx esbuild test/campaign/merge.ts --bundle --platform=node --target=node20 --format=esm --packages=external --outfile=node_modules/.cache/udo/merge.mjs
//   node node_modules/.cache/udo/merge.mjs 20000
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeHere, mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import { askGit } from "../helpers/git-merge-file.ts";
import { knownMerge } from "../helpers/known-merges.ts";
import { blockCase, heavyCase, type MergeCase, mergeSeed, smallCase, sourceCase } from "../helpers/merge-cases.ts";

const labels = { ours: "OURS", base: "BASE", theirs: "THEIRS" };
const dose = Number(process.argv[2] ?? 20_000);
const seed = mergeSeed();
const sources = readdirSync("node_modules", { recursive: true, encoding: "utf8" })
	.filter((path) => /\.(js|ts|json|md)$/.test(path))
	.sort()
	.map((path) => join("node_modules", path));
console.log(`UDO_SEED=${seed}, ${dose} cases, ${dose / 10} on real sources, ${dose / 10} heavy, ${dose / 2} blocks`);

await campaign("small", dose, (number) => smallCase(seed, number));
await campaign("sources", dose / 10, (number) => sourceCase(seed, number, sourceText(number)));
await campaign("blocks", dose / 2, (number) => blockCase(seed, number));
await campaign("heavy", dose / 10, (number) => heavyCase(seed, number));
await campaignWithRules(2 * dose);

async function campaign(name: string, count: number, generate: (number: number) => MergeCase): Promise<void> {
	let [here, clean, conflicting, wrong] = [0, 0, 0, 0];
	for (let first = 0; first < count; first += 500) {
		const cases = Array.from({ length: Math.min(500, count - first) }, (_, i) => generate(first + i));
		const answers = await askGit(cases);
		for (const [i, each] of cases.entries()) {
			const answer = answers[i];
			const decided = mergeHere(each, each.style);
			if (decided !== undefined) here++;
			// What git decided is git's; a sample shows that it is read right.
			if (decided === undefined && i % 20 !== 0) continue;
			const merged = await mergeTexts(each, each.style);
			const { text } = renderPieces(merged.pieces, each.style, labels);
			if (merged.conflicts === 0) clean++;
			else conflicting++;
			if (answer?.code === Math.min(merged.conflicts, 127) && answer.text.equals(text)) continue;
			wrong++;
			console.log(`${each.name} (${each.style}, by ${merged.by}): git says ${answer?.code}, udo ${merged.conflicts}`);
			if (wrong === 1)
				console.log(
					JSON.stringify(
						{
							base: `${each.base}`,
							ours: `${each.ours}`,
							theirs: `${each.theirs}`,
							git: `${answer?.text}`,
							udo: `${text}`,
						},
						null,
						1,
					).slice(0, 4000),
				);
		}
	}
	console.log(
		`${name}: ${count} cases, ${here} decided without git; of those compared ${clean} clean, ${conflicting} conflicting, ${wrong} WRONG`,
	);
	if (wrong > 0) process.exitCode = 1;
}

async function campaignWithRules(count: number): Promise<void> {
	const rules = new Map<string, number>();
	let [merged, wrong] = [0, 0];
	for (let number = 0; number < count; number++) {
		const each = knownMerge(seed, number);
		const { pieces, conflicts } = await mergeSafely(each, { path: each.path, style: "merge", deadlineMs: 60_000 });
		for (const piece of pieces) if (piece.kind === "automatic") rules.set(piece.rule, (rules.get(piece.rule) ?? 0) + 1);
		if (conflicts > 0) continue;
		merged++;
		const text = renderPieces(pieces, "merge", labels).text.toString();
		if (text === each.truth) continue;
		wrong++;
		console.log(`${each.name}: ${JSON.stringify({ ...texts(each), truth: each.truth, udo: text }, null, 1)}`);
	}
	const fired = [...rules].map(([rule, times]) => `${rule} ${times}`).join(", ");
	console.log(`with rules: ${count} cases, ${merged} merged (${fired}), ${wrong} WRONG`);
	if (wrong > 0) process.exitCode = 1;
}

function texts({ base, ours, theirs }: Texts) {
	return { base: `${base}`, ours: `${ours}`, theirs: `${theirs}` };
}

function sourceText(number: number): string {
	for (let i = number * 7; ; i++) {
		const text = readFileSync(sources[i % sources.length] ?? "", "utf8");
		if (text.length > 200 && text.length < 400_000 && !text.includes("\0")) return text;
	}
}
