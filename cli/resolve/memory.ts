import { recall, remember } from "../../server/coordination/merge-memory.ts";
import { UdoError } from "../../server/errors.ts";
import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import { type Hunk, hunkKey } from "../../server/merge/hunk.ts";
import type { Place } from "./place.ts";

/** How this project settled a conflict before, as the engine asks for it; nothing where the store cannot be asked. */
export function memoryOf({ workspace }: Place): (hunk: Hunk) => Promise<Buffer | undefined> {
	return async (hunk) => {
		if (workspace === undefined) return undefined;
		return recall(workspace.coordinator, hunkKey(hunk)).catch(nothingFrom);
	};
}

/** Remembers how the conflicts of a path were settled, or forgets it again. The newest step has the last word. */
export async function rememberSteps(
	{ workspace }: Place,
	steps: readonly Step[],
	how: "remember" | "forget",
): Promise<void> {
	if (workspace === undefined) return;
	const settled = new Map(steps.flatMap((step) => step.settled).map(({ key, text }) => [key, text]));
	for (const [key, text] of settled) {
		const resolution = how === "remember" ? Buffer.from(text, "base64") : undefined;
		await remember(workspace.coordinator, key, resolution).catch(nothingFrom);
	}
}

// The conflict is settled, whether or not it will be remembered.
function nothingFrom(error: unknown): undefined {
	if (!(error instanceof UdoError)) throw error;
}
