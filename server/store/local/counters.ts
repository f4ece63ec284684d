import { type CounterName, type Counters, counterNames } from "../../coordination/metrics.ts";
import type { Database } from "./database.ts";

/** Adds to one metric. Part of a step. */
export function addToCounter(database: Database, name: CounterName, amount = 1): void {
	database.run(
		"INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
		name,
		amount,
	);
}

/** The metrics. */
export function readCounters(database: Database): Counters {
	return Object.fromEntries(counterNames.map((name) => [name, readNumber(database, name)]));
}

/** The next fencing token; one series for all projects, so that an exclusive lock has the newest in each. Part of a step. */
export function nextToken(database: Database): number {
	const row = database.get<{ value: number }>(
		"UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value",
	);
	if (row === undefined) throw new Error("the store has no fencing counter");
	return row.value;
}

/** One number, 0 when there is none of that name. */
export function readNumber(database: Database, name: string): number {
	return database.get<{ value: number }>("SELECT value FROM counters WHERE name = ?", name)?.value ?? 0;
}
