import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import type { Repository } from "../../server/git/repository.ts";
import { type Restored, restore, workOf } from "../../server/git/snapshot/restore.ts";
import { type Snapshot, Snapshots } from "../../server/git/snapshot/snapshot.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Cli } from "../command.ts";

// More than that nobody reads, and each costs a comparison.
const mostListed = 20;

interface Options {
	readonly staged?: true;
}

export function define(command: Command, cli: Cli): void {
	command
		.argument("[number]", "which snapshot, by its number in the list or its id; none: list them")
		.argument("[paths...]", "only these files and directories")
		.option("--staged", "stage again what was staged then, too")
		.addHelpText(
			"after",
			"\nA file that was changed after the snapshot stays as it is, and the old one is written beside it.\nSnapshots are made before git commands that may destroy work: udo init --guard-tree.",
		)
		.action(
			cli.action((which: string | undefined, paths: readonly string[], options: Options) =>
				which === undefined ? list(cli) : bringBack(cli, which, paths, options),
			),
		);
}

async function list(cli: Cli): Promise<number> {
	const { repository } = await cli.open();
	const snapshots = new Snapshots(repository, cli.environment);
	const here = await snapshots.here();
	const shown = here.slice(0, mostListed);
	const data = [];
	for (const [i, snapshot] of shown.entries()) {
		data.push({ number: i + 1, ...snapshot, ...(await workOf(snapshots.git, snapshot)) });
	}
	const rows = data.map(({ number, commit, at, actor, session, before, files, differs }) => [
		String(number),
		commit.slice(0, 8),
		`${showDuration(Date.now() - at)} ago`,
		`${showText(actor, 40)} (${showText(session, 64)})`,
		`before ${showText(before, 60)}`,
		files === 1 ? "1 file" : `${files} files`,
		differs.length === 0 ? "all as it was" : `differs now: ${some(differs)}`,
	]);
	const more = here.length > shown.length ? [`and ${here.length - shown.length} older ones`] : [];
	const lines =
		rows.length === 0 ? ["no snapshots of this working tree (udo init --guard-tree)"] : cli.output.table(rows);
	cli.output.result("restore", { snapshots: data, count: here.length }, [...lines, ...more]);
	return 0;
}

async function bringBack(cli: Cli, which: string, typed: readonly string[], options: Options): Promise<number> {
	const { repository } = await cli.open();
	const snapshots = new Snapshots(repository, cli.environment);
	const snapshot = choose(await snapshots.here(), which);
	const paths = typed.map((path) => inside(repository, cli.directory, path));
	const restored = await restore(snapshots.git, snapshot, { paths, staged: options.staged === true });
	cli.output.result("restore", { snapshot: snapshot.commit, ...restored }, describe(restored));
	return restored.blocked.length + restored.failed.length > 0 ? 5 : 0;
}

function choose(here: readonly Snapshot[], which: string): Snapshot {
	const byNumber = /^\d{1,3}$/.test(which) ? here[Number(which) - 1] : undefined;
	const found =
		byNumber ?? (/^[0-9a-f]{6,64}$/.test(which) ? here.find(({ commit }) => commit.startsWith(which)) : undefined);
	if (found !== undefined) return found;
	throw new UsageError(`there is no snapshot ${showText(which, 40)} of this working tree`, { next: "udo restore" });
}

// A path that is gone from disk is what this is for, so it need not exist; `src` and `src/` both mean all that is in it.
function inside({ worktree }: Repository, directory: string, typed: string): string {
	const path = relative(worktree, resolve(realpathSync(directory), typed))
		.split(sep)
		.join("/");
	if (path === ".." || path.startsWith("../")) {
		throw new UdoError(`${showText(typed, 80)} is outside this repository`, {
			code: "path_outside",
			next: "udo restore",
		});
	}
	return path;
}

function describe({ written, removed, beside, blocked, failed, staged }: Restored): readonly string[] {
	const lines = [
		...written.slice(0, 50).map((path) => `restored ${showText(path)}`),
		...(written.length > 50 ? [`and ${written.length - 50} more`] : []),
		...removed.slice(0, 50).map((path) => `removed ${showText(path)}, which was deleted then`),
		...(removed.length > 50 ? [`and ${removed.length - 50} more`] : []),
		...beside.map(({ path, copy }) =>
			copy === undefined
				? `kept ${showText(path)}, which was deleted then, but changed since`
				: `kept ${showText(path)}, which changed since; the old one: ${shellWord(copy)}`,
		),
		...blocked.map((path) => `not restored: something else is where ${showText(path)} was; move it away first`),
		...failed.map(({ path, why }) => `not restored: ${showText(path)} (${why})`),
		...staged.map((path) => `staged ${showText(path)}`),
	];
	return lines.length === 0 ? ["nothing to restore: all is as it was"] : lines;
}

function some(paths: readonly string[]): string {
	const shown = paths.slice(0, 3).map((path) => showText(path, 60));
	return paths.length > 3 ? `${shown.join(", ")} and ${paths.length - 3} more` : shown.join(", ");
}
