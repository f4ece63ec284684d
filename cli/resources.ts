import type { Command } from "commander";
import { showText } from "../server/coordination/describe.ts";
import { type Resource, resourceKey } from "../server/coordination/resource.ts";
import { UdoError, UsageError } from "../server/errors.ts";
import { fileResource } from "../server/git/path.ts";
import { shortRef } from "../server/git/ref.ts";
import type { Workspace } from "../server/workspace.ts";

export interface ResourceOptions {
	readonly branch?: readonly string[];
	readonly database?: readonly string[];
	readonly project?: true;
	readonly exclusive?: true;
	readonly new?: true;
}

/** Adds the arguments and options by which every command names resources. */
export function addResourceOptions(command: Command): Command {
	return command
		.argument("[paths...]", "files and directories")
		.option("--branch <name>", "a git branch; may be given again", collect)
		.option("--database <name>", "a database, by any name that you agree on; may be given again", collect)
		.option("--project", "the whole project")
		.option("--exclusive", "everything, in every project of this machine")
		.option("--new", "accept paths that do not exist yet");
}

/** For options that may be given several times; one word each, so that a path after them stays a path. */
export function collect(word: string, earlier: readonly string[] = []): readonly string[] {
	return [...earlier, word];
}

/** The resources that a command line names, without doubles. Throws when it names none, or one that cannot be locked. */
export async function resourcesOf(
	workspace: Workspace,
	directory: string,
	paths: readonly string[],
	options: ResourceOptions,
): Promise<readonly Resource[]> {
	const resources: Resource[] = [];
	for (const path of paths) {
		resources.push(await fileResource(workspace.repository, directory, path, { allowNew: options.new === true }));
	}
	for (const branch of options.branch ?? []) resources.push(await branchResource(workspace, branch));
	for (const name of options.database ?? []) resources.push({ kind: "database", id: databaseName(name) });
	if (options.project === true) resources.push({ kind: "project", id: "" });
	if (options.exclusive === true) resources.push({ kind: "exclusive", id: "" });
	if (resources.length === 0) {
		throw new UsageError("nothing to lock was named", { next: "name a path, or --branch, --database, --project" });
	}
	return [...new Map(resources.map((resource) => [resourceKey(resource), resource])).values()];
}

/** The branch as a resource, by its short name. Throws UdoError `branch_invalid` for what git would not accept. */
async function branchResource(workspace: Workspace, typed: string): Promise<Resource> {
	const name = shortRef(typed);
	const isValid = !name.startsWith("-") && !name.includes("\0") && name.length <= 250;
	if (isValid && (await workspace.repository.ask("check-ref-format", `refs/heads/${name}`)) !== undefined) {
		return { kind: "git", id: name };
	}
	throw new UdoError(`${showText(JSON.stringify(typed), 80)} is not a branch name`, {
		code: "branch_invalid",
		next: "git branch --list",
	});
}

function databaseName(typed: string): string {
	const name = typed.normalize("NFC").trim();
	if (name !== "" && name.length <= 250 && !name.includes("\0")) return name;
	throw new UsageError(`${showText(JSON.stringify(typed), 80)} is not a name`, { why: "1 to 250 characters." });
}
