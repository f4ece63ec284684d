import type { ProcessIdentity } from "../../coordination/process.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../../coordination/session.ts";
import type { SessionOpened, SessionTerms } from "../store.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { removeHolds, removeTickets } from "./grants.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** Registers or refreshes a session. Part of a step. */
export function openSession(database: Database, now: number, entry: SessionEntry, terms: SessionTerms): SessionOpened {
	const refreshed = database.run(
		"UPDATE sessions SET beat = ?, expires = ?, worktree = ?, branch = ? WHERE project = ? AND id = ?",
		now,
		now + terms.ttlMs,
		entry.worktree,
		entry.branch ?? null,
		entry.project,
		entry.id,
	);
	if (refreshed === 0) {
		const open = database.get<{ n: number }>("SELECT count(*) AS n FROM sessions WHERE project = ?", entry.project)?.n;
		if ((open ?? 0) >= terms.most) return { ok: false, most: terms.most };
		insertSession(database, now, entry, terms.ttlMs);
	}
	const session = readSessions(database, now, entry.project).find(({ id }) => id === entry.id);
	if (session === undefined) throw new Error(`session ${entry.id} vanished inside a step`);
	return { ok: true, session, isNew: refreshed === 0 };
}

/** Ends a session in one project or in all; its locks and places in queues go with it. Answers in which. Part of a step; no hand-off yet. */
export function endSession(
	database: Database,
	now: number,
	id: SessionId,
	cause: "closed" | "died" | "expired",
	project: ProjectId | undefined,
): ProjectId[] {
	const rows = database.all<{ project: ProjectId; actor: string }>(
		"SELECT project, actor FROM sessions WHERE id = ? AND (? IS NULL OR project = ?)",
		id,
		project ?? null,
		project ?? null,
	);
	for (const row of rows) {
		const primary = primaryOf(database, row.project);
		const lockCause = cause === "died" ? "died" : "session_closed";
		removeTickets(database, now, ticketsOf(database, row.project, id), lockCause);
		removeHolds(database, now, holdsOf(database, row.project, id), { cause: lockCause });
		database.run("DELETE FROM presence WHERE project = ? AND session = ?", row.project, id);
		database.run("DELETE FROM sessions WHERE project = ? AND id = ?", row.project, id);
		appendEvent(database, row.project, { session: id, actor: row.actor }, { type: "session_disconnected", cause });
		if (cause === "died") addToCounter(database, "udo_sessions_died_total");
		const next = primaryOf(database, row.project);
		if (primary === id && next !== undefined) {
			appendEvent(database, row.project, { session: next }, { type: "session_promoted" });
		}
	}
	return rows.map((row) => row.project);
}

/** Ends the sessions that have not shown a sign of life for their whole TTL. Part of a step. */
export function endExpiredSessions(database: Database, now: number): void {
	const rows = database.all<{ project: ProjectId; id: SessionId }>(
		"SELECT project, id FROM sessions WHERE expires <= ? ORDER BY opened",
		now,
	);
	for (const row of rows) endSession(database, now, row.id, "expired", row.project);
}

/** Proves that sessions live, in one project or in all. Part of a step. */
export function beat(
	database: Database,
	now: number,
	sessions: readonly SessionId[],
	{ ttlMs, project }: { readonly ttlMs: number; readonly project: ProjectId | undefined },
): void {
	database.run(
		`UPDATE sessions SET beat = ?1, expires = ?2
		WHERE id IN (SELECT value FROM json_each(?3)) AND (?4 IS NULL OR project = ?4)`,
		now,
		now + ttlMs,
		JSON.stringify(sessions),
		project ?? null,
	);
}

export function readSessions(database: Database, now: number, project: ProjectId | undefined): Session[] {
	const rows = database.all<SessionRow>(
		"SELECT * FROM sessions WHERE ? IS NULL OR project = ? ORDER BY opened",
		project ?? null,
		project ?? null,
	);
	const seen = new Set<ProjectId>();
	return rows.map((row) => {
		const role = seen.has(row.project) ? "secondary" : "primary";
		seen.add(row.project);
		return {
			id: row.id,
			project: row.project,
			kind: row.kind,
			actor: row.actor,
			host: row.host,
			process: JSON.parse(row.process) as ProcessIdentity,
			worktree: row.worktree,
			branch: row.branch ?? undefined,
			role,
			ageMs: now - row.since,
			sinceHeartbeatMs: now - row.beat,
		};
	});
}

function insertSession(database: Database, now: number, entry: SessionEntry, ttlMs: number): void {
	database.run(
		`INSERT INTO sessions SELECT ?, ?, coalesce(max(opened), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM sessions`,
		entry.project,
		entry.id,
		entry.kind,
		entry.actor,
		entry.host,
		JSON.stringify(entry.process),
		entry.worktree,
		entry.branch ?? null,
		now,
		now,
		now + ttlMs,
	);
	addToCounter(database, "udo_sessions_opened_total");
	appendEvent(
		database,
		entry.project,
		{ session: entry.id },
		{
			type: "session_connected",
			kind: entry.kind,
			host: entry.host,
			worktree: entry.worktree,
		},
	);
}

function holdsOf(database: Database, project: ProjectId, session: SessionId): HoldRow[] {
	return database.all(
		"SELECT * FROM holds WHERE session = ? AND project = ? ORDER BY request, resource",
		session,
		project,
	);
}

function ticketsOf(database: Database, project: ProjectId, session: SessionId): TicketRow[] {
	return database.all("SELECT * FROM tickets WHERE session = ? AND project = ? ORDER BY ticket", session, project);
}

/** The oldest open session of a project. */
export function primaryOf(database: Database, project: ProjectId): SessionId | undefined {
	const sql = "SELECT id FROM sessions WHERE project = ? ORDER BY opened LIMIT 1";
	return database.get<{ id: SessionId }>(sql, project)?.id;
}

interface SessionRow {
	readonly project: ProjectId;
	readonly id: SessionId;
	readonly kind: Session["kind"];
	readonly actor: string;
	readonly host: string;
	readonly process: string;
	readonly worktree: string;
	readonly branch: string | null;
	readonly since: number;
	readonly beat: number;
}
