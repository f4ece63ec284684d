import { readNumber } from "./counters.ts";
import type { Database } from "./database.ts";

/**
 * When the next lease, place or session runs out, or earlier; never later. One number that triggers keep, since looking at the
 * leases themselves would need an index on each table, which every step would have to write.
 */
export function nextDue(database: Database): number {
	return readNumber(database, "due");
}

/** Looks up what runs out next: leases that were renewed or given back have left the number too early. Part of a step. */
export function findNextDue(database: Database): void {
	database.run(
		`UPDATE counters SET value = min(
			coalesce((SELECT min(expires) FROM holds), ?1),
			coalesce((SELECT min(expires) FROM tickets), ?1),
			coalesce((SELECT min(expires) FROM sessions), ?1)
		) WHERE name = 'due'`,
		Number.MAX_SAFE_INTEGER,
	);
}
