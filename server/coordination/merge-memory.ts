import type { Coordinator } from "./coordinator.ts";

/** A longer resolution is not remembered: it is a rewrite that will not come again. */
export const mostResolutionBytes = 64 * 1024;

/** So many resolutions of a project are remembered, the newest. */
export const mostResolutions = 2000;

/** How this conflict was resolved the last time that exactly these texts met; nothing when `merge.remember` is 0. */
export async function recall(coordinator: Coordinator, key: string): Promise<Buffer | undefined> {
	if (!coordinator.config.remembersMerges) return undefined;
	const found = await coordinator.store.rememberedResolution(coordinator.project, key);
	return found && Buffer.from(found);
}

/** Remembers a resolution for the whole project, or forgets it (undefined). Answers whether it is remembered now. */
export async function remember(
	coordinator: Coordinator,
	key: string,
	resolution: Buffer | undefined,
): Promise<boolean> {
	if (resolution !== undefined && !coordinator.config.remembersMerges) return false;
	return coordinator.store.rememberResolution(coordinator.project, key, resolution, coordinator.author);
}
