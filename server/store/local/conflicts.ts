import { type Conflict, type ConflictId, type ConflictReport, newConflictId } from "../../coordination/conflict.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Author } from "../store.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";

/** See Store.reportConflict. Part of a step. */
export function reportConflict(
	database: Database,
	{ blobs, ...report }: ConflictReport,
	from: Author,
): { readonly id: ConflictId; readonly isNew: boolean } {
	const open = database.get<{ id: ConflictId }>(
		"SELECT id FROM conflicts WHERE project = ? AND cause = ? AND resolution IS NULL",
		report.project,
		report.cause,
	);
	if (open !== undefined) return { id: open.id, isNew: false };
	const id = newConflictId();
	database.run(
		"INSERT INTO conflicts (id, project, cause, report, at) VALUES (?, ?, ?, ?, ?)",
		id,
		report.project,
		report.cause,
		JSON.stringify(report),
		Date.now(),
	);
	for (const [side, bytes] of Object.entries(blobs ?? {})) {
		if (bytes !== undefined) database.run("INSERT INTO blobs VALUES (?, ?, ?)", id, side, bytes);
	}
	addToCounter(database, "udo_conflicts_detected_total");
	appendEvent(database, report.project, from, {
		type: "conflict_detected",
		conflict: id,
		conflictType: report.type,
		resource: report.resource,
		sessions: report.sessions,
	});
	return { id, isNew: true };
}

/** See Store.resolveConflict. Part of a step. */
export function resolveConflict(
	database: Database,
	project: ProjectId,
	id: ConflictId,
	resolution: string,
	from: Author,
): boolean {
	const settled = database.run(
		"UPDATE conflicts SET resolution = ?, resolved_by = ? WHERE project = ? AND id = ? AND resolution IS NULL",
		resolution,
		from.session ?? null,
		project,
		id,
	);
	if (settled === 0) return false;
	database.run("DELETE FROM blobs WHERE conflict = ?", id);
	addToCounter(database, "udo_conflicts_resolved_total");
	appendEvent(database, project, from, { type: "conflict_resolved", conflict: id, resolution });
	return true;
}

export function readConflicts(database: Database, project: ProjectId, which: "open" | "all"): Conflict[] {
	const rows = database.all<{
		id: ConflictId;
		report: string;
		at: number;
		resolution: string | null;
		resolved_by: SessionId | null;
	}>("SELECT * FROM conflicts WHERE project = ? AND (? = 'all' OR resolution IS NULL) ORDER BY at, id", project, which);
	// A conflict outlives the boot it happened in, and with it the monotonic clock: its age is by the wall clock.
	return rows.map((row) => ({
		...(JSON.parse(row.report) as Omit<ConflictReport, "blobs">),
		id: row.id,
		ageMs: Math.max(0, Date.now() - row.at),
		resolution: row.resolution ?? undefined,
		resolvedBy: row.resolved_by ?? undefined,
	}));
}

export function readBlob(database: Database, id: ConflictId, side: string): Uint8Array | undefined {
	const sql = "SELECT bytes FROM blobs WHERE conflict = ? AND side = ?";
	return database.get<{ bytes: Uint8Array }>(sql, id, side)?.bytes;
}
