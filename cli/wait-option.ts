import type { Command } from "commander";
import { isDuration, parseDuration } from "./duration.ts";

/** Adds `--wait [duration]`. */
export function addWaitOption(command: Command): Command {
	return command.option("--wait [duration]", "wait in line, such as 2m (default 30s)");
}

/**
 * What `--wait` means: ms to wait, 0 without it. In `--wait src/a.ts` the word is a path, whatever the parser took it for;
 * `paths` answers with it in its place.
 */
export function readWaitOption(
	wait: string | true | undefined,
	paths: readonly string[],
	defaultMs: number,
): { readonly waitMs: number; readonly paths: readonly string[] } {
	if (wait === undefined) return { waitMs: 0, paths };
	if (wait === true) return { waitMs: defaultMs, paths };
	return isDuration(wait)
		? { waitMs: parseDuration(wait, "--wait"), paths }
		: { waitMs: defaultMs, paths: [wait, ...paths] };
}
