import type { ProcessIdentity } from "../../coordination/process.ts";

/** The process in an `owner` column. */
export function parseOwner(owner: string | null): ProcessIdentity | undefined {
	return owner === null ? undefined : (JSON.parse(owner) as ProcessIdentity);
}
