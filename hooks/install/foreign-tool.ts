import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commitHookNames } from "../../server/coordination/request-name.ts";
import type { Repository } from "../../server/git/repository.ts";
import { type HookName, hookNames } from "../verdict.ts";

/** A program that owns the hooks of a repository and writes them anew from its configuration: udo has to be called from there. */
export interface ForeignTool {
	readonly name: "lefthook" | "pre-commit";
	/** Its configuration in this working tree. */
	readonly config: string;
	/** What to put in there. */
	readonly snippet: readonly string[];
	/** The hooks that are not in there and that it could run. */
	readonly missing: readonly HookName[];
	/** What stays unguarded because the program has no such hook. */
	readonly unguarded?: string;
}

/** The program that owns the hooks here, if one does: by its configuration, or by its mark on an installed hook. */
export function foreignTool({ worktree, commonDirectory }: Repository): ForeignTool | undefined {
	const hooks = commitHookNames.map((name) => textOf(join(commonDirectory, "hooks", name))).join("\n");
	const lefthook = lefthookConfigs.find((file) => existsSync(join(worktree, file)));
	if (lefthook !== undefined || /\blefthook\b/.test(hooks)) {
		const config = lefthook ?? "lefthook.yml";
		return { name: "lefthook", config, snippet: lefthookSnippet, missing: missingFrom(worktree, config, hookNames) };
	}
	const config = ".pre-commit-config.yaml";
	if (!existsSync(join(worktree, config)) && !hooks.includes("https://pre-commit.com")) return undefined;
	const missing = missingFrom(worktree, config, preCommitHooks);
	return { name: "pre-commit", config, snippet: preCommitSnippet, missing, unguarded: preCommitUnguarded };
}

const lefthookConfigs = ["lefthook", ".lefthook", ".config/lefthook"].flatMap((name) =>
	["yml", "yaml", "toml", "json", "jsonc"].map((extension) => `${name}.${extension}`),
);

// lefthook 2 runs every hook of git's. Each of its runs costs some 30 ms, so only what has to be asked goes on to udo.
const lefthookSnippet = [
	...lefthookLines("pre-commit", "udo hook pre-commit"),
	...lefthookLines("pre-merge-commit", "udo hook pre-merge-commit"),
	...lefthookLines("pre-push", "udo hook pre-push {1} {2}", "use_stdin: true"),
	...lefthookLines("pre-rebase", "udo hook pre-rebase {1} {2}"),
	...lefthookLines("post-checkout", '[ "{3}" != 1 ] || udo hook post-checkout {1} {2} {3}'),
	...lefthookLines(
		"reference-transaction",
		'[ "{1}" != prepared ] || [ -n "$UDO_MOVES" ] || udo hook reference-transaction {1}',
		"use_stdin: true",
	),
];

function lefthookLines(name: HookName, run: string, ...more: readonly string[]): readonly string[] {
	return [`${name}:`, "  commands:", "    udo:", `      run: '${run}'`, ...more.map((line) => `      ${line}`)];
}

const preCommitHooks = hookNames.filter((name) => name !== "reference-transaction");

const preCommitUnguarded =
	"pre-commit 3.2 or newer knows these lines. It has no reference-transaction hook: commit --no-verify, stash and moved branches stay unguarded (from git 2.54 on udo needs no lines here and guards those too)";

// It tells its hooks by variables what git tells them by arguments.
const preCommitEntries: Partial<Record<HookName, string>> = {
	"pre-rebase": `sh -c 'udo hook pre-rebase "$PRE_COMMIT_PRE_REBASE_UPSTREAM" \${PRE_COMMIT_PRE_REBASE_BRANCH:+"$PRE_COMMIT_PRE_REBASE_BRANCH"}'`,
	"post-checkout": `sh -c '[ "$PRE_COMMIT_CHECKOUT_TYPE" != 1 ] || udo hook post-checkout'`,
};

const preCommitSnippet = [
	`default_install_hook_types: [${preCommitHooks.join(", ")}]`,
	"repos:",
	"  - repo: local",
	"    hooks:",
	...preCommitHooks.flatMap((name) => [
		`      - id: udo-${name}`,
		`        name: udo ${name}`,
		`        entry: ${preCommitEntries[name] ?? `udo hook ${name}`}`,
		"        language: system",
		"        always_run: true",
		"        pass_filenames: false",
		"        verbose: true",
		`        stages: [${name}]`,
	]),
];

function missingFrom(worktree: string, config: string, names: readonly HookName[]): readonly HookName[] {
	const text = textOf(join(worktree, config));
	return names.filter((name) => !new RegExp(`udo hook ${name}(?![a-z-])`).test(text));
}

function textOf(path: string): string {
	try {
		return readFileSync(path, "latin1");
	} catch {
		return "";
	}
}
