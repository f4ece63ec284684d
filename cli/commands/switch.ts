import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { leaveProject, type Restored, returnToProject } from "../../server/coordination/context.ts";
import { showBlocker, showText } from "../../server/coordination/describe.ts";
import { describeResource, type Resource } from "../../server/coordination/resource.ts";
import { UdoError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";

export function define(command: Command, cli: Cli): void {
	command
		.argument("<directory>", "a directory of the other project")
		.addHelpText(
			"after",
			"\nKeeps your branch, locks and open files here, gives the locks back, and takes up again what you left there.",
		)
		.action(cli.action((directory: string) => switchTo(cli, directory)));
}

async function switchTo(cli: Cli, directory: string): Promise<number> {
	const target = resolve(cli.directory, directory);
	if (statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) {
		throw new UdoError(`${showText(target, 120)} is not a directory`, {
			code: "path_missing",
			next: "udo switch ../other-project",
		});
	}
	const to = await cli.open(target);
	const from = await openHere(cli);
	if (from?.project === to.project) {
		throw new UdoError("that is the project you are in", { code: "same_project", next: "udo status" });
	}
	const left = from && (await leaveProject(from.coordinator, to.repository.worktree));
	const restored = await returnToProject(to.coordinator);
	const lines = [
		...(left === undefined || left.locks.length === 0
			? []
			: [`gave back ${count(left.locks.length, "lock")} here, kept for your return`]),
		...(restored === undefined ? ["nothing was left there"] : describe(to, restored)),
		`next: cd ${shellWord(target)}`,
	];
	cli.output.result("switch", { project: to.project, left: left ?? null, restored: restored ?? null }, lines);
	return 0;
}

async function openHere(cli: Cli): Promise<Workspace | undefined> {
	try {
		return await cli.open();
	} catch (error) {
		if (error instanceof UdoError && /^not_a_/.test(error.code)) return undefined;
		throw error;
	}
}

function describe({ coordinator }: Workspace, { context, locked, taken }: Restored): string[] {
	const lines: string[] = [];
	if (locked.length > 0) lines.push(`locked again: ${locked.map(name).join(", ")}`);
	for (const { resource, blocker } of taken) {
		lines.push(`not free any more: ${name(resource)}${blocker === undefined ? "" : `; ${showBlocker(blocker)}`}`);
	}
	if (context.branch !== coordinator.session.branch) {
		lines.push(
			`you were on ${showText(context.branch ?? "no branch", 80)}, it is on ${showText(coordinator.session.branch ?? "no branch", 80)} now`,
		);
	}
	for (const { path, line } of context.open)
		lines.push(`was open: ${showText(path, 120)}${line === undefined ? "" : `:${line + 1}`}`);
	return lines;
}

function name(resource: Resource): string {
	return showText(describeResource(resource), 120);
}

function count(n: number, what: string): string {
	return n === 1 ? `1 ${what}` : `${n} ${what}s`;
}
