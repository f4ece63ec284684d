import type { Command } from "commander";
import { preCommit } from "../../hooks/pre-commit.ts";
import { prePush, readUpdates } from "../../hooks/pre-push.ts";
import { type HookName, hookNames, refusedExitCode, type Verdict } from "../../hooks/verdict.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { openWorkspace, type Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";

// No user waits longer for git because of udo, whatever hangs.
const limitMs = 5000;

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
	const known = hookNames.find((each) => each === name);
	if (known === undefined) throw new UsageError(`udo guards no hook ${showText(JSON.stringify(name), 40)}`);
	let overtime: NodeJS.Timeout | undefined;
	const limit = new Promise<number>((resolve) => {
		overtime = setTimeout(
			() => resolve(passUnguarded(cli, new Error(`no answer within ${limitMs / 1000} s`))),
			limitMs,
		);
	});
	const answer = await Promise.race([guard(cli, known, args), limit]);
	clearTimeout(overtime);
	// Not by returning: whatever hangs would keep the process, and with it git.
	return process.exit(answer);
}

// A conflict that is proven stops git; a fault of udo does not, unless UDO_STRICT=1 asks for that.
async function guard(cli: HookCli, name: HookName, args: readonly string[]): Promise<number> {
	try {
		const input = name === "pre-push" ? await standardInput() : "";
		await using workspace = await openWorkspace({
			directory: cli.directory,
			environment: cli.environment,
			insideHook: true,
		});
		return await decide(cli, workspace, name, args, input);
	} catch (error) {
		return passUnguarded(cli, error);
	}
}

async function decide(
	cli: HookCli,
	workspace: Workspace,
	name: HookName,
	[remote = "", url = ""]: readonly string[],
	input: string,
): Promise<number> {
	const { config, coordinator, store } = workspace;
	if (config.skippedBy !== undefined) {
		await coordinator.log({ type: "guard_skipped", hook: name, variable: config.skippedBy });
		await store.count({ udo_hook_runs_total: 1, udo_hook_skips_total: 1 });
		return 0;
	}
	const verdict: Verdict =
		name === "pre-push"
			? await prePush(workspace, remote || url, readUpdates(input, cli.environment))
			: await preCommit(workspace, name, cli.environment);
	for (const warning of verdict.warnings) cli.output.note(`udo: ${warning}`);
	const isRefused = verdict.refusals.length > 0;
	for (const refusal of verdict.refusals) cli.output.failure(refusal);
	await store.count({ udo_hook_runs_total: 1, ...(isRefused && { udo_hook_refusals_total: 1 }) });
	if (isRefused) await coordinator.log({ type: "guard_refused", hook: name, paths: verdict.refused.slice(0, 100) });
	return isRefused ? refusedExitCode : 0;
}

function passUnguarded(cli: HookCli, error: unknown): number {
	const isStrict = cli.environment["UDO_STRICT"] === "1";
	const what = error instanceof Error ? error.message : String(error);
	const next = error instanceof UdoError && error.next !== undefined ? error.next : "udo doctor";
	const effect = isStrict ? "UDO_STRICT=1 stops git" : "git goes on unguarded";
	cli.output.note(`udo: ${showText(what)}; ${effect} (next: ${next})`);
	return isStrict ? refusedExitCode : 0;
}

async function standardInput(): Promise<string> {
	if (process.stdin.isTTY) return "";
	const chunks: Buffer[] = [];
	for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString("utf8");
}
