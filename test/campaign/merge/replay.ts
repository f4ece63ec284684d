import { writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { candidatesFor } from "../../../server/merge/candidates.ts";
import { type Hunk, hunkAt, hunkKey } from "../../../server/merge/hunk.ts";
import { renderPieces } from "../../../server/merge/markers.ts";
import { mergeHere, mergeTexts } from "../../../server/merge/merge.ts";
import type { Automatic, Piece } from "../../../server/merge/piece.ts";
import { styles } from "../../../server/merge/refine.ts";
import { fileKind } from "../../../server/merge/rules/file-kind.ts";
import { mergeSafely } from "../../../server/merge/safe.ts";
import { askGit } from "../../helpers/git-merge-file.ts";
import { quantile, type Report } from "../report.ts";
import { humanTexts } from "./human-texts.ts";
import { type RealMerge, realMerges } from "./real-merges.ts";
import { Tally } from "./rule-tally.ts";

const labels = { ours: "OURS", base: "BASE", theirs: "THEIRS" };
/** What is counted over all repositories. */
class Evidence {
	readonly tally = new Tally();
	readonly differ: string[] = [];
	readonly unlike: string[] = [];
	readonly took: number[] = [];
	readonly offered = { conflicts: 0, first: 0, any: 0 };
}

/**
 * Merges again what people have merged in the repositories (bare mirrors), and compares with git and with them. Prints what each
 * rule is worth, and writes every conflict that a rule settled otherwise than the person did to `differ`, to be read.
 */
export async function replayMerges(repositories: readonly string[], differ: string): Promise<Report> {
	const evidence = new Evidence();
	const figures: Record<string, string> = {};
	for (const repository of repositories) {
		const name = basename(repository) === "repo" ? basename(dirname(repository)) : basename(repository);
		figures[name] = await replay(repository, name, evidence);
	}
	const { tally, took, offered, unlike } = evidence;
	console.log(`level safe, conflicts that were settled:\n${tally.table()}`);
	const share = (part: number) => `${((100 * part) / offered.conflicts).toFixed(1)} %`;
	figures["in process"] =
		`p50 ${quantile(took, 0.5).toFixed(2)} ms, p99 ${quantile(took, 0.99).toFixed(2)} ms, max ${Math.max(...took).toFixed(0)} ms`;
	figures["candidates"] =
		`of ${offered.conflicts} conflicts in files that are not generated the first is the person's text for ${share(offered.first)}, ` +
		`one of them for ${share(offered.any)}`;
	writeFileSync(differ, evidence.differ.join("\n"));
	console.log(`${evidence.differ.length} that differ from the person: ${differ}`);
	return { name: "real merges come out as git merge-file's", figures, wrong: unlike, slow: [] };
}

async function replay(repository: string, name: string, evidence: Evidence): Promise<string> {
	const counts = { files: 0, clean: 0, conflicting: 0, here: 0, conflicts: 0, told: 0 };
	const memory = new Map<string, Buffer>();
	const seen = new Set<string>();
	let batch: RealMerge[] = [];
	for await (const real of realMerges(repository)) {
		if ([real.base, real.ours, real.theirs].some((text) => text.subarray(0, 8000).includes(0))) continue;
		counts.files++;
		batch.push(real);
		if (batch.length === 100) {
			await compareWithGit(batch, counts, evidence);
			batch = [];
		}
		await compareWithPerson(name, real, { counts, memory, seen, evidence });
	}
	await compareWithGit(batch, counts, evidence);
	return (
		`${counts.files} files, ${counts.clean} clean, ${counts.conflicting} in conflict, ${counts.here} decided without git; ` +
		`${counts.conflicts} conflicts, of ${counts.told} it can be told what the person made of them`
	);
}

async function compareWithGit(
	batch: readonly RealMerge[],
	counts: { clean: number; conflicting: number; here: number },
	{ took, unlike }: Evidence,
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
		unlike.push(`unlike git: ${each.commit} ${each.path} (${each.style})`);
	}
}

interface Seen {
	readonly counts: { conflicts: number; told: number };
	readonly memory: Map<string, Buffer>;
	readonly seen: Set<string>;
	readonly evidence: Evidence;
}

async function compareWithPerson(
	name: string,
	real: RealMerge,
	{ counts, memory, seen, evidence }: Seen,
): Promise<void> {
	const { tally, differ } = evidence;
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
		if (kind !== "generated") offer(evidence, hunk, text, real.path);
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

function offer({ offered }: Evidence, hunk: Hunk, text: Buffer, path: string): void {
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
