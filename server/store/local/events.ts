import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../../coordination/event.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { Author } from "../store.ts";
import type { Database } from "./database.ts";

// About a hundred bytes each: some 20 MB of history at most.
const keptEvents = 200_000;

/** Adds an entry to the log, and once in a while forgets the oldest ones. Part of a step. */
export function appendEvent(database: Database, project: ProjectId, from: Author, body: EventBody): void {
	const row = database.get<{ seq: number }>(
		"INSERT INTO events (project, at, type, session, actor, body) VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
		project,
		Date.now(),
		body.type,
		from.session ?? null,
		from.actor ?? null,
		JSON.stringify(body),
	);
	if (row !== undefined && row.seq % 1000 === 0)
		database.run("DELETE FROM events WHERE seq <= ?", row.seq - keptEvents);
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
	return (
		database.get<{ seq: number | null }>("SELECT max(seq) AS seq FROM events WHERE project = ?", project)?.seq ?? 0
	);
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
