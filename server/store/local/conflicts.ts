import {
	type Amendment,
	type Attempt,
	attemptOf,
	type Conflict,
	type ConflictId,
	type ConflictRecord,
	type ConflictReport,
	type ConflictTexts,
	firstAttempts,
	keptTexts,
	mostAttempts,
	mostSettled,
	newConflictId,
	type OmittedLengths,
	omittedLengths,
	omittedTexts,
	type Settlement,
	type Side,
} from "../../coordination/conflict.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Author } from "../store.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { primaryOf } from "./sessions.ts";

/** See Store.reportConflict. Part of a step. */
export function reportConflict(
	database: Database,
	report: ConflictReport,
	from: Author,
): { readonly id: ConflictId; readonly isNew: boolean } {
	const { id: named, blobs, attempts: _attempts, moved, ...record } = report;
	const open = database.get<{ id: ConflictId }>(
		"SELECT id FROM conflicts WHERE project = ? AND cause = ? AND resolution IS NULL",
		report.project,
		report.cause,
	);
	if (open !== undefined) return { id: open.id, isNew: false };
	const id = named ?? newConflictId();
	// Reported before, and settled since: whoever reported or moved it heard no answer.
	if (database.get("SELECT 1 FROM conflicts WHERE id = ?", id) !== undefined) return { id, isNew: false };
	database.run(
		"INSERT INTO conflicts (id, project, cause, report, at, attempts, omitted) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id,
		report.project,
		report.cause,
		JSON.stringify(record),
		Date.now() - (moved?.ageMs ?? 0),
		JSON.stringify(firstAttempts(report, from.session)),
		JSON.stringify(omittedLengths(moved?.omitted ?? [])),
	);
	keep(database, id, blobs);
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

/** See Store.amendConflict. Part of a step. */
export function amendConflict(
	database: Database,
	project: ProjectId,
	id: ConflictId,
	{ attempt, blobs }: Amendment,
	from: Author,
): boolean {
	const open = database.get<{ attempts: string }>(
		"SELECT attempts FROM conflicts WHERE project = ? AND id = ? AND resolution IS NULL",
		project,
		id,
	);
	if (open === undefined) return false;
	keep(database, id, blobs);
	if (attempt === undefined) return true;
	const attempts = [...(JSON.parse(open.attempts) as Attempt[]), attemptOf(attempt, from.session)];
	database.run("UPDATE conflicts SET attempts = ? WHERE id = ?", JSON.stringify(attempts.slice(-mostAttempts)), id);
	appendEvent(database, project, from, { type: "conflict_attempted", conflict: id, ...attempt });
	return true;
}

/** See Store.resolveConflict. Part of a step. */
export function resolveConflict(
	database: Database,
	project: ProjectId,
	id: ConflictId,
	{ resolution, how }: { readonly resolution: string; readonly how: Settlement },
	from: Author,
): boolean {
	const settled = database.run(
		`UPDATE conflicts SET resolution = ?, resolved_by = ?, how = ?, settled = ?
		WHERE project = ? AND id = ? AND resolution IS NULL`,
		resolution,
		from.session ?? null,
		how,
		Date.now(),
		project,
		id,
	);
	if (settled === 0) return false;
	database.run("DELETE FROM blobs WHERE conflict = ?", id);
	database.run(
		`DELETE FROM conflicts WHERE id IN (
			SELECT id FROM conflicts WHERE project = ? AND resolution IS NOT NULL
			ORDER BY settled DESC, id LIMIT -1 OFFSET ?
		)`,
		project,
		mostSettled,
	);
	addToCounter(database, "udo_conflicts_resolved_total");
	appendEvent(database, project, from, { type: "conflict_resolved", conflict: id, resolution, how });
	return true;
}

/** See Store.conflicts. */
export function readConflicts(database: Database, project: ProjectId, which: "open" | "all"): Conflict[] {
	// Written out, so that open ones are found by their index: this is asked for at every change.
	const condition = which === "open" ? "AND resolution IS NULL" : "";
	const rows = database.all<ConflictRow>(
		`SELECT * FROM conflicts WHERE project = ? ${condition} ORDER BY at, id`,
		project,
	);
	const primary = rows.length === 0 ? undefined : primaryOf(database, project);
	// A conflict outlives the boot it happened in, and with it the monotonic clock: its age is by the wall clock.
	return rows.map((row) => ({
		...(JSON.parse(row.report) as ConflictRecord),
		id: row.id,
		ageMs: Math.max(0, Date.now() - row.at),
		attempts: JSON.parse(row.attempts) as Attempt[],
		omitted: omittedTexts(JSON.parse(row.omitted) as OmittedLengths),
		assignee: row.resolution === null ? primary : undefined,
		resolution: row.resolution ?? undefined,
		resolvedBy: row.resolved_by ?? undefined,
		how: row.how ?? (row.resolution === null ? undefined : "manual"),
	}));
}

/** See Store.conflictBlob. */
export function readBlob(database: Database, id: ConflictId, side: Side): Uint8Array | undefined {
	const sql = "SELECT bytes FROM blobs WHERE conflict = ? AND side = ?";
	return database.get<{ bytes: Uint8Array }>(sql, id, side)?.bytes;
}

function keep(database: Database, id: ConflictId, texts: ConflictTexts | undefined): void {
	for (const { side, bytes, length } of keptTexts(texts)) {
		if (bytes === undefined) {
			database.run("DELETE FROM blobs WHERE conflict = ? AND side = ?", id, side);
			database.run("UPDATE conflicts SET omitted = json_set(omitted, ?, ?) WHERE id = ?", `$.${side}`, length, id);
		} else {
			database.run("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", id, side, bytes);
			database.run("UPDATE conflicts SET omitted = json_remove(omitted, ?) WHERE id = ?", `$.${side}`, id);
		}
	}
}

interface ConflictRow {
	readonly id: ConflictId;
	readonly report: string;
	readonly at: number;
	readonly attempts: string;
	readonly omitted: string;
	readonly resolution: string | null;
	readonly resolved_by: SessionId | null;
	readonly how: Settlement | null;
}
