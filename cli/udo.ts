#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import packageFile from "../package.json" with { type: "json" };
import { isPlain, processEnvironment } from "../server/config.ts";
import { onBackgroundFailure } from "../server/coordination/background.ts";
import { UdoError, UsageError } from "../server/errors.ts";
import { type Cli, type CommandModule, interruptions } from "./command.ts";
import { tellLosses } from "./losses.ts";
import { Output } from "./output.ts";

interface Entry {
	readonly name: string;
	readonly group: "Everyday:" | "Setup:" | "hidden";
	readonly summary: string;
	readonly load: () => Promise<CommandModule>;
}

// Each command's code is loaded only when it is called: `udo status` must not pay for the language server.
const entries: readonly Entry[] = [
	{
		name: "status",
		group: "Everyday:",
		summary: "who is here and what is locked",
		load: () => import("./commands/status.ts"),
	},
	{
		name: "lock",
		group: "Everyday:",
		summary: "lock files, directories, branches, databases",
		load: () => import("./commands/lock.ts"),
	},
	{ name: "unlock", group: "Everyday:", summary: "give locks back", load: () => import("./commands/unlock.ts") },
	{
		name: "run",
		group: "Everyday:",
		summary: "run a command while holding locks",
		load: () => import("./commands/run.ts"),
	},
	{
		name: "merge",
		group: "Everyday:",
		summary: "merge what git could not, or three versions of a file",
		load: () => import("./commands/merge.ts"),
	},
	{
		name: "conflicts",
		group: "Everyday:",
		summary: "what is to be settled, in this tree and in the project",
		load: () => import("./commands/conflicts.ts"),
	},
	{
		name: "resolve",
		group: "Everyday:",
		summary: "settle conflicts, one after the other or by flags",
		load: () => import("./commands/resolve.ts"),
	},
	{
		name: "push",
		group: "Everyday:",
		summary: "land your commits on a branch that others push to as well",
		load: () => import("./commands/push.ts"),
	},
	{
		name: "commit",
		group: "Everyday:",
		summary: "commit only what you wrote, in a tree that others share",
		load: () => import("./commands/commit.ts"),
	},
	{
		name: "restore",
		group: "Everyday:",
		summary: "bring back files that a git command destroyed",
		load: () => import("./commands/restore.ts"),
	},
	{ name: "watch", group: "Everyday:", summary: "show what happens, live", load: () => import("./commands/watch.ts") },
	{ name: "log", group: "Everyday:", summary: "show who did what, and when", load: () => import("./commands/log.ts") },
	{
		name: "init",
		group: "Setup:",
		summary: "protect this repository with git hooks",
		load: () => import("./commands/init.ts"),
	},
	{
		name: "doctor",
		group: "Setup:",
		summary: "check that everything works",
		load: () => import("./commands/doctor.ts"),
	},
	{
		name: "verify",
		group: "Setup:",
		summary: "refuse a push that changes what others have locked, on a server or in CI",
		load: () => import("./commands/verify.ts"),
	},
	{
		name: "config",
		group: "Setup:",
		summary: "show the settings and where they come from",
		load: () => import("./commands/config.ts"),
	},
	{
		name: "switch",
		group: "Setup:",
		summary: "leave this project for another, and come back to it",
		load: () => import("./commands/switch.ts"),
	},
	{
		name: "completion",
		group: "Setup:",
		summary: "print shell completion",
		load: () => import("./commands/completion.ts"),
	},
	{
		name: "lsp",
		group: "hidden",
		summary: "the language server, on stdio",
		load: () => import("./commands/lsp.ts"),
	},
	{
		name: "merge-driver",
		group: "hidden",
		summary: "what git calls to merge a file",
		load: () => import("./commands/merge-driver.ts"),
	},
	{
		name: "mergetool",
		group: "hidden",
		summary: "what git mergetool calls",
		load: () => import("./commands/mergetool.ts"),
	},
	{ name: "hook", group: "hidden", summary: "what a git hook calls", load: () => import("./commands/hook.ts") },
];

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
	const environment = processEnvironment();
	// What follows `--` is a command of its own for `udo run`; for the others it is names that may start with a dash.
	const dashes = argv[0] === "run" ? argv.indexOf("--") : -1;
	const words = dashes === -1 ? argv : argv.slice(0, dashes);
	const options = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
	const output = new Output({ json: options.includes("--json"), plain: isPlain(environment) });
	onBackgroundFailure((error) => output.failure(error));
	process.stdout.on("error", endWhenReaderIsGone);
	const opened: AsyncDisposable[] = [];
	let exitCode = 0;
	try {
		const here = currentDirectory();
		const cli: Cli = {
			output,
			environment,
			directory: here,
			rest: dashes === -1 ? [] : argv.slice(dashes + 1),
			get interrupted() {
				return interruption();
			},
			async open(directory = here) {
				const { openWorkspace } = await import("../server/workspace.ts");
				const workspace = await openWorkspace({ directory, environment });
				opened.push(workspace);
				await tellLosses(workspace, output);
				return workspace;
			},
			action:
				(body) =>
				async (...args) => {
					exitCode = (await body(...args)) ?? 0;
				},
		};
		const called = isBare(words) ? ["status", ...words] : words;
		const program = await createProgram(called, cli);
		await program.parseAsync(called, { from: "user" });
		return exitCode;
	} catch (error) {
		if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : output.failure(usage(error, words));
		return output.failure(error);
	} finally {
		for (const each of opened) await each[Symbol.asyncDispose]();
	}
}

function currentDirectory(): string {
	try {
		return process.cwd();
	} catch (cause) {
		throw new UdoError("the directory you are in is gone", { code: "no_directory", next: "cd", cause });
	}
}

// `udo` alone, or `udo --json`, is `udo status`.
function isBare(words: readonly string[]): boolean {
	return words.every((word) => word === "--json");
}

async function createProgram(words: readonly string[], cli: Cli): Promise<Command> {
	const called = words.find((word) => !word.startsWith("-"));
	const program = new Command("udo")
		.description("Lets terminals, editors and agents share one repository without trampling on each other.")
		.version(packageFile.version)
		.helpCommand(false)
		.exitOverride()
		.configureOutput({ writeErr: () => {} });
	for (const entry of entries) {
		const command = program.command(entry.name, { hidden: entry.group === "hidden" });
		command.summary(entry.summary).description(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`);
		command.helpGroup(entry.group).option("--json", "print one JSON envelope on stdout");
		if (entry.name === called) (await entry.load()).define(command, cli);
	}
	return program;
}

function usage(error: CommanderError, words: readonly string[]): UsageError {
	const [first = "", hint] = error.message.replace(/^error: /, "").split("\n");
	const called = words.find((word) => !word.startsWith("-"));
	const known = entries.find(({ name }) => name === called)?.name;
	return new UsageError(first, {
		...(hint !== undefined && { why: hint.replace(/[()]/g, "") }),
		next: known === undefined ? "udo --help" : `udo ${known} --help`,
		cause: error,
	});
}

let interrupted: AbortController | undefined;

// Only commands that ask for it survive a signal; the others end at once, as the system has it.
function interruption(): AbortSignal {
	if (interrupted === undefined) {
		const controller = new AbortController();
		interrupted = controller;
		for (const signal of interruptions) process.on(signal, () => controller.abort(signal));
	}
	return interrupted.signal;
}

// `udo log | head`: the reader has what it wants.
function endWhenReaderIsGone(error: Error & { code?: string }): void {
	if (error.code === "EPIPE") process.exit(0);
	throw error;
}
