import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../../coordination/event.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";

// Some two hundred bytes each: 40 MB of history of a project at most.
const keptEvents = 200_000;
// Old entries go a few at a time, so that no step pays for many.
const forgetEvery = 100;

/** Adds an entry to the log; the actor is looked up among the open sessions when it is not given. Part of a step. */
export function appendEvent(
	database: Database,
	project: ProjectId,
	from: { readonly session: SessionId | undefined; readonly actor?: string | undefined },
	{ type, ...body }: EventBody,
): void {
	database.run(
		`INSERT INTO events SELECT ?1, 1 + coalesce((SELECT max(seq) FROM events WHERE project = ?1), 0), ?3, ?4, ?2,
			coalesce(?5, (SELECT actor FROM sessions WHERE project = ?1 AND id = ?2)), ?6`,
		project,
		from.session ?? null,
		Date.now(),
		type,
		from.actor ?? null,
		JSON.stringify(body),
	);
	if (Math.random() < 1 / forgetEvery) {
		const sql = "DELETE FROM events WHERE project = ? AND seq <= ?";
		database.run(sql, project, lastEvent(database, project) - keptEvents);
	}
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
	readonly type: string;
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
		`SELECT seq, project, at, type, session, actor, body FROM events
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
		...({ type: row.type, ...JSON.parse(row.body) } as EventBody),
		seq: row.seq,
		at: row.at,
		project: row.project as UdoEvent["project"],
		session: (row.session ?? undefined) as UdoEvent["session"],
		actor: row.actor ?? undefined,
	}));
}
