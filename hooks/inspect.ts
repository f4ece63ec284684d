import { accessSync, constants, existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { showText } from "../server/coordination/describe.ts";
import { openRepository, type Repository } from "../server/git/repository.ts";
import { type Worktree, worktreesOf } from "../server/git/worktrees.ts";
import { shellWord } from "../server/shell-word.ts";
import { type FileState, readState } from "./file-state.ts";
import { foreignTool } from "./foreign-tool.ts";
import { type Baked, bakedIn, callsGate } from "./hook-text.ts";
import { configuredHooksPath, placesOf } from "./hooks-path.ts";
import { planInstall } from "./install.ts";
import { hookNames } from "./verdict.ts";

/** What was found about the hooks of a clone. `next` is the command that mends it. */
export interface HookFinding {
	readonly level: "ok" | "warning" | "failure";
	readonly message: string;
	readonly next?: string;
}

/** Whether git really runs udo's hooks in each working tree of a clone, resolved as git does it. */
export async function inspectHooks(repository: Repository, baked: Baked): Promise<readonly HookFinding[]> {
	const tool = foreignTool(repository);
	if (tool !== undefined) {
		return tool.isSetUp
			? [{ level: "ok", message: `hooks: ${tool.name} calls udo` }]
			: [{ level: "failure", message: `hooks: ${tool.config} does not call udo`, next: "udo init" }];
	}
	const trees = (await worktreesOf(repository)).filter(({ missing, path }) => !missing && existsSync(path));
	const findings = await Promise.all(trees.map((tree) => inspectTree(repository, tree)));
	const broken = findings.flat();
	if (broken.length > 0) return broken;
	const count = trees.length === 1 ? "the working tree" : `all ${trees.length} working trees`;
	return [
		{ level: "ok", message: `hooks: installed in ${count}` },
		...inspectGate(repository),
		...(await inspectVersion(repository, baked)),
		...(await inspectHusky(repository, trees)),
	];
}

async function inspectTree(repository: Repository, tree: Worktree): Promise<readonly HookFinding[]> {
	const its = await openRepository(tree.path);
	const answer = (await its.run("rev-parse", "--git-path", "hooks")).replace(/\n$/, "");
	const directory = resolve(tree.path, answer);
	const { plainHooks, relays } = placesOf(repository);
	const where = showText(tree.path);
	if (directory !== plainHooks && directory !== relays) {
		const isInstalled = existsSync(placesOf(repository).gate);
		const why = isInstalled ? `core.hooksPath leads to ${showText(directory)}, past udo` : "udo has none yet";
		return [{ level: "failure", message: `hooks: not in ${where}: ${why}`, next: "udo init" }];
	}
	const missing = hookNames.filter((name) => {
		const state = readState(join(directory, name));
		return state.kind !== "file" || !callsGate(name, state.content) || !isExecutable(join(directory, name));
	});
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

async function inspectVersion(repository: Repository, baked: Baked): Promise<readonly HookFinding[]> {
	const plan = await planInstall(repository, baked);
	if (plan.kind === "foreign" || plan.changes.length === 0) return [];
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
