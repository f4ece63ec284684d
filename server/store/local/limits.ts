import type { Acquired, AcquireRequest } from "../../coordination/lock.ts";
import { readNumber } from "./counters.ts";
import type { Database } from "./database.ts";
import { distinctKeys } from "./grants.ts";
import type { Place } from "./queue.ts";

/**
 * The limit that a request would break, if any. Places in the queue count like locks, since they become locks without anybody
 * asking again; what the session holds already may be acquired again without limit.
 */
export function findExcess(
	database: Database,
	{ project, session, resources, limits }: AcquireRequest,
	queue: readonly Place[],
): Acquired | undefined {
	const sql = "SELECT DISTINCT resource FROM holds WHERE session = ? AND project = ?";
	const mine = new Set(database.all<{ resource: string }>(sql, session, project).map(({ resource }) => resource));
	const fresh = distinctKeys(resources).filter((key) => !mine.has(key)).length;
	if (fresh === 0) return undefined;
	const places = queue.filter(({ row }) => row.project === project);
	const held = {
		perSession: mine.size + size(places.filter(({ row }) => row.session === session)),
		perProject: readNumber(database, `locks of ${project}`) + size(places),
	};
	for (const limit of ["perSession", "perProject"] as const) {
		if (held[limit] + fresh > limits[limit]) {
			return { ok: false, reason: "limit", limit, most: limits[limit], held: held[limit] };
		}
	}
	return undefined;
}

function size(places: readonly Place[]): number {
	return places.reduce((sum, { wanted }) => sum + wanted.resources.length, 0);
}
