import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { showNames } from "../../hooks/verdict.ts";
import { othersHere, type Writer, Writers } from "../../hooks/writers.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { type ChangedFile, changedFiles } from "../../server/git/changed.ts";
import { ownEnvironment } from "../../server/git/plumbing.ts";
import type { Repository } from "../../server/git/repository.ts";
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
	const changed = all.filter(({ path }) => !path.includes("\ufffd"));
	const writers = await Writers.open(workspace, await othersHere(workspace));
	const written: { readonly file: ChangedFile; readonly writer: Writer }[] = [];
	for (const file of changed) written.push({ file, writer: await writers.of(file.path) });
	const pathsOf = (kind: Writer["kind"]) =>
		written.filter(({ writer }) => writer.kind === kind).map(({ file }) => file.path);
	const notes = [
		...noteOn(pathsOf("another"), "written by others here"),
		...noteOn(pathsOf("shared"), "written by you and then by others: git commit -- PATH"),
		...noteOn(
			all.filter((file) => !changed.includes(file)).map(({ path }) => path),
			"whose names are not UTF-8: git commit -- PATH",
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
	const directory = mkdtempSync(join(tmpdir(), "udo-commit-"));
	const list = join(directory, "paths");
	const fresh = files.filter(({ isNew }) => isNew).map(({ path }) => path);
	try {
		writeFileSync(list, files.map(({ path }) => `:(top,literal)${path}\0`).join(""));
		const from = [`--pathspec-from-file=${list}`, "--pathspec-file-nul"];
		if (fresh.length > 0) {
			writeFileSync(join(directory, "fresh"), fresh.map((path) => `:(top,literal)${path}\0`).join(""));
			await repository.run("add", "-N", `--pathspec-from-file=${join(directory, "fresh")}`, "--pathspec-file-nul");
		}
		const before = await repository.ask("rev-parse", "--verify", "-q", "HEAD");
		const code = await runGit(cli, ["commit", "--only", ...from, ...args]);
		// Without a commit, and `--dry-run` makes none and succeeds, nothing is announced any more.
		if ((await repository.ask("rev-parse", "--verify", "-q", "HEAD")) === before) {
			for (const path of fresh) await repository.ask("update-index", "--force-remove", "--", path);
		} else await stageAsCommitted(repository, from);
		return code;
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

// A pre-commit hook that changes and stages files, as lint-staged does, stages them for the commit alone: what is left in the
// index would take the change back.
async function stageAsCommitted(repository: Repository, from: readonly string[]): Promise<void> {
	await repository.ask("reset", "-q", ...from);
}

function runGit({ directory, environment }: Cli, args: readonly string[]): Promise<number> {
	return new Promise((resolve, reject) => {
		const child = spawn("git", args, { cwd: directory, env: ownEnvironment(environment), stdio: "inherit" });
		child.once("error", reject);
		child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
	});
}
