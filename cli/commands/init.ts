import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Change } from "../../hooks/file-state.ts";
import type { ForeignTool } from "../../hooks/foreign-tool.ts";
import { carryOut, describeChanges, planInstall, planRemoval } from "../../hooks/install.ts";
import { readConfig } from "../../server/config.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UsageError } from "../../server/errors.ts";
import { projectOf } from "../../server/git/project.ts";
import { openRepository, type Repository } from "../../server/git/repository.ts";
import type { Cli } from "../command.ts";
import { thisProgram } from "../this-program.ts";

interface Options {
	readonly remove?: true;
	readonly yes?: true;
	readonly dryRun?: true;
	readonly guardTree?: boolean;
}

export function define(command: Command, cli: Cli): void {
	command
		.option("--remove", "take everything out again, byte for byte")
		.option("--yes", "do not ask")
		.option("--dry-run", "only say what would be done")
		.option("--guard-tree", "also keep what is in a working tree before git destroys it (udo restore)")
		.option("--no-guard-tree", "stop doing that")
		.action(cli.action((options: Options) => init(cli, options)));
}

async function init(cli: Cli, options: Options): Promise<number> {
	const repository = await openRepository(cli.directory);
	if (options.remove === true) {
		const changes = planRemoval(repository);
		if (!(await settle(cli, repository, changes, options))) return 0;
		carryOut(repository, changes, "udo init --remove");
		report(cli, repository, changes, ["udo's hooks are removed; everything else is as it was before"]);
		return 0;
	}
	const plan = await planInstall(repository, thisProgram(), {
		...(options.guardTree !== undefined && { guardTree: options.guardTree }),
	});
	if (plan.kind === "foreign") return explainForeign(cli, plan.tool);
	if (!(await settle(cli, repository, plan.changes, options))) return 0;
	carryOut(repository, plan.changes, "udo init");
	const project = await projectOf(repository, readConfig(cli.environment, repository.worktree).project);
	const behind = plan.kind === "relays" ? [`the hooks in ${showText(plan.original)} run after udo's`] : [];
	report(cli, repository, plan.changes, [
		`hooks installed for all working trees of this clone, project ${project}`,
		...behind,
		"next: udo doctor",
		"to see locks in your editor, let it start `udo lsp` as a language server for all files (README.md)",
	]);
	return 0;
}

/** Whether to go on: not when there is nothing to do, or only to show it. Throws UsageError when nobody can be asked. */
async function settle(
	cli: Cli,
	repository: Repository,
	changes: readonly Change[],
	{ remove, yes, dryRun }: Options,
): Promise<boolean> {
	if (changes.length === 0) {
		const state = remove === true ? "udo has no hooks here" : "the hooks are installed already";
		cli.output.result("init", { changes: [], done: true }, [`nothing to do: ${state}`]);
		return false;
	}
	const lines = describeChanges(repository, changes).map((line) => showText(line));
	if (dryRun === true) {
		cli.output.result("init", { changes: lines, done: false }, ["would do:", ...lines.map((line) => `  ${line}`)]);
		return false;
	}
	if (yes === true) return true;
	for (const line of ["udo will:", ...lines.map((line) => `  ${line}`)]) cli.output.note(line);
	if (!cli.output.interactive || process.stdin.isTTY !== true) {
		throw new UsageError("nobody can be asked here, so nothing was done", {
			next: `udo init ${remove === true ? "--remove " : ""}--yes`,
		});
	}
	const terminal = createInterface({ input: process.stdin, output: process.stderr });
	const answer = await terminal.question("go on? [y/N] ").catch(() => "");
	terminal.close();
	if (/^y(es)?$/i.test(answer.trim())) return true;
	cli.output.note("nothing was done");
	return false;
}

function report(cli: Cli, repository: Repository, changes: readonly Change[], lines: readonly string[]): void {
	const changed = describeChanges(repository, changes).map((line) => showText(line));
	cli.output.result("init", { changes: changed, done: true }, lines);
}

function explainForeign(cli: Cli, tool: ForeignTool): number {
	const { name, config, snippet, isSetUp } = tool;
	const lines = isSetUp
		? [`nothing to do: ${config} calls udo already`]
		: [
				`${name} writes the hooks of this repository, so udo touches nothing. Put this into ${config}:`,
				...snippet,
				`then: ${name} install`,
			];
	cli.output.result("init", { tool: name, config, snippet: snippet.join("\n"), changes: [], done: isSetUp }, lines);
	return 0;
}
