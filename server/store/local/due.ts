import { readNumber } from "./counters.ts";
import type { Database } from "./database.ts";

/**
 * When the next lease, place or session runs out, or earlier; never later. One number, since looking at the leases
 * themselves would need an index on each table, which every step would have to write.
 */
export function nextDue(database: Database): number {
	return readNumber(database, "due");
}

/** Something will run out at this time. Part of the step that says so. */
export function dueAt(database: Database, expires: number): void {
	database.run("UPDATE counters SET value = ?1 WHERE name = 'due' AND value > ?1", expires);
}

/** Looks up what runs out next: leases that were renewed or given back have left the number too early. Part of a step. */
export function findNextDue(database: Database): void {
	const never = Number.MAX_SAFE_INTEGER;
	database.run(
		`UPDATE counters SET value = min(
			coalesce((SELECT min(expires) FROM holds), ?1),
			coalesce((SELECT min(expires) FROM tickets), ?1),
			coalesce((SELECT min(expires) FROM sessions), ?1)
		) WHERE name = 'due'`,
		never,
	);
}
