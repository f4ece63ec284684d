import { accessSync, constants, existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { openRepository, type Repository } from "../../server/git/repository.ts";
import { type Worktree, worktreesOf } from "../../server/git/worktrees.ts";
import { shellWord } from "../../server/shell-word.ts";
import { type HookName, hookNames } from "../verdict.ts";
import { configNameOf, hasConfigHooks } from "./config-hooks.ts";
import { type FileState, isSame, readState } from "./file-state.ts";
import type { ForeignTool } from "./foreign-tool.ts";
import { bakedIn, callsGate, type Target } from "./hook-text.ts";
import { configuredHooksPath, isMovesLink, movesLink, placesOf } from "./hooks-path.ts";
import { type Installation, planInstall } from "./install.ts";

/** What was found about the hooks of a clone. `next` is the command that mends it. */
export interface HookFinding {
	readonly level: "ok" | "warning" | "failure";
	readonly message: string;
	readonly next?: string;
}

/** Whether git really runs udo's hooks in each working tree of a clone, resolved as git does it. */
export async function inspectHooks(repository: Repository, target: Target): Promise<readonly HookFinding[]> {
	const plan = await planInstall(repository, target);
	if (plan.kind === "foreign") return inspectTool(plan.tool);
	const trees = (await worktreesOf(repository)).filter(({ missing, path }) => !missing && existsSync(path));
	const findings = await Promise.all(trees.map((tree) => inspectTree(repository, tree, target)));
	const broken = findings.flat();
	if (broken.length > 0) return broken;
	const count = trees.length === 1 ? "the working tree" : `all ${trees.length} working trees`;
	return [
		{ level: "ok", message: `hooks: installed in ${count}` },
		...inspectGate(repository),
		...inspectVersion(plan),
		...(await inspectHusky(repository, trees)),
	];
}

function inspectTool({ name, config, missing }: ForeignTool): readonly HookFinding[] {
	if (missing.length === 0) return [{ level: "ok", message: `hooks: ${name} calls udo` }];
	const message = `hooks: ${config} does not call udo for ${missing.join(", ")}`;
	return [{ level: "failure", message, next: "udo init" }];
}

async function inspectTree(repository: Repository, tree: Worktree, { state }: Target): Promise<readonly HookFinding[]> {
	const its = await openRepository(tree.path);
	const where = showText(tree.path);
	const inConfig = await inspectConfig(its, where);
	if (inConfig !== undefined) return inConfig;
	const answer = (await its.run("rev-parse", "--git-path", "hooks")).replace(/\n$/, "");
	const directory = resolve(tree.path, answer);
	const { plainHooks, relays } = placesOf(repository);
	if (directory !== plainHooks && directory !== relays) {
		const isInstalled = existsSync(placesOf(repository).gate);
		const why = isInstalled ? `core.hooksPath leads to ${showText(directory)}, past udo` : "udo has none yet";
		return [notIn(where, why)];
	}
	return missingFrom(
		where,
		hookNames.filter((name) => !leadsToGate(name, join(directory, name), state)),
	);
}

function notIn(where: string, why: string): HookFinding {
	return { level: "failure", message: `hooks: not in ${where}: ${why}`, next: "udo init" };
}

function leadsToGate(name: HookName, path: string, state: string): boolean {
	const found = readState(path);
	if (isMovesLink(found)) return name === "reference-transaction" && isSame(found, movesLink(state));
	return found.kind === "file" && callsGate(name, found.content) && isExecutable(path);
}

// Undefined where udo is not in git's config. By git's own list, which knows what is switched off; the hook for moves is on it
// only while it is needed.
async function inspectConfig(tree: Repository, where: string): Promise<readonly HookFinding[] | undefined> {
	const commands = await tree.ask("config", "--null", "--name-only", "--get-regexp", "^hook\\.udo-.*\\.command$");
	if (commands === undefined) return undefined;
	if (!(await hasConfigHooks(tree))) return [notIn(where, "they are in git's config, which this git does not read")];
	const missing: HookName[] = [];
	for (const name of hookNames) {
		const own = configNameOf(name);
		const isNamed = commands.split("\0").includes(`hook.${own}.command`);
		const isListed =
			name === "reference-transaction" || (await tree.ask("hook", "list", name))?.split("\n").includes(own);
		if (!isNamed || isListed !== true) missing.push(name);
	}
	return missingFrom(where, missing);
}

function missingFrom(where: string, missing: readonly HookName[]): readonly HookFinding[] {
	if (missing.length === 0) return [];
	return [{ level: "failure", message: `hooks: no ${missing.join(", ")} of udo's in ${where}`, next: "udo init" }];
}

function inspectGate(repository: Repository): readonly HookFinding[] {
	const { gate } = placesOf(repository);
	const baked = bakedIn(textOf(readState(gate)));
	if (baked === undefined) {
		return [{ level: "failure", message: `hooks: ${showText(gate)} is missing or damaged`, next: "udo init" }];
	}
	const { node, program } = baked;
	const findings: HookFinding[] = [];
	if (!isExecutable(node)) {
		findings.push({
			level: "failure",
			message: `hooks: they start ${showText(node)}, which is gone`,
			next: "udo init",
		});
	}
	if (!existsSync(program)) {
		findings.push({
			level: "failure",
			message: `hooks: they start ${showText(program)}, which is gone`,
			next: "udo init",
		});
	}
	return findings;
}

function inspectVersion({ changes }: Installation): readonly HookFinding[] {
	if (changes.length === 0) return [];
	return [{ level: "warning", message: "hooks: not as this udo would write them", next: "udo init" }];
}

// A working tree that was never installed in has no `.husky/_`; udo runs there all the same, husky's own hooks do not.
async function inspectHusky(repository: Repository, trees: readonly Worktree[]): Promise<readonly HookFinding[]> {
	const original = await configuredHooksPath(repository);
	if (original === undefined || isAbsolute(original) || !/(^|\/)\.husky(\/|$)/.test(original)) return [];
	return trees.flatMap(({ path }): HookFinding[] => {
		if (existsSync(join(path, original))) return [];
		const message = `hooks: husky is not installed in ${showText(path)}, so of the hooks there only udo's run`;
		return [{ level: "warning", message, next: `cd ${shellWord(path)} && npx husky` }];
	});
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

function textOf(state: FileState): string {
	return state.kind === "file" ? Buffer.from(state.content, "latin1").toString("utf8") : "";
}
