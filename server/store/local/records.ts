import type { Presence } from "../../coordination/presence.ts";
import type { ProcessIdentity } from "../../coordination/process.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { PresenceEntry } from "../store.ts";
import type { Database } from "./database.ts";
import type { GateEntry } from "./gate-files.ts";

export function readMeta(database: Database, key: string): string | undefined {
	return database.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
}

export function writeMeta(database: Database, key: string, value: string): void {
	database.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value);
}

export function setPresence(
	database: Database,
	now: number,
	project: ProjectId,
	session: SessionId,
	places: readonly PresenceEntry[],
): void {
	database.run("DELETE FROM presence WHERE project = ? AND session = ?", project, session);
	for (const { path, unsaved, line } of places) {
		const sql = `INSERT OR REPLACE INTO presence SELECT project, id, ?, ?, ?, ? FROM sessions WHERE project = ? AND id = ?`;
		database.run(sql, path, unsaved ? 1 : 0, line ?? null, now, project, session);
	}
}

export function readPresence(database: Database, now: number, project: ProjectId): Presence[] {
	const rows = database.all<{ session: SessionId; path: string; unsaved: number; line: number | null; at: number }>(
		"SELECT * FROM presence WHERE project = ? ORDER BY session, path",
		project,
	);
	return rows.map((row) => ({
		project,
		session: row.session,
		path: row.path,
		unsaved: row.unsaved === 1,
		line: row.line ?? undefined,
		ageMs: now - row.at,
	}));
}

export function saveState(database: Database, project: ProjectId, key: string, value: string | undefined): void {
	if (value === undefined) database.run("DELETE FROM states WHERE project = ? AND key = ?", project, key);
	else database.run("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", project, key, value);
}

export function loadState(database: Database, project: ProjectId, key: string): string | undefined {
	const sql = "SELECT value FROM states WHERE project = ? AND key = ?";
	return database.get<{ value: string }>(sql, project, key)?.value;
}

/** The sessions that hold an exclusive lock or wait for one. */
export function exclusiveClaimants(database: Database): GateEntry[] {
	const rows = database.all<{ id: SessionId; process: string }>(
		`SELECT sessions.id AS id, process FROM sessions JOIN (
			SELECT project, session FROM holds WHERE kind = 'exclusive' UNION SELECT project, session FROM tickets
			WHERE EXISTS (SELECT 1 FROM json_each(tickets.resources) WHERE value = 'exclusive:')
		) AS claimants ON sessions.project = claimants.project AND sessions.id = claimants.session`,
	);
	return rows.map(({ id, process }) => ({ pid: (JSON.parse(process) as ProcessIdentity).pid, session: id }));
}
