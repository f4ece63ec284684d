import type { Command } from "commander";
import { type Claimed, claim } from "../../server/coordination/claim.ts";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import { describeResource, type Resource, resourceKey } from "../../server/coordination/resource.ts";
import { UsageError } from "../../server/errors.ts";
import type { Cli } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { refusal, showWaiting } from "../refusal.ts";
import { addResourceOptions, type ResourceOptions, resourcesOf } from "../resources.ts";
import { addWaitOption, readWaitOption } from "../wait-option.ts";

interface Options extends ResourceOptions {
	readonly ttl?: string;
	readonly wait?: string | true;
	readonly steal?: true;
	readonly reason?: string;
}

export function define(command: Command, cli: Cli): void {
	addWaitOption(addResourceOptions(command))
		.option("--ttl <duration>", "lease, such as 10m; every udo command of this terminal starts it anew (default 5m)")
		.option("--steal", "take it from whoever has it; needs --reason")
		.option("--reason <text>", "why it is stolen: the other side is told, and it stays in the log")
		.action(cli.action((paths: readonly string[], options: Options) => lock(cli, paths, options)));
}

async function lock(cli: Cli, paths: readonly string[], options: Options): Promise<number> {
	const ttlMs = options.ttl === undefined ? undefined : parseDuration(options.ttl, "--ttl");
	if (options.steal === true && !options.reason?.trim()) {
		throw new UsageError("--steal needs a reason", { next: 'udo lock --steal --reason "…" PATH' });
	}
	if (options.reason !== undefined && options.steal !== true) throw new UsageError("--reason goes with --steal");
	const workspace = await cli.open();
	const { waitMs, paths: named } = readWaitOption(options.wait, paths, workspace.config.lockWaitMs);
	const resources = await resourcesOf(workspace, cli.directory, named, options);
	const claimed = await claim(workspace.coordinator, resources, {
		waitMs,
		signal: cli.interrupted,
		onWaiting: (waiting) => showWaiting(cli.output, waiting),
		...(ttlMs !== undefined && { ttlMs }),
		...(options.steal === true && { steal: { reason: options.reason?.trim() ?? "" } }),
	});
	cli.output.progressDone();
	if (!claimed.ok) {
		if (claimed.aborted) return 130;
		throw await refusal(workspace, resources, claimed);
	}
	report(cli, resources, claimed);
	return 0;
}

function report(cli: Cli, resources: readonly Resource[], { granted, waitedMs }: Extract<Claimed, { ok: true }>): void {
	const names = resources.map((resource) => showText(describeResource(resource)));
	const waited = waitedMs > 1000 ? `, after ${showDuration(waitedMs)} in line` : "";
	const data = {
		token: granted.token,
		leftMs: granted.leftMs,
		waitedMs,
		resources: granted.resources.map(resourceKey),
		isLocalOnly: granted.isLocalOnly,
	};
	const where = granted.isLocalOnly ? "; on this machine only, the team's Redis cannot be asked (udo status)" : "";
	cli.output.result("lock", data, [
		`locked ${names.join(", ")} for ${showDuration(granted.leftMs)} (token ${granted.token}${waited})${where}`,
	]);
}
