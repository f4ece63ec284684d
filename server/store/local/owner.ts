import type { ProcessIdentity } from "../../coordination/process.ts";

/** A process as an `owner` column keeps it, without the names of its parts: a longer row would spill to a page of its own. */
export function formatOwner(owner: ProcessIdentity | undefined): string | null {
	return owner === undefined ? null : JSON.stringify([owner.pid, owner.started, owner.boot, owner.space]);
}

/** The inverse of {@link formatOwner}. */
export function parseOwner(text: string | null): ProcessIdentity | undefined {
	if (text === null) return undefined;
	const [pid, started, boot, space] = JSON.parse(text) as [number, string, string, string];
	return { pid, started, boot, space };
}
