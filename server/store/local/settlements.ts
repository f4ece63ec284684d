import type { ConflictId, Settlement } from "../../coordination/conflict.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { Author } from "../store.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { writeMeta } from "./records.ts";

/** How a conflict of the team's was settled here while the team's store could not be told. */
export interface UnsentSettlement {
	readonly conflict: ConflictId;
	readonly resolution: string;
	readonly how: Settlement;
	readonly from: Author;
}

/** Keeps it, across reboots, until it is sent, and tells those who listen here. Part of a step. */
export function keepSettlement(database: Database, project: ProjectId, settlement: UnsentSettlement): void {
	const { conflict, resolution, how, from } = settlement;
	writeMeta(database, keyOf(project, conflict), JSON.stringify(settlement));
	appendEvent(database, project, from, { type: "conflict_resolved", conflict, resolution, how });
}

/** What the team's store is still to be told. */
export function unsentSettlements(database: Database, project: ProjectId): UnsentSettlement[] {
	const prefix = keyOf(project, "");
	return database
		.all<{ value: string }>("SELECT value FROM meta WHERE substr(key, 1, ?) = ?", prefix.length, prefix)
		.map(({ value }) => JSON.parse(value) as UnsentSettlement);
}

/** The team's store was told. Part of a step. */
export function sentSettlement(database: Database, project: ProjectId, conflict: ConflictId): void {
	database.run("DELETE FROM meta WHERE key = ?", keyOf(project, conflict));
}

function keyOf(project: ProjectId, conflict: string): string {
	return `settled in ${project} ${conflict}`;
}
