import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { showNames } from "../../hooks/verdict.ts";
import { othersHere, type Writer, Writers } from "../../hooks/writers.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { type ChangedFile, changedFiles } from "../../server/git/changed.ts";
import { runInForeground } from "../../server/git/foreground.ts";
import { lstatIfThere } from "../../server/git/lstat.ts";
import type { Repository } from "../../server/git/repository.ts";
import { Scratch } from "../../server/git/snapshot/scratch.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";

interface Options {
	readonly mine?: true;
}

export function define(command: Command, cli: Cli): void {
	command
		.usage("--mine [git commit options]")
		.argument("[args...]", "options of git commit, such as -m MESSAGE or --amend")
		.option("--mine", "what your editor or agent saved, and what you have or had locked while it changed")
		.allowUnknownOption()
		.addHelpText("after", "\nWhat others have staged stays staged as it is, and yours is committed as it is on disk.")
		.action(cli.action((args: readonly string[], options: Options) => commit(cli, args, options)));
}

async function commit(cli: Cli, args: readonly string[], options: Options): Promise<number> {
	if (options.mine !== true) {
		throw new UsageError("udo commit commits what is yours", { next: "udo commit --mine -m MESSAGE, or git commit" });
	}
	const refusedOption = args.find((each) => /^(-[aiop]|--all|--include|--only|--patch|--pathspec.*|--)$/.test(each));
	if (refusedOption !== undefined) {
		throw new UsageError(`${showText(refusedOption, 40)} and --mine both say what to commit`, { next: "git commit" });
	}
	const workspace = await cli.open();
	const { mine, notes } = await findMine(workspace);
	for (const note of notes) cli.output.note(`udo: ${note}`);
	if (mine.length === 0) {
		throw new UdoError("nothing that changed here is known to be yours", {
			code: "nothing_mine",
			why: "yours is what your editor saved, and what you have locked, or had locked when it changed.",
			next: "udo lock PATH, or git commit -- PATH",
		});
	}
	return commitOnly(cli, workspace, mine, args);
}

async function findMine(
	workspace: Workspace,
): Promise<{ readonly mine: readonly ChangedFile[]; readonly notes: readonly string[] }> {
	const all = await changedFiles(workspace.repository);
	// What git answered is read as UTF-8, and a name that is not cannot be told to git again.
	const named = all.filter(({ path }) => !path.includes("\ufffd"));
	const exchanged = exchangedIn(workspace.repository, named);
	const changed = named.filter(({ path }) => !exchanged.has(path));
	const writers = await Writers.open(workspace, await othersHere(workspace));
	const written: { readonly file: ChangedFile; readonly writer: Writer }[] = [];
	for (const file of changed) written.push({ file, writer: await writers.of(file.path) });
	const pathsOf = (kind: Writer["kind"]) =>
		written.filter(({ writer }) => writer.kind === kind).map(({ file }) => file.path);
	const notes = [
		...noteOn(pathsOf("another"), "written by others here"),
		...noteOn(pathsOf("shared"), "written by you and then by others: git commit -- PATH"),
		...noteOn(
			all.filter((file) => !named.includes(file)).map(({ path }) => path),
			"whose names are not UTF-8: git commit -- PATH",
		),
		...noteOn(
			[...exchanged],
			"where a directory took the place of a file, or a file that of a directory: git add PATH",
		),
		...noteOn(pathsOf("unknown"), "written by nobody that udo knows: git commit -- PATH"),
	];
	return { mine: written.filter(({ writer }) => writer.kind === "mine").map(({ file }) => file), notes };
}

function noteOn(paths: readonly string[], why: string): readonly string[] {
	return paths.length === 0 ? [] : [`left out ${showNames(paths)}, ${why}`];
}

/**
 * `git commit --only` does it: the commit is made of HEAD and these files, and of the index no other entry changes. It does not
 * take files that git does not know, so those are announced first, and no longer when there was no commit.
 */
async function commitOnly(
	cli: Cli,
	{ repository }: Workspace,
	files: readonly ChangedFile[],
	args: readonly string[],
): Promise<number> {
	using scratch = new Scratch(repository);
	const list = join(scratch.directory, "paths");
	const fresh = files.filter(({ isNew }) => isNew).map(({ path }) => path);
	writeFileSync(list, files.map(({ path }) => `:(top,literal)${path}\0`).join(""));
	const from = [`--pathspec-from-file=${list}`, "--pathspec-file-nul"];
	// From here on udo does not end before git has.
	const { directory, environment, interrupted } = cli;
	if (fresh.length > 0) {
		const announced = join(scratch.directory, "fresh");
		writeFileSync(announced, fresh.map((path) => `:(top,literal)${path}\0`).join(""));
		await repository.run("add", "-N", `--pathspec-from-file=${announced}`, "--pathspec-file-nul");
	}
	const before = await repository.ask("rev-parse", "--verify", "-q", "HEAD");
	const code = await runInForeground({ directory, environment, interrupted }, ["commit", "--only", ...from, ...args]);
	// Without a commit, and `--dry-run` makes none and succeeds, nothing is announced any more.
	if ((await repository.ask("rev-parse", "--verify", "-q", "HEAD")) === before) {
		for (const path of fresh) await repository.ask("update-index", "--force-remove", "--", path);
	} else await stageAsCommitted(repository, from);
	return code;
}

// git refuses to commit these by their names, and announcing a new one takes the other out of the index. A submodule is a
// directory as well.
function exchangedIn({ worktree }: Repository, files: readonly ChangedFile[]): ReadonlySet<string> {
	const paths = new Set(files.map(({ path }) => path));
	const exchanged = new Set<string>();
	for (const path of paths) {
		const above = parentsOf(path).filter((parent) => paths.has(parent));
		for (const each of above.length === 0 ? [] : [path, ...above]) exchanged.add(each);
		const full = join(worktree, path);
		if (lstatIfThere(full)?.isDirectory() === true && !existsSync(join(full, ".git"))) exchanged.add(path);
	}
	return exchanged;
}

function parentsOf(path: string): readonly string[] {
	const names = path.split("/");
	return names.slice(1).map((_, i) => names.slice(0, i + 1).join("/"));
}

// A pre-commit hook that changes and stages files, as lint-staged does, stages them for the commit alone: what is left in the
// index would take the change back.
async function stageAsCommitted(repository: Repository, from: readonly string[]): Promise<void> {
	await repository.ask("reset", "-q", ...from);
}
