import { join } from "node:path";
import type { Command } from "commander";
import { openConflicts } from "../../server/conflicts.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import type { Cli } from "../command.ts";
import type { Choice } from "../resolve/choice.ts";
import { chooseIn, type Settled } from "../resolve/choose.ts";
import { concludeInterrupted } from "../resolve/conclude.ts";
import { type ChoiceFlags, choiceOf, namedIn } from "../resolve/flags.ts";
import { gitFailed } from "../resolve/git-failure.ts";
import { type OpenFile, openFile, selected, type TextFile } from "../resolve/open-files.ts";
import { here, isTerminal, openPlace, type Place, refreshed, repositoryPath } from "../resolve/place.ts";
import { findRecorded, looksLikeId } from "../resolve/recorded.ts";
import { pathOf } from "../resolve/records.ts";
import { resolveRecorded } from "../resolve/resolve-recorded.ts";
import { count, describeFile, describeHunk, describeOperation, pathWord } from "../resolve/show.ts";
import { undoStep } from "../resolve/undo.ts";
import { type WalkItem, walk } from "../resolve/walk.ts";
import { takeWhole, type WholeChoice } from "../resolve/whole.ts";

interface Options extends ChoiceFlags {
	readonly hunk?: string;
	readonly identical?: true;
	readonly undo?: true;
	readonly done?: true;
	readonly print?: string;
}

export function define(command: Command, cli: Cli): void {
	command
		.argument("[what...]", "conflicted files or directories, or the id of a recorded conflict; none: all")
		.option(
			"--ours",
			"what is on the branch you are on (in a rebase: what you rebase onto); `udo resolve ID` says whose it is there",
		)
		.option("--theirs", "what is being merged, picked or replayed; of a recorded conflict: see --ours")
		.option("--both [order]", "one after the other: ours-first (default) or theirs-first")
		.option("--candidate <n>", "the n-th of the candidates that `udo resolve PATH` lists")
		.option("--file <file>", "what is in this file, - for stdin; without --hunk the whole file")
		.option("--hunk <n>", "only the n-th conflict that is open in the file, or the one that --json names so")
		.option("--identical", "with --hunk: also wherever else in these files both sides are the same")
		.option("--undo", "take back the last choice, byte for byte")
		.option("--done", "a recorded conflict is settled, by whatever means")
		.option("--print <side>", "of a recorded conflict: print its text of base, ours or theirs")
		.action(cli.action((what: readonly string[], options: Options) => resolve(cli, what, options).catch(gitFailed)));
}

async function resolve(cli: Cli, what: readonly string[], options: Options): Promise<number> {
	const choice = await choiceOf(cli, what, options);
	const place = await openPlace(cli);
	for (const path of await concludeInterrupted(place)) cli.output.note(`staged ${showText(path)}, as it was left`);
	const now = await refreshed(place);
	const [id] = what;
	if (id !== undefined && looksLikeId(id)) return byId(cli, now, id, what, choice, options);
	if (options.done === true || options.print !== undefined) {
		throw new UsageError("--done and --print need the id of a recorded conflict", { next: "udo conflicts" });
	}
	return byPath(cli, now, what, choice, options);
}

async function byPath(
	cli: Cli,
	place: Place,
	what: readonly string[],
	choice: Choice | undefined,
	options: Options,
): Promise<number> {
	if (options.undo === true) return undo(cli, place, what);
	if (choice !== undefined) return choose(cli, place, what, choice, options);
	if (options.hunk !== undefined || options.identical === true) {
		throw new UsageError("--hunk says where, but not what", {
			next: `udo resolve ${namedIn(what)} --hunk ${showText(options.hunk ?? "N", 40)} --ours`,
		});
	}
	return look(cli, place, what);
}

async function byId(
	cli: Cli,
	place: Place,
	id: string,
	what: readonly string[],
	choice: Choice | undefined,
	options: Options,
): Promise<number> {
	const { workspace } = place;
	if (what.length > 1)
		throw new UsageError("one recorded conflict at a time", { next: `udo resolve ${showText(id, 80)}` });
	if (workspace === undefined) {
		throw new UdoError("the store cannot be used", { code: "store_unavailable", exitCode: 6, next: "udo doctor" });
	}
	// What is over is not to be settled once more.
	await openConflicts(workspace, cli.environment);
	const recorded = await findRecorded(workspace, id);
	const { conflict } = recorded;
	const unmerged = conflict.resolution === undefined ? pathOf(place, conflict) : undefined;
	if (unmerged === undefined || options.done === true || options.print !== undefined) {
		return resolveRecorded(cli, place, workspace, recorded, choice, options);
	}
	return byPath(cli, place, [join(place.repository.worktree, unmerged.path)], choice, options);
}

function look(cli: Cli, place: Place, what: readonly string[]): Promise<number> {
	return isTerminal(cli) && place.unmerged.length > 0 ? walkThrough(cli, place, what) : list(cli, place, what);
}

async function walkThrough(cli: Cli, place: Place, what: readonly string[]): Promise<number> {
	const items: WalkItem[] = [];
	for (const unmerged of selected(place, cli.directory, what))
		items.push(itemOf(place, await openFile(place, unmerged)));
	const end = await walkItems(cli, place, items);
	const left = await refreshed(place);
	cli.output.result("resolve", {}, ["", ...(end === "quit" ? ["what was settled stays so"] : []), nextLine(left)]);
	return left.unmerged.length === 0 ? 0 : 5;
}

function walkItems(cli: Cli, { repository }: Place, items: readonly WalkItem[]): Promise<"done" | "quit"> {
	const { output, environment } = cli;
	return walk(items, { output, editing: { directory: repository.worktree, environment } });
}

function itemOf(place: Place, file: OpenFile): WalkItem {
	const { path } = file.unmerged;
	if (file.kind === "text" && (file.reading.hunks.length > 0 || file.reading.stray.length > 0)) {
		return { kind: "text", target: file.target };
	}
	const undo = () => undoStep(place, [path]);
	if (file.kind === "whole") {
		const take = (side: WholeChoice) => takeWhole(place, file.unmerged, side);
		return { kind: "whole", path, what: file.what, sides: ["ours", "theirs"], take, undo };
	}
	const take = () => takeWhole(place, file.unmerged, "as it is");
	return { kind: "whole", path, what: "no conflict markers are left in it", sides: ["as it is"], take, undo };
}

async function list(cli: Cli, place: Place, what: readonly string[]): Promise<number> {
	const files: OpenFile[] = [];
	for (const unmerged of selected(place, cli.directory, what)) files.push(await openFile(place, unmerged));
	const lines: string[] = [];
	for (const file of files) {
		lines.push(...describeFile(file, { from: here(cli, place) }));
		if (file.kind === "whole" || what.length === 0) continue;
		const { target, reading } = file;
		for (const hunk of reading.hunks) lines.push(...(await describeHunk(cli.output, target, reading, hunk)));
	}
	const title = `${describeOperation(place.operation)}: ${files.length === 1 ? "1 file" : `${files.length} files`} to settle`;
	const none = place.unmerged.length > 0 ? [] : [nothingLeft(place)];
	cli.output.result("resolve", forJson(place, files), files.length === 0 ? none : [cli.output.bold(title), ...lines]);
	return files.length === 0 ? 0 : 5;
}

async function choose(
	cli: Cli,
	place: Place,
	what: readonly string[],
	choice: Choice,
	options: Options,
): Promise<number> {
	if (what.length === 0) {
		throw new UsageError("nothing was named to settle", { why: ". means every conflicted file.", next: "udo resolve" });
	}
	const files: OpenFile[] = [];
	for (const unmerged of selected(place, cli.directory, what)) files.push(await openFile(place, unmerged));
	const settled = await chooseIn(place, files, choice, { ...options, from: here(cli, place) });
	const left = await refreshed(place);
	const still = new Set(left.unmerged.map(({ path }) => path));
	const lines = settled.map(({ path, conflicts }) => {
		const staged = still.has(path) ? "" : ", staged";
		return `${showText(path)}: ${conflicts === 0 ? "settled" : `${count(conflicts)} settled`}${staged}`;
	});
	const data = { settled: settled.map((each) => ({ ...each, staged: !still.has(each.path) })), ...forJson(left, []) };
	cli.output.result("resolve", data, [...lines, ...undoLine(cli, place, settled), nextLine(left)]);
	return 0;
}

async function undo(cli: Cli, place: Place, what: readonly string[]): Promise<number> {
	const paths = what.map((typed) => repositoryPath(place, cli.directory, typed));
	const undone = await undoStep(place, paths);
	const data = { undone: undone === undefined ? null : { path: undone.path, what: undone.what } };
	const line = undone === undefined ? "nothing to undo" : `undone in ${showText(undone.path)}: ${undone.what}`;
	cli.output.result("resolve", data, [line]);
	return 0;
}

function undoLine(cli: Cli, place: Place, settled: readonly Settled[]): readonly string[] {
	const [first, ...others] = settled;
	if (first === undefined) return [];
	const word = others.length === 0 ? pathWord(first.path, here(cli, place)) : "PATH";
	return [`udo resolve --undo ${word} takes ${others.length === 0 ? "that" : "one of them"} back`];
}

function nothingLeft({ operation }: Place): string {
	const isOver = operation.kind === "stash" || operation.kind === "other";
	return isOver ? "no conflicts" : `no conflicts are left; next: ${operation.next}`;
}

function nextLine({ unmerged, operation }: Place): string {
	if (unmerged.length === 0) return `nothing is left to settle; next: ${operation.next}`;
	const files = unmerged.length === 1 ? "1 file" : `${unmerged.length} files`;
	return `${files} left to settle; next: udo resolve`;
}

function forJson({ operation, unmerged }: Place, files: readonly OpenFile[]): object {
	return {
		operation: operation.kind,
		commit: operation.theirs ?? null,
		open: unmerged.map(({ path }) => path),
		files: files.map((file) =>
			file.kind === "whole"
				? { path: file.unmerged.path, kind: file.kind, what: file.what }
				: {
						path: file.unmerged.path,
						kind: file.kind,
						note: file.note ?? null,
						hunks: file.reading.hunks.map(hunkForJson),
					},
		),
		next: unmerged.length === 0 ? operation.next : "udo resolve",
	};
}

function hunkForJson({
	number,
	name,
	line,
	ours,
	base,
	theirs,
	candidates,
}: TextFile["reading"]["hunks"][number]): object {
	return {
		number,
		name,
		line,
		ours: ours.toString(),
		base: base?.toString() ?? null,
		theirs: theirs.toString(),
		candidates: candidates.map(({ name, text }, i) => ({ number: i + 1, name, text: text.toString() })),
	};
}
