import { join } from "node:path";
import { movesConfigOf } from "../../server/coordination/moves-paths.ts";
import type { Repository } from "../../server/git/repository.ts";
import { type HookName, hookNames } from "../verdict.ts";
import type { FileState } from "./file-state.ts";
import { configHook } from "./hook-text.ts";
import { asCommand, inQuotes, latin1, type Places } from "./hooks-path.ts";

/** The first git that runs hooks which its config names, beside those in the hooks directory. */
export const configHooksSince = [2, 54] as const;

/** Whether the git here runs hooks that its config names. */
export async function hasConfigHooks(repository: Repository): Promise<boolean> {
	const [major = 0, minor = 0] = (/\d+\.\d+/.exec(await repository.run("--version"))?.[0] ?? "").split(".").map(Number);
	return major > configHooksSince[0] || (major === configHooksSince[0] && minor >= configHooksSince[1]);
}

/** What git's config calls a hook of udo's: not like the event, which git refuses. */
export function configNameOf(name: HookName): string {
	return `udo-${name}`;
}

/**
 * The lines that make git run udo's hooks whatever else it runs. When branches are moved it is asked only while the file in the
 * store's directory exists which says so; git takes a command without an event for none.
 */
export function configHookLines({ relays }: Places, state: string): string {
	const sections = hookNames.flatMap((name) => [
		`[hook "${configNameOf(name)}"]`,
		`\tcommand = "${inQuotes(asCommand(join(relays, name)))}"`,
		...(name === "reference-transaction" ? [] : [`\tevent = ${name}`]),
	]);
	return [...sections, "[include]", `\tpath = "${inQuotes(movesConfigOf(state))}"`, ""].join("\n");
}

/** The scripts that those lines name. */
export function configHookFiles({ relays }: Places): ReadonlyMap<string, FileState> {
	return new Map(
		hookNames.map((name) => [
			join(relays, name),
			{ kind: "file", content: latin1(configHook(name)), mode: 0o755 } satisfies FileState,
		]),
	);
}
