import { openLocalStore } from "../../server/store/local.ts";
import { openTeamStore as open } from "../../server/store/tiered/open.ts";
import type { TieredStore, TieredStoreOptions } from "../../server/store/tiered.ts";
import { project } from "./request.ts";

export const longTerms = { ttlMs: 86_400_000, most: 1000 };

/** The store of a machine, as one of its processes opens it; leases that a Redis may have forgotten last for a second. */
export async function openTeamStore(
	{ directory, socket }: { readonly directory: string; readonly socket: string },
	options: Partial<TieredStoreOptions> = {},
): Promise<TieredStore> {
	return open({
		project,
		local: await openLocalStore({ directory }),
		settings: {
			topology: { kind: "standalone", address: { kind: "unix", path: socket } },
			db: 0,
			username: undefined,
			password: undefined,
			tls: undefined,
		},
		lockTtlMs: 1000,
		patienceMs: 500,
		terms: longTerms,
		...options,
	});
}
