// Merges again what people have merged in public repositories, and compares with git and with them:
//   npx esbuild test/campaign/merge-replay.ts --bundle --platform=node --format=esm --target=node20 --packages=external --outfile=node_modules/.cache/udo/replay.mjs
//   node node_modules/.cache/udo/replay.mjs REPOSITORY.git… [--differ FILE]
// `--differ` lists every conflict that a rule settled otherwise than the person did, to be read.
import { writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { candidatesFor } from "../../server/merge/candidates.ts";
import { type Hunk, hunkAt, hunkKey } from "../../server/merge/hunk.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeHere, mergeTexts } from "../../server/merge/merge.ts";
import type { Automatic, Piece } from "../../server/merge/piece.ts";
import { styles } from "../../server/merge/refine.ts";
import { fileKind } from "../../server/merge/rules/file-kind.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import { askGit } from "../helpers/git-merge-file.ts";
import { humanTexts } from "./human-texts.ts";
import { type RealMerge, realMerges } from "./real-merges.ts";
import { quantile } from "./report.ts";
import { Tally } from "./rule-tally.ts";

const labels = { ours: "OURS", base: "BASE", theirs: "THEIRS" };
const differAt = process.argv.indexOf("--differ");
const repositories = process.argv.slice(2, differAt === -1 ? undefined : differAt);
const differ: string[] = [];
const tally = new Tally();
const offered = { conflicts: 0, first: 0, any: 0 };
const took: number[] = [];
let wrong = 0;

for (const repository of repositories) {
	const name = basename(repository) === "repo" ? basename(dirname(repository)) : basename(repository);
	const counts = { files: 0, clean: 0, conflicting: 0, here: 0, unlike: 0, conflicts: 0, told: 0 };
	const memory = new Map<string, Buffer>();
	const seen = new Set<string>();
	let batch: RealMerge[] = [];
	for await (const real of realMerges(repository)) {
		if ([real.base, real.ours, real.theirs].some((text) => text.subarray(0, 8000).includes(0))) continue;
		counts.files++;
		batch.push(real);
		if (batch.length === 100) {
			await compareWithGit(batch, counts);
			batch = [];
		}
		await compareWithPerson(name, real, counts, memory, seen);
	}
	await compareWithGit(batch, counts);
	wrong += counts.unlike;
	console.log(
		`${name}: ${counts.files} files, ${counts.clean} clean, ${counts.conflicting} conflicting, ${counts.here} decided without git, ` +
			`${counts.unlike} unlike git; ${counts.conflicts} conflicts, of ${counts.told} it can be told what the person made of them`,
	);
}

console.log(`\nlevel exact: ${wrong} unlike git merge-file`);
console.log(
	`in process: p50 ${quantile(took, 0.5).toFixed(2)} ms, p99 ${quantile(took, 0.99).toFixed(2)} ms, max ${Math.max(...took).toFixed(0)} ms`,
);
console.log(`level safe, conflicts that were settled:\n${tally.table()}`);
const share = (part: number) => `${((100 * part) / offered.conflicts).toFixed(1)} %`;
console.log(
	`level suggest, ${offered.conflicts} conflicts in files that are not generated: the first candidate is the person's text for ` +
		`${share(offered.first)}, one of them for ${share(offered.any)}`,
);
if (differAt !== -1) writeFileSync(process.argv[differAt + 1] ?? "", differ.join("\n"));
if (wrong > 0) process.exitCode = 1;

async function compareWithGit(
	batch: readonly RealMerge[],
	counts: { clean: number; conflicting: number; here: number; unlike: number },
): Promise<void> {
	const cases = batch.map((real, at) => ({ ...real, name: real.path, style: styles[at % 3] ?? "merge" }));
	const answers = await askGit(cases);
	for (const [at, each] of cases.entries()) {
		const started = performance.now();
		if (mergeHere(each, each.style) !== undefined) counts.here++;
		took.push(performance.now() - started);
		const { pieces, conflicts } = await mergeTexts(each, each.style);
		counts[conflicts === 0 ? "clean" : "conflicting"]++;
		const { text } = renderPieces(pieces, each.style, labels);
		if (answers[at]?.code === Math.min(conflicts, 127) && answers[at].text.equals(text)) continue;
		counts.unlike++;
		console.log(`UNLIKE GIT: ${each.commit} ${each.path} (${each.style})`);
	}
}

async function compareWithPerson(
	name: string,
	real: RealMerge,
	counts: { conflicts: number; told: number },
	memory: Map<string, Buffer>,
	seen: Set<string>,
): Promise<void> {
	const pieces = withoutEmpty((await mergeTexts(real, "diff3")).pieces);
	const conflicts = pieces.flatMap((_, at) => hunkAt(pieces, at) ?? []);
	counts.conflicts += conflicts.length;
	// Somebody who committed markers has not merged.
	if (conflicts.length === 0 || real.human === undefined || /^<{7} /m.test(real.human.toString("latin1"))) return;
	const human = humanTexts(pieces, real.human);
	const ruled = await settledByKey(real);
	const learned: [string, Buffer][] = [];
	for (const [at, hunk] of conflicts.entries()) {
		const text = human[at];
		const key = hunkKey(hunk);
		// Merges of merges repeat what was decided once.
		const sighting = `${real.path} ${key} ${text?.toString("latin1")}`;
		if (text === undefined) continue;
		counts.told++;
		const known = memory.get(key);
		const kind = fileKind(real.path).kind;
		const side = text.equals(hunk.ours) || text.equals(hunk.theirs);
		const wholeFile = real.human.equals(real.ours) || real.human.equals(real.theirs);
		if (known !== undefined && kind !== "generated")
			tally.note("remembered", kind, { equal: known.equals(text), side, wholeFile });
		learned.push([key, text]);
		if (seen.has(sighting)) continue;
		seen.add(sighting);
		if (kind !== "generated") offer(hunk, text, real.path);
		const automatic = ruled.get(key);
		if (automatic === undefined) continue;
		const equal = automatic.text.equals(text);
		tally.note(automatic.rule, kind, { equal, side, wholeFile });
		if (!equal)
			differ.push(
				shown(
					`${name} ${real.commit} ${real.path}: ${automatic.rule}${side ? " (a side)" : ""}`,
					hunk,
					automatic,
					text,
				),
			);
	}
	for (const [key, text] of learned) memory.set(key, text);
}

async function settledByKey(real: RealMerge): Promise<ReadonlyMap<string, Automatic>> {
	const { pieces } = await mergeSafely(real, { path: real.path, style: "diff3", deadlineMs: 60_000 });
	const automatic = pieces.filter((piece) => piece.kind === "automatic");
	return new Map(
		automatic.map((piece) => [
			hunkKey({ base: piece.base.text, ours: piece.ours.text, theirs: piece.theirs.text }),
			piece,
		]),
	);
}

function offer(hunk: Hunk, text: Buffer, path: string): void {
	const at = candidatesFor(hunk, { path }).findIndex((candidate) => candidate.text.equals(text));
	offered.conflicts++;
	if (at === 0) offered.first++;
	if (at !== -1) offered.any++;
}

function withoutEmpty(pieces: readonly Piece[]): readonly Piece[] {
	return pieces.filter((piece) => piece.kind === "conflict" || piece.text.length > 0);
}

function shown(title: string, hunk: Hunk, automatic: Automatic, human: Buffer): string {
	const part = (sign: string, text: Buffer) => text.toString().trimEnd().replaceAll(/^/gm, `${sign}|`);
	return [
		`== ${title}`,
		part("B", hunk.base),
		part("O", hunk.ours),
		part("T", hunk.theirs),
		part("H", human),
		part("=", automatic.text),
		"",
	].join("\n");
}
