import { createHash } from "node:crypto";
import type { Coordinator } from "./coordinator.ts";

/** A longer resolution is not remembered: it is a rewrite that will not come again. */
export const mostResolutionBytes = 64 * 1024;

/** So many resolutions of a project are remembered, the newest. */
export const mostResolutions = 2000;

/** How this conflict (see `hunkKey`) was resolved the last time that exactly these texts met in this file; nothing when `merge.remember` is 0. */
export async function recall(coordinator: Coordinator, path: string, key: string): Promise<Buffer | undefined> {
	if (!coordinator.config.remembersMerges) return undefined;
	const found = await coordinator.store.rememberedResolution(coordinator.project, keyIn(path, key));
	return found && Buffer.from(found);
}

/** Remembers a resolution for the whole project, or forgets it (undefined). Answers whether it is remembered now. */
export async function remember(
	coordinator: Coordinator,
	path: string,
	key: string,
	resolution: Buffer | undefined,
): Promise<boolean> {
	if (resolution !== undefined && !coordinator.config.remembersMerges) return false;
	return coordinator.store.rememberResolution(coordinator.project, keyIn(path, key), resolution);
}

// `port: 1` made to 2 and 3 is settled in one way in one service's settings, and in another way in another's.
function keyIn(path: string, key: string): string {
	return createHash("sha256").update(`${path}\0${key}`).digest("hex");
}
