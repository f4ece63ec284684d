import { type CounterName, type Counters, counterNames } from "../../coordination/metrics.ts";
import type { Database } from "./database.ts";

/** Adds to one counter. Part of a step. */
export function addToCounter(database: Database, name: CounterName, amount = 1): void {
	database.run(
		"INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
		name,
		amount,
	);
}

export function readCounters(database: Database): Counters {
	const values = new Map(
		database
			.all<{ name: string; value: number }>("SELECT name, value FROM counters")
			.map(({ name, value }) => [name, value]),
	);
	return Object.fromEntries(counterNames.map((name) => [name, values.get(name) ?? 0]));
}
