import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { describeChanges, listChanges } from "../../hooks/install/describe-changes.ts";
import type { Change } from "../../hooks/install/file-state.ts";
import type { ForeignTool } from "../../hooks/install/foreign-tool.ts";
import { carryOut, planInstall, planRemoval } from "../../hooks/install/install.ts";
import { carryOutDriver, driverLevels, planDriverRemoval, planMergeDriver } from "../../hooks/install/merge-driver.ts";
import { readConfig } from "../../server/config.ts";
import { showText } from "../../server/coordination/describe.ts";
import type { ProjectId } from "../../server/coordination/session.ts";
import { UsageError } from "../../server/errors.ts";
import { projectOf } from "../../server/git/project.ts";
import { openRepository, type Repository } from "../../server/git/repository.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Cli } from "../command.ts";
import { thisDriver, thisProgram } from "../this-program.ts";

interface Options {
	readonly remove?: true;
	readonly yes?: true;
	readonly dryRun?: true;
	readonly guardTree?: boolean;
	/** A level, or true for the default one; false to take it out. */
	readonly mergeDriver?: string | boolean;
}

export function define(command: Command, cli: Cli): void {
	command
		.option("--remove", "take everything out again, byte for byte")
		.option("--yes", "do not ask")
		.option("--dry-run", "only say what would be done")
		.option("--guard-tree", "also keep what is in a working tree before git destroys it (udo restore)")
		.option("--no-guard-tree", "stop doing that")
		.option(
			"--merge-driver [level]",
			"let git merge files with udo: exact (as git does; default) or safe (with its rules)",
		)
		.option("--no-merge-driver", "stop doing that")
		.action(cli.action((options: Options) => init(cli, options)));
}

async function init(cli: Cli, options: Options): Promise<number> {
	const repository = await openRepository(cli.directory);
	if (options.remove === true) {
		const driver = planDriverRemoval(repository);
		const changes = together(planRemoval(repository), driver);
		if (!(await settle(cli, repository, changes, options))) return 0;
		carryOutDriver(driver, "udo init --remove");
		carryOut(repository, planRemoval(repository), "udo init --remove");
		report(cli, repository, changes, [
			"udo's hooks are removed; everything else is as it was before",
			...(await snapshotsLeft(repository)),
		]);
		return 0;
	}
	const plan = await planInstall(repository, thisProgram(cli.environment), {
		...(options.guardTree !== undefined && { guardTree: options.guardTree }),
	});
	const planDriver = () => driverChanges(cli, repository, options.mergeDriver);
	const driver = await planDriver();
	if (plan.kind === "foreign") return initBeside(cli, repository, plan.tool, driver, options);
	const changes = together(plan.changes, driver);
	if (!(await settle(cli, repository, changes, options))) return 0;
	carryOut(repository, plan.changes, "udo init");
	carryOutDriver(await planDriver(), "udo init");
	const config = readConfig(cli.environment, repository.worktree);
	const project = await projectOf(repository, config.project);
	if (config.redis !== undefined) await noteTeam(config.stateDirectory, project);
	const behind = plan.kind === "in place" ? [] : [`the hooks in ${showText(plan.original)} run after udo's`];
	report(cli, repository, changes, [
		`hooks installed for all working trees of this clone, project ${project}`,
		...behind,
		...extras(options),
		"next: udo doctor",
		"to see locks in your editor, let it start `udo lsp` as a language server for all files (README.md)",
	]);
	return 0;
}

// What was asked for beside the hooks.
function extras({ guardTree, mergeDriver }: Options): readonly string[] {
	const guard = guardTree === true ? "is kept before git destroys it: udo restore" : "is not kept any more";
	const driver =
		mergeDriver === false
			? "git merges files by itself"
			: `git merges files with udo (${mergeDriver === true ? "exact" : showText(mergeDriver ?? "")})`;
	return [
		...(guardTree === undefined ? [] : [`what is in the working trees ${guard}`]),
		...(mergeDriver === undefined ? [] : [driver]),
	];
}

// Somebody's work may be in them, so nobody but a person deletes them.
async function snapshotsLeft(repository: Repository): Promise<readonly string[]> {
	const refs = await repository.run("for-each-ref", "--format=%(refname)", "refs/udo/");
	if (refs.trim() === "") return [];
	return [
		"what udo kept of the working trees is still under refs/udo; to delete it:",
		"  git for-each-ref --format='delete %(refname)' refs/udo/ | git update-ref --stdin",
	];
}

// From the first git command on, also where this is the first that this machine sees of the team.
async function noteTeam(directory: string, project: ProjectId): Promise<void> {
	await using store = await openLocalStore({ directory });
	store.setTeam(project, true);
}

// Both may be about git's config: for people that is one change.
function together(hooks: readonly Change[], driver: readonly Change[]): readonly Change[] {
	return [...hooks, ...driver.filter(({ path }) => !hooks.some((change) => change.path === path))];
}

async function driverChanges(
	cli: Cli,
	repository: Repository,
	wanted: string | boolean | undefined,
): Promise<readonly Change[]> {
	if (wanted === undefined) return [];
	if (wanted === false) return planDriverRemoval(repository);
	const level = driverLevels.find((each) => each === (wanted === true ? "exact" : wanted));
	if (level === undefined) {
		throw new UsageError(`there is no level ${showText(String(wanted), 40)}`, {
			why: `there are ${driverLevels.join(" and ")}.`,
			next: "udo init --merge-driver=safe",
		});
	}
	return planMergeDriver(repository, thisDriver(cli.environment), level);
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
	const list = dryRun === true ? listChanges : describeChanges;
	const lines = list(repository, changes).map((line) => showText(line));
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

/** Beside a tool that writes the hooks itself only the merge driver can be installed; the hooks are for a person to call. */
async function initBeside(
	cli: Cli,
	repository: Repository,
	tool: ForeignTool,
	driver: readonly Change[],
	options: Options,
): Promise<number> {
	if (options.guardTree === true) {
		throw new UsageError(`--guard-tree cannot be installed beside ${tool.name}`, {
			why: "it needs hooks of udo's own, which git has from version 2.54 on.",
			next: "udo init, with a newer git, or without --guard-tree",
		});
	}
	const isDry = options.dryRun === true;
	if (driver.length > 0 && !isDry) {
		if (!(await settle(cli, repository, driver, options))) return 0;
		carryOutDriver(driver, "udo init");
	}
	const list = isDry ? listChanges : describeChanges;
	const changes = list(repository, driver).map((line) => showText(line));
	const { name, config, snippet, missing, unguarded } = tool;
	const isSetUp = missing.length === 0;
	const lines = isSetUp
		? [changes.length === 0 ? `nothing to do: ${config} calls udo already` : `${config} calls udo already`]
		: [
				`${name} writes the hooks of this repository, so udo touches none of them. Put this into ${config}:`,
				...snippet,
				`then: ${name} install`,
				...(unguarded === undefined ? [] : [unguarded]),
			];
	const found = { tool: name, config, snippet: snippet.join("\n"), missing, changes, done: isSetUp && !isDry };
	const done = changes.length > 0 && isDry ? ["would do:", ...changes.map((line) => `  ${line}`)] : changes;
	cli.output.result("init", found, [...done, ...lines]);
	return 0;
}
