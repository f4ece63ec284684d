import type { Command } from "commander";
import { keepTree } from "../../hooks/fsmonitor.ts";
import { postCheckout } from "../../hooks/post-checkout.ts";
import { preCommit } from "../../hooks/pre-commit.ts";
import { prePush, readUpdates } from "../../hooks/pre-push.ts";
import { preRebase } from "../../hooks/pre-rebase.ts";
import { referenceTransaction } from "../../hooks/reference-transaction.ts";
import {
	type CoordinatedPush,
	type HookName,
	hookNames,
	refusedExitCode,
	showNames,
	type Verdict,
} from "../../hooks/verdict.ts";
import { showText } from "../../server/coordination/describe.ts";
import { describeLink } from "../../server/coordination/describe-link.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { openWorkspace, type Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import { readInput } from "../input.ts";
import { pushInstead } from "../push/instead.ts";

// No user waits longer for git because of udo, whatever hangs.
const limitMs = 5000;

// Apart from what would be lost for good.
const keepLimitMs = 60_000;

export function define(command: Command, cli: Cli): void {
	command
		.argument("<name>", hookNames.join(", "))
		.argument("[args...]", "what git gave the hook")
		.action(cli.action((name: string, args: readonly string[]) => runHook(cli, name, args)));
}

/** What a hook needs of the command line. */
type HookCli = Pick<Cli, "output" | "environment" | "directory">;

/** Guards what git is about to do, and ends the process with the answer: 0, or `refusedExitCode`. */
export async function runHook(cli: HookCli, name: string, args: readonly string[]): Promise<never> {
	if (name === "fsmonitor") return keep(cli, args);
	const known = hookNames.find((each) => each === name);
	if (known === undefined) {
		throw new UsageError(`udo guards no hook ${showText(JSON.stringify(name), 40)}`, { next: "udo hook --help" });
	}
	let overtime: NodeJS.Timeout | undefined;
	const limit = new Promise<never>((_, reject) => {
		overtime = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
	});
	const answer = new Answer();
	try {
		await Promise.race([guard(cli, known, args, answer), limit]);
	} catch (error) {
		if (answer.exitCode === undefined) answer.exitCode = passUnguarded(cli, error);
		else noteFault(cli, error, "the log of udo is not complete");
	}
	clearTimeout(overtime);
	if (answer.instead !== undefined) await pushInstead(cli, answer.instead);
	// Not by returning: whatever hangs would keep the process, and with it git.
	return process.exit(answer.exitCode);
}

// git is not stopped whatever comes of it: it takes no answer for a veto here.
async function keep(cli: HookCli, [words = ""]: readonly string[]): Promise<never> {
	const overtime = setTimeout(() => {
		cli.output.note(`udo: no answer within ${keepLimitMs / 1000} s; what is in this working tree was not kept`);
		process.exit(1);
	}, keepLimitMs);
	try {
		const missing = await keepTree(cli.directory, cli.environment, words);
		if (missing.length > 0)
			cli.output.note(`udo: not kept: ${showNames(missing)} (cannot be read, or the disk is full)`);
	} catch (error) {
		noteFault(cli, error, "what is in this working tree was not kept");
	}
	clearTimeout(overtime);
	return process.exit(0);
}

/** The exit code, from the moment the verdict is known: what fails or hangs after that does not change it. */
class Answer {
	exitCode: number | undefined;
	instead: CoordinatedPush | undefined;
}

// A conflict that is proven stops git; a fault of udo does not, unless UDO_STRICT=1 asks for that.
async function guard(cli: HookCli, name: HookName, args: readonly string[], answer: Answer): Promise<void> {
	const input = name === "pre-push" || name === "reference-transaction" ? await whatGitWrote() : "";
	await using workspace = await openWorkspace({
		directory: cli.directory,
		environment: cli.environment,
		insideHook: true,
	});
	const { config, coordinator, store } = workspace;
	if (config.skippedBy !== undefined) {
		answer.exitCode = 0;
		await coordinator.log({ type: "guard_skipped", hook: name, variable: config.skippedBy });
		await store.count({ udo_hook_runs_total: 1, udo_hook_skips_total: 1 });
		return;
	}
	const verdict = await decide(cli, workspace, name, args, input);
	const isRefused = verdict.refusals.length > 0;
	answer.exitCode = isRefused ? refusedExitCode : 0;
	const degraded = describeLink(store.link());
	if (degraded !== undefined) cli.output.note(`udo: ${degraded}`);
	for (const warning of verdict.warnings) cli.output.note(`udo: ${warning}`);
	answer.instead = verdict.instead;
	for (const refusal of verdict.refusals) {
		if (verdict.instead === undefined) cli.output.failure(refusal);
		else cli.output.note(`udo: ${showText(refusal.message)}; running udo push in its place (push.auto)`);
	}
	await store.count({ udo_hook_runs_total: 1, ...(isRefused && { udo_hook_refusals_total: 1 }) });
	if (isRefused) await coordinator.log({ type: "guard_refused", hook: name, paths: verdict.refused.slice(0, 100) });
}

function decide(
	cli: HookCli,
	workspace: Workspace,
	name: HookName,
	args: readonly string[],
	input: string,
): Promise<Verdict> {
	switch (name) {
		case "pre-commit":
		case "pre-merge-commit":
			return preCommit(workspace, name, cli.environment);
		case "pre-push": {
			const [remote = "", url = ""] = args;
			return prePush(workspace, remote || url, readUpdates(input, cli.environment), cli.environment);
		}
		case "pre-rebase":
			return preRebase(workspace, args, cli.environment);
		case "reference-transaction":
			return referenceTransaction(workspace, input, cli.environment);
		case "post-checkout":
			return postCheckout(workspace);
	}
}

function passUnguarded(cli: HookCli, error: unknown): number {
	const isStrict = cli.environment["UDO_STRICT"] === "1";
	noteFault(cli, error, isStrict ? "UDO_STRICT=1 stops git" : "git goes on unguarded");
	return isStrict ? refusedExitCode : 0;
}

function noteFault(cli: HookCli, error: unknown, effect: string): void {
	const what = error instanceof Error ? error.message : String(error);
	const next = error instanceof UdoError && error.next !== undefined ? error.next : "udo doctor";
	cli.output.note(`udo: ${showText(what)}; ${effect} (next: ${next})`);
}

// Whoever tries a hook by hand is not waited for.
async function whatGitWrote(): Promise<string> {
	return process.stdin.isTTY ? "" : (await readInput()).toString();
}
