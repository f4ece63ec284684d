import { showText } from "../server/coordination/describe.ts";
import { commitHookNames } from "../server/coordination/request-name.ts";
import type { UdoError } from "../server/errors.ts";

/** The git hooks that udo guards: also those that look after a working tree which several sessions share. */
export const hookNames = [...commitHookNames, "pre-rebase", "reference-transaction", "post-checkout"] as const;

export type HookName = (typeof hookNames)[number];

/** What a hook answers git, as an error of three lines each; without a refusal git goes on. */
export interface Verdict {
	readonly refusals: readonly UdoError[];
	/** One line each. */
	readonly warnings: readonly string[];
	/** The paths and branches that were refused, for the log. */
	readonly refused: readonly string[];
	/** What to do in place of the push that is refused. */
	readonly instead?: CoordinatedPush;
}

/** A branch of this clone, and the full name of the ref on the remote where it is to land. */
export interface CoordinatedPush {
	readonly remote: string;
	readonly branch: string;
	readonly ref: string;
}

/** The exit code of `udo hook` for a refusal; the gate takes any other failure for a fault of udo and lets git pass. */
export const refusedExitCode = 4;

/** Some names and how many more there are; safe for a terminal. */
export function showNames(names: readonly string[], most = 5): string {
	const shown = names.slice(0, most).map((name) => showText(name, 120));
	return names.length <= most ? shown.join(", ") : `${shown.join(", ")} and ${names.length - most} more`;
}
