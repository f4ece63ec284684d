import type { Acquired, AcquireRequest } from "../../coordination/lock.ts";
import type { Database } from "./database.ts";
import { distinctKeys } from "./grants.ts";
import type { Place } from "./queue.ts";

/** How many locks there are already, the queue not counted. */
export interface Usage {
	readonly bySession: number;
	readonly inProject: number;
}

/**
 * The limit that a request would break, if any. Places in the queue count like locks, since they become locks without anybody
 * asking again; what the session holds already may be acquired again without limit.
 */
export function findExcess(
	database: Database,
	wanted: AcquireRequest,
	usage: Usage,
	queue: readonly Place[],
): Acquired | undefined {
	const { project, session, resources, limits } = wanted;
	const places = queue.filter(({ row }) => row.project === project);
	const held = {
		perSession: usage.bySession + size(places.filter(({ row }) => row.session === session)),
		perProject: usage.inProject + size(places),
	};
	const exceeded = (more: number) =>
		(["perSession", "perProject"] as const).find((limit) => held[limit] + more > limits[limit]);
	if (exceeded(resources.length) === undefined) return undefined;

	const sql = "SELECT 1 FROM holds WHERE project = ? AND resource = ? AND session = ?";
	const isHeld = (key: string) => database.get(sql, project, key, session) !== undefined;
	const fresh = distinctKeys(resources).filter((key) => !isHeld(key)).length;
	const limit = fresh === 0 ? undefined : exceeded(fresh);
	if (limit === undefined) return undefined;
	return { ok: false, reason: "limit", limit, most: limits[limit], held: held[limit] };
}

function size(places: readonly Place[]): number {
	return places.reduce((sum, { wanted }) => sum + wanted.resources.length, 0);
}
