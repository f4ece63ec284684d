import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "../server/git/repository.ts";
import { commitHookNames } from "./verdict.ts";

/** A program that owns the hooks of a repository and writes them anew from its configuration: udo has to be called from there. */
export interface ForeignTool {
	readonly name: "lefthook" | "pre-commit";
	/** Its configuration in this working tree. */
	readonly config: string;
	/** What to put in there. */
	readonly snippet: readonly string[];
	/** Whether that is already there. */
	readonly isSetUp: boolean;
}

/** The program that owns the hooks here, if one does: by its configuration, or by its mark on an installed hook. */
export function foreignTool({ worktree, commonDirectory }: Repository): ForeignTool | undefined {
	const hooks = commitHookNames.map((name) => textOf(join(commonDirectory, "hooks", name))).join("\n");
	const lefthook = lefthookConfigs.find((file) => existsSync(join(worktree, file)));
	if (lefthook !== undefined || /\blefthook\b/.test(hooks)) {
		const config = lefthook ?? "lefthook.yml";
		return { name: "lefthook", config, snippet: lefthookSnippet, isSetUp: isSetUp(worktree, config) };
	}
	const config = ".pre-commit-config.yaml";
	if (!existsSync(join(worktree, config)) && !hooks.includes("https://pre-commit.com")) return undefined;
	return { name: "pre-commit", config, snippet: preCommitSnippet, isSetUp: isSetUp(worktree, config) };
}

const lefthookConfigs = ["lefthook", ".lefthook", ".config/lefthook"].flatMap((name) =>
	["yml", "yaml", "toml", "json", "jsonc"].map((extension) => `${name}.${extension}`),
);

const lefthookSnippet = [
	"pre-commit:",
	"  commands:",
	"    udo:",
	"      run: udo hook pre-commit",
	"pre-merge-commit:",
	"  commands:",
	"    udo:",
	"      run: udo hook pre-merge-commit",
	"pre-push:",
	"  commands:",
	"    udo:",
	"      run: udo hook pre-push {1} {2}",
	"      use_stdin: true",
];

const preCommitSnippet = [
	"repos:",
	"  - repo: local",
	"    hooks:",
	...commitHookNames.flatMap((name) => [
		`      - id: udo-${name}`,
		`        name: udo ${name}`,
		`        entry: udo hook ${name}`,
		"        language: system",
		"        always_run: true",
		"        pass_filenames: false",
		`        stages: [${name}]`,
	]),
];

function isSetUp(worktree: string, config: string): boolean {
	const text = textOf(join(worktree, config));
	return commitHookNames.every((name) => text.includes(`udo hook ${name}`));
}

function textOf(path: string): string {
	try {
		return readFileSync(path, "latin1");
	} catch {
		return "";
	}
}
