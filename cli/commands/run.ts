import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "commander";
import { claim } from "../../server/coordination/claim.ts";
import { machineClock } from "../../server/coordination/clock.ts";
import { newRequestId, thisProcess } from "../../server/coordination/coordinator.ts";
import { showText } from "../../server/coordination/describe.ts";
import { Lease } from "../../server/coordination/lease.ts";
import { identifyProcess } from "../../server/coordination/process.ts";
import type { Resource } from "../../server/coordination/resource.ts";
import { HeldError, UdoError, UsageError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import { type Cli, interruptions } from "../command.ts";
import { refusal, showWaiting } from "../refusal.ts";
import { addResourceOptions, type ResourceOptions, resourcesOf } from "../resources.ts";
import { addWaitOption, readWaitOption } from "../wait-option.ts";

// What a child may take to end in peace after it was told that its lock is lost.
const graceMs = 5000;

interface Options extends ResourceOptions {
	readonly wait?: string | true;
}

export function define(command: Command, cli: Cli): void {
	addWaitOption(addResourceOptions(command))
		.usage("[options] [paths...] -- COMMAND [ARGS...]")
		.addHelpText(
			"after",
			"\nThe command finds its fencing token in UDO_FENCING_TOKEN, and is stopped if the lock is lost.",
		)
		.action(cli.action((paths: readonly string[], options: Options) => run(cli, paths, options)));
}

async function run(cli: Cli, paths: readonly string[], options: Options): Promise<number> {
	const [program, ...args] = cli.rest;
	if (program === undefined) throw new UsageError("no command to run was given", { next: "udo run src/ -- make" });
	const workspace = await cli.open();
	const { waitMs, paths: named } = readWaitOption(options.wait, paths, workspace.config.lockWaitMs);
	const resources = await resourcesOf(workspace, cli.directory, named, options);
	const claimed = await claim(workspace.coordinator, resources, {
		waitMs,
		owner: thisProcess(),
		signal: cli.interrupted,
		onWaiting: (waiting) => showWaiting(cli.output, waiting),
	});
	cli.output.progressDone();
	if (!claimed.ok) {
		if (claimed.aborted) return 130;
		throw await refusal(workspace, resources, claimed);
	}
	if (claimed.granted.isLocalOnly) {
		cli.output.note("the lock keeps out this machine only: the team's Redis cannot be asked (udo status)");
	}
	await using first = new Lease(workspace.coordinator, claimed.granted, claimed.sentAt);
	const child = await start(program, args, {
		...cli.environment,
		UDO_FENCING_TOKEN: String(first.token),
		UDO_SESSION: workspace.coordinator.session.id,
	});
	await using lease = await giveTo(child, workspace, resources, first);
	if (lease !== first) await first.release();
	// Not without await: the leases end when this function returns.
	return await guard(child, lease, cli);
}

/**
 * The lock passes to the child itself: should udo be killed while the child works on, its lock stays for as long as it lives
 * or the lease lasts, and nobody else gets in meanwhile. The token stays the same, since the session already has the lock.
 */
async function giveTo(
	child: ChildProcess,
	{ coordinator }: Workspace,
	resources: readonly Resource[],
	first: Lease,
): Promise<Lease> {
	const owner = child.pid === undefined ? undefined : identifyProcess(child.pid);
	if (owner === undefined) return first;
	const sentAt = machineClock.now();
	const granted = await coordinator.acquire(resources, { owner, request: newRequestId() });
	return granted.ok ? new Lease(coordinator, granted, sentAt) : first;
}

function start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { stdio: "inherit", env: environment });
		child.once("spawn", () => resolve(child));
		child.once("error", (cause: Error & { code?: string }) => {
			const missing = cause.code === "ENOENT";
			reject(
				new UdoError(`cannot run ${showText(program, 80)}: ${missing ? "no such command" : cause.message}`, {
					code: "command_not_started",
					exitCode: missing ? 127 : 126,
					why: "the lock was given back.",
					next: `command -v ${shellWord(program)}`,
					cause,
				}),
			);
		});
	});
}

/** Waits for the child, passes signals on to it, and stops it when the lock is lost. Answers its exit code. */
async function guard(child: ChildProcess, lease: Lease, cli: Cli): Promise<number> {
	let isStopped = false;
	const stop = (): void => {
		// The lock belongs to the child and ends with it, which others may see before its exit is told here.
		if (child.pid === undefined || identifyProcess(child.pid) === undefined) return;
		isStopped = true;
		child.kill("SIGTERM");
		setTimeout(() => child.kill("SIGKILL"), graceMs).unref();
	};
	// Ctrl-C reaches the child from the terminal itself; what was sent to udo alone has to be passed on, each time.
	const passOn = (signal: NodeJS.Signals): void => {
		if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
	};
	for (const signal of interruptions) process.on(signal, passOn);
	if (cli.interrupted.aborted) passOn(cli.interrupted.reason as NodeJS.Signals);
	lease.signal.addEventListener("abort", stop);
	if (lease.signal.aborted) stop();
	const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
		if (child.exitCode !== null || child.signalCode !== null) resolve([child.exitCode, child.signalCode]);
		child.once("exit", (...how) => resolve(how));
	});
	if (isStopped) {
		throw new HeldError("the lock was lost, so the command was stopped", {
			...(lease.signal.reason instanceof Error && { why: lease.signal.reason.message }),
			next: "udo log",
		});
	}
	return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
