import { recall } from "../../server/coordination/merge-memory.ts";
import { UdoError } from "../../server/errors.ts";
import { type Hunk, hunkKey } from "../../server/merge/hunk.ts";
import type { Place } from "./place.ts";

/** How this project settled a conflict in this path before, as the engine asks for it; nothing where the store cannot be asked. */
export function memoryOf(
	{ workspace }: Pick<Place, "workspace">,
	path: string,
): (hunk: Hunk) => Promise<Buffer | undefined> {
	return async (hunk) => {
		if (workspace === undefined) return undefined;
		return recall(workspace.coordinator, path, hunkKey(hunk)).catch(nothingFrom);
	};
}

function nothingFrom(error: unknown): undefined {
	if (!(error instanceof UdoError)) throw error;
}
