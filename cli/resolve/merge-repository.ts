import { showText } from "../../server/coordination/describe.ts";
import type { Automatic } from "../../server/merge/piece.ts";
import type { Cli } from "../command.ts";
import { type Attempted, attempt, type Level, textsOf } from "./automatic.ts";
import { concludeInterrupted } from "./conclude.ts";
import { type OpenFile, openFile, type TextFile } from "./open-files.ts";
import { here, openPlace, type Place, refreshed } from "./place.ts";
import { noteAttempt } from "./records.ts";
import { settleText } from "./settle.ts";
import { count, describeFile, describeOperation, pathWord, signedLines } from "./show.ts";
import { undoFrom } from "./undo.ts";

export interface RepositoryMerge {
	readonly level: Level;
	readonly isDry: boolean;
	readonly isExplained: boolean;
}

/** Settles what can be settled without guessing in the conflicted files of the repository. Answers 5 when something is left. */
export async function mergeRepository(cli: Cli, { level, isDry, isExplained }: RepositoryMerge): Promise<number> {
	const start = await openPlace(cli);
	const finished = isDry ? [] : await concludeInterrupted(start);
	const place = await refreshed(start);
	const looks: Look[] = [];
	for (const unmerged of place.unmerged) {
		const look = async (): Promise<Look> => {
			const file = await openFile(place, unmerged, "merge");
			if (file.kind === "whole") return { file, attempted: undefined };
			const attempted = await attempt(place, file, level);
			if (!isDry) await carryOut(place, file, attempted);
			return { file, attempted };
		};
		looks.push(await (isDry ? look() : place.steps.alone(look)));
	}
	const left = looks.filter((look) => !isMerged(look));
	const lines = looks.flatMap((look) => describe(cli, place, look, { level, isDry, isExplained }));
	const from = finished.map((path) => `${showText(path)}: staged, as it was left`);
	const data = {
		...summary(place, looks, isDry),
		finished,
		next: left.length === 0 ? place.operation.next : "udo resolve",
	};
	cli.output.result("merge", data, [
		...title(cli, place),
		...from,
		...lines,
		...closing(place, looks, left, isDry, level),
	]);
	return left.length === 0 ? 0 : 5;
}

/** Takes back what `udo merge` did in the operation that git is in the middle of, in files in which nobody chose anything after it. */
export async function abortMerge(cli: Cli): Promise<number> {
	const place = await openPlace(cli);
	const steps = await place.steps.all();
	const first = new Map(
		steps
			.filter(({ by }) => by === "merge")
			.toReversed()
			.map((step) => [step.path, step]),
	);
	const restored: string[] = [];
	const kept: string[] = [];
	const lines: string[] = [];
	for (const step of first.values()) {
		const { path } = step;
		const word = pathWord(path, here(cli, place));
		const isChosen = steps.some((later) => later.path === path && later.by === "resolve" && later.number > step.number);
		const outcome = isChosen ? "chosen" : await undoFrom(place, step);
		(outcome === "undone" ? restored : kept).push(path);
		const what = {
			undone: "as it was before udo merge",
			chosen: `kept, since you settled more in it after udo merge; udo resolve --undo ${word} takes that back first`,
			changed: `kept, since it was changed after udo merge; git checkout -m -- ${word} begins again`,
		}[outcome];
		lines.push(`${showText(path)}: ${what}`);
	}
	const none = ["nothing to take back: udo merge changed nothing in what git is in the middle of"];
	cli.output.result("merge", { restored, kept }, lines.length === 0 ? none : lines);
	return kept.length === 0 ? 0 : 5;
}

interface Look {
	readonly file: OpenFile;
	/** Undefined where only a side as a whole can be chosen. */
	readonly attempted: Attempted | undefined;
}

async function carryOut(place: Place, file: TextFile, { text, automatic, left }: Attempted): Promise<void> {
	if (text === undefined) return;
	const rules = [...new Set(automatic.map(({ rule }) => rule))].join(", ");
	const what = automatic.length === 0 ? "merged" : `${count(automatic.length)} settled by udo merge (${rules})`;
	await settleText(file.target, file.reading, text, { what });
	if (left > 0) await noteAttempt(place, file.unmerged.path, `${what}; ${left} left`);
}

function isMerged({ attempted }: Look): boolean {
	return attempted?.text !== undefined && attempted.left === 0;
}

function describe(cli: Cli, place: Place, { file, attempted }: Look, how: RepositoryMerge): readonly string[] {
	const from = here(cli, place);
	if (attempted === undefined) return describeFile(file, { from });
	const { automatic, left, regenerate } = attempted;
	const path = showText(file.unmerged.path);
	const explained = how.isExplained ? automatic.flatMap((piece) => explain(cli, piece)) : [];
	const rules = automatic.length === 0 ? "merged clean" : byRule(automatic);
	if (isMerged({ file, attempted })) {
		return [`${path}: ${rules}, ${how.isDry ? "would be staged" : "staged"}`, ...explained];
	}
	const partly = automatic.length === 0 ? [] : [`${path}: ${rules}, ${left} left`];
	const generated = regenerate === undefined ? [] : [`  ${showText(regenerate)}, then git add: it is generated`];
	return [...partly, ...explained, ...(automatic.length === 0 ? describeFile(file, { from }) : []), ...generated];
}

function byRule(automatic: readonly Automatic[]): string {
	const counts = new Map<string, number>();
	for (const { rule } of automatic) counts.set(rule, (counts.get(rule) ?? 0) + 1);
	return `${count(automatic.length)} settled (${[...counts].map(([rule, n]) => (n === 1 ? rule : `${n} × ${rule}`)).join(", ")})`;
}

/** A conflict that a rule settled, with what it was made of. */
export function explain({ output }: Cli, piece: Automatic): readonly string[] {
	const at = piece.ours.line === undefined ? "" : `, line ${piece.ours.line} of ours`;
	const { base, ours, theirs } = textsOf(piece);
	return [
		output.bold(`  ${showText(piece.rule)}${at}`),
		...signedLines(output, "green", "<", ours),
		...signedLines(output, "yellow", "|", base),
		...signedLines(output, "cyan", ">", theirs),
		...signedLines(output, "magenta", "=", piece.text),
	];
}

function title({ output }: Cli, { unmerged, operation }: Place): readonly string[] {
	if (unmerged.length === 0) return ["no conflicts"];
	const files = unmerged.length === 1 ? "1 file" : `${unmerged.length} files`;
	return [output.bold(`${describeOperation(operation)}: ${files} with conflicts`)];
}

function closing(
	{ unmerged, operation }: Place,
	looks: readonly Look[],
	left: readonly Look[],
	isDry: boolean,
	level: Level,
): readonly string[] {
	const touched = !isDry && looks.some(({ attempted }) => attempted?.text !== undefined);
	const back = touched ? ["udo merge --abort takes that back"] : [];
	if (left.length === 0) {
		const isOver = unmerged.length === 0 && ["stash", "other"].includes(operation.kind);
		return isDry || isOver ? [] : [...back, `next: ${operation.next}`];
	}
	const safe = level === "exact" && !looks.every(({ file }) => file.kind === "whole");
	const files = left.length === 1 ? "1 file" : `${left.length} files`;
	return [...back, `${files} left to settle; next: ${safe ? "udo merge --safe, or udo resolve" : "udo resolve"}`];
}

function summary({ operation }: Place, looks: readonly Look[], isDry: boolean): object {
	return {
		operation: operation.kind,
		dryRun: isDry,
		files: looks.map(({ file, attempted }) => ({
			path: file.unmerged.path,
			state: isMerged({ file, attempted }) ? "merged" : file.kind === "whole" ? "whole" : "left",
			what: file.kind === "whole" ? file.what : (file.note ?? null),
			conflicts: attempted?.left ?? null,
			automatic: (attempted?.automatic ?? []).map((piece) => {
				const { base, ours, theirs } = textsOf(piece);
				const texts = { base: base.toString(), ours: ours.toString(), theirs: theirs.toString() };
				return { rule: piece.rule, ...texts, text: piece.text.toString() };
			}),
			regenerate: attempted?.regenerate ?? null,
		})),
	};
}
