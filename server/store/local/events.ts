import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../../coordination/event.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Author } from "../store.ts";
import { nextNumber } from "./counters.ts";
import type { Database } from "./database.ts";

// Some two hundred bytes each: 40 MB of history at most.
const keptEvents = 200_000;
// Old entries go a few at a time, so that no step pays for many.
const forgetEvery = 100;

/** Adds an entry to the log. Part of a step. */
export function appendEvent(database: Database, project: ProjectId, from: Author, body: EventBody): void {
	const seq = nextNumber(database, "events");
	database.run(
		"INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
		project,
		seq,
		Date.now(),
		body.type,
		from.session ?? null,
		from.actor ?? null,
		JSON.stringify(body),
	);
	if (seq % forgetEvery === 0) {
		database.run("DELETE FROM events WHERE project = ? AND seq <= ?", project, seq - keptEvents);
	}
}

/** Adds an entry about an open session. Part of a step. */
export function appendEventOf(database: Database, project: ProjectId, session: SessionId, body: EventBody): void {
	const sql = "SELECT actor FROM sessions WHERE project = ? AND id = ?";
	const actor = database.get<{ actor: string }>(sql, project, session)?.actor;
	appendEvent(database, project, { session, actor }, body);
}

/** Reads the log, oldest first. */
export function readEvents(database: Database, query: EventQuery): UdoEvent[] {
	return select(database, query, query.after, Number.MAX_SAFE_INTEGER, "ASC");
}

/** Reads the log, newest first. */
export function readNewestEvents(database: Database, query: NewestQuery): UdoEvent[] {
	return select(database, query, 0, query.before ?? Number.MAX_SAFE_INTEGER, "DESC");
}

export function lastEvent(database: Database, project: ProjectId): number {
	const sql = "SELECT max(seq) AS seq FROM events WHERE project = ?";
	return database.get<{ seq: number | null }>(sql, project)?.seq ?? 0;
}

interface EventRow {
	readonly seq: number;
	readonly project: string;
	readonly at: number;
	readonly session: string | null;
	readonly actor: string | null;
	readonly body: string;
}

function select(
	database: Database,
	query: Omit<EventQuery, "after">,
	after: number,
	before: number,
	order: "ASC" | "DESC",
): UdoEvent[] {
	const rows = database.all<EventRow>(
		`SELECT seq, project, at, session, actor, body FROM events
		WHERE project = ? AND seq > ? AND seq < ? AND (? IS NULL OR session = ?)
			AND (? IS NULL OR type IN (SELECT value FROM json_each(?)))
		ORDER BY seq ${order} LIMIT ?`,
		query.project,
		after,
		before,
		query.session ?? null,
		query.session ?? null,
		query.types === undefined ? null : "",
		JSON.stringify(query.types ?? []),
		query.limit,
	);
	return rows.map((row) => ({
		...(JSON.parse(row.body) as EventBody),
		seq: row.seq,
		at: row.at,
		project: row.project as UdoEvent["project"],
		session: (row.session ?? undefined) as UdoEvent["session"],
		actor: row.actor ?? undefined,
	}));
}
