import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Repository } from "../../server/git/repository.ts";
import type { Settings } from "../../server/git/settings.ts";
import { configNameOf } from "./config-hooks.ts";
import { foreignTool } from "./foreign-tool.ts";
import { unguardedHook } from "./hook-text.ts";
import { configuredHooksPath, placesOf } from "./hooks-path.ts";

/**
 * Whether a pre-push hook that is not udo's looks at what leaves this working tree: it has to see every push from here. In doubt
 * there is one.
 */
export async function hasOwnPrePush(repository: Repository, settings: Settings): Promise<boolean> {
	if (isInConfig(settings)) return true;
	const path = join(await hooksDirectory(repository, settings), "pre-push");
	const text = textOf(path);
	if (text === undefined) return false;
	if (huskyStub.test(text)) return textOf(join(dirname(dirname(path)), "pre-push"), 0) !== undefined;
	if (text.includes("lefthook")) return lefthookRunsMore(repository);
	const rest = (unguardedHook(text) ?? "").split("\n").map((line) => line.trim());
	return rest.some((line) => line !== "" && !line.startsWith("#") && !doesNothing.test(line));
}

const huskyStub = /^\. "\$\(dirname (-- )?"\$0"\)\/h"$/m;

const doesNothing = /^(exit 0|:|true|(exec )?udo hook pre-push "\$@")$/;

// Whatever git it is: only newer ones read this.
function isInConfig(settings: Settings): boolean {
	return settings.keys().some((key) => {
		const name = /^hook\.(.+)\.event$/s.exec(key)?.[1];
		return name !== undefined && name !== configNameOf("pre-push") && settings.all(key).includes("pre-push");
	});
}

async function hooksDirectory(repository: Repository, settings: Settings): Promise<string> {
	const { plainHooks } = placesOf(repository);
	if (settings.get("core.hookspath") === undefined) return plainHooks;
	return resolve(repository.worktree, (await configuredHooksPath(repository)) ?? plainHooks);
}

function lefthookRunsMore(repository: Repository): boolean {
	const tool = foreignTool(repository);
	if (tool?.name !== "lefthook" || !/\.ya?ml$/.test(tool.config)) return true;
	const text = textOf(join(repository.worktree, tool.config), 0) ?? "extends:";
	const isWhole = !/^(extends|remotes?):/m.test(text);
	const section = /^pre-push:.*\n((?:[ \t#].*\n|\n)*)/m.exec(`${text}\n`)?.[1] ?? "";
	const runs = section.split("\n").filter((line) => /^\s*(- )?(run|scripts?|group):/.test(line));
	return !isWhole || !runs.every((line) => line.includes("udo hook pre-push"));
}

/** A file's text; undefined when there is none that git would run. */
function textOf(path: string, mode = 0o111): string | undefined {
	try {
		const found = statSync(path);
		if (!found.isFile() || (mode !== 0 && (found.mode & mode) === 0)) return undefined;
		return readFileSync(path, "latin1");
	} catch {
		return undefined;
	}
}
