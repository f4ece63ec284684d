import { relative } from "node:path";
import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { supersedeFreed } from "../../server/coordination/lock-conflict.ts";
import { covers, describeResource, type Resource, resourceKey } from "../../server/coordination/resource.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { resourceWords } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import { addResourceOptions, type ResourceOptions, resourcesOf } from "../resources.ts";

interface Options extends ResourceOptions {
	readonly all?: true;
}

export function define(command: Command, cli: Cli): void {
	addResourceOptions(command)
		.option("--all", "everything that this session locked in this project")
		.action(cli.action((paths: readonly string[], options: Options) => unlock(cli, paths, options)));
}

async function unlock(cli: Cli, paths: readonly string[], options: Options): Promise<number> {
	const { all, ...named } = options;
	const isNamed =
		paths.length > 0 || Object.entries(named).some(([key, value]) => key !== "json" && value !== undefined);
	if (all === true && isNamed) throw new UsageError("--all goes without names");
	if (all !== true && !isNamed) throw new UsageError("nothing to unlock was named", { next: "udo unlock --all" });
	const workspace = await cli.open();
	const { coordinator, store, project } = workspace;
	// A file may be gone by now; its lock is not.
	const wanted = all === true ? undefined : await resourcesOf(workspace, cli.directory, paths, { ...named, new: true });
	const released = await store.releaseClaims(project, coordinator.session.id, wanted && (await bothSpellings(wanted)));
	if (wanted !== undefined && released.length === 0) throw await notYours(workspace, wanted, cli.directory);
	await supersedeFreed(coordinator);
	const names = released.map((resource) => showText(describeResource(resource)));
	const lines = [names.length === 0 ? "nothing was locked by this session" : `unlocked ${names.join(", ")}`];
	cli.output.result("unlock", { resources: released.map(resourceKey) }, lines);
	return 0;
}

// `src` that was a directory when it was locked may be gone now, and then its slash is not found.
async function bothSpellings(resources: readonly Resource[]): Promise<readonly Resource[]> {
	return resources.flatMap((resource) =>
		resource.kind === "file" && !resource.id.endsWith("/")
			? [resource, { ...resource, id: `${resource.id}/` }]
			: [resource],
	);
}

async function notYours(
	{ coordinator, repository, store, project }: Workspace,
	wanted: readonly Resource[],
	directory: string,
): Promise<UdoError> {
	const [first] = wanted;
	const name = showText(first === undefined ? "" : describeResource(first), 120);
	const locks = await store.locks(project);
	const lock = locks.find(({ resource }) => first !== undefined && covers(resource, first));
	if (first === undefined || lock === undefined)
		return new UdoError(`${name} is not locked`, { code: "not_locked", next: "udo status" });
	const holder = showText(lock.session, 64);
	if (lock.session !== coordinator.session.id) {
		return new UdoError(`${name} is not yours to unlock`, {
			code: "not_yours",
			exitCode: 4,
			why: `it is locked by ${holder}, through ${showText(describeResource(lock.resource), 120)}.`,
			next: `ask them, or udo lock --steal --reason "…" ${resourceWords(first, relative(repository.worktree, directory))}`,
		});
	}
	return new UdoError(`${name} was not locked by itself`, {
		code: "not_locked",
		why: `it is covered by ${showText(describeResource(lock.resource), 120)}, or a running command of this session holds it.`,
		next: "udo status",
	});
}
