import { coveringKeys, covers, descendantRange, type Resource, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import type { HoldRow } from "./rows.ts";

/** The holds that a request for a resource has to do with: its session's that may cover it, and others' that exclude it. */
export interface Related {
	readonly own: readonly HoldRow[];
	readonly others: readonly HoldRow[];
}

/** Finds them; of what is inside the resource at most `most` holds, -1 for all. */
export function readRelated(
	database: Database,
	{ project, session }: { readonly project: ProjectId; readonly session: SessionId },
	resource: Resource,
	most: number,
): Related {
	const keys = JSON.stringify(coveringKeys(resource));
	const range = descendantRange(resource);
	const own: HoldRow[] = [];
	const others: HoldRow[] = [];
	const rows =
		range === undefined
			? database.all<HoldRow>(around, project, keys)
			: database.all<HoldRow>(`${around} UNION ALL ${inside}`, project, keys, session, range.from, range.to, most);
	for (const row of rows) (row.session === session ? own : others).push(row);
	if (resource.kind !== "project" && resource.kind !== "exclusive") return { own, others };
	const sql = `SELECT * FROM holds WHERE session <> ? AND (project = ? OR ? = 'exclusive') ORDER BY since LIMIT ?`;
	return { own, others: [...others, ...database.all<HoldRow>(sql, session, project, resource.kind, most)] };
}

/** Whether somebody who has these may have `resource`. */
export function isCovered(resource: Resource, own: readonly HoldRow[]): boolean {
	return own.some((row) => covers(resourceOf(row.resource), resource));
}

// The exclusive locks of all projects, and what is above the resource or is the resource.
const around = `SELECT * FROM holds WHERE kind = 'exclusive'
	UNION ALL SELECT * FROM holds WHERE project = ?1 AND resource IN (SELECT value FROM json_each(?2))`;

const inside = `SELECT * FROM (
	SELECT * FROM holds WHERE project = ?1 AND resource > ?4 AND resource < ?5 AND session <> ?3 LIMIT ?6
)`;
