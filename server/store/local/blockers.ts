import type { Blocker, Origin, RequestId } from "../../coordination/lock.ts";
import type { ProcessIdentity } from "../../coordination/process.ts";
import { type Resource, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId, SessionKind } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import { parseOwner } from "./owner.ts";
import type { Standing } from "./queue.ts";

/** How many blockers an answer names. */
export const mostBlockers = 16;

/** Names who stands in the way: locks first, then waiters. */
export function describeBlockers(database: Database, now: number, { holds, waiters }: Standing): Blocker[] {
	const locks = holds.map((row) => ({ what: "lock" as const, resource: resourceOf(row.resource), row }));
	const places = waiters.flatMap(({ row, wanted }) =>
		wanted.resources.slice(0, 1).map((resource) => ({ what: "waiter" as const, resource, row })),
	);
	return [...locks, ...places]
		.slice(0, mostBlockers)
		.map(({ what, resource, row }) => describe(database, now, what, resource, row));
}

interface Standee {
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly request: RequestId;
	readonly origin: Origin;
	readonly owner: string | null;
	readonly since: number;
	readonly expires: number;
}

function describe(database: Database, now: number, what: Blocker["what"], resource: Resource, row: Standee): Blocker {
	const sql = "SELECT * FROM sessions WHERE project = ? AND id = ?";
	const session = database.get<{
		kind: SessionKind;
		actor: string;
		host: string;
		process: string;
		worktree: string;
		branch: string | null;
	}>(sql, row.project, row.session);
	if (session === undefined) throw new Error(`${row.request} belongs to ${row.session}, which is not open`);
	return {
		what,
		resource,
		project: row.project,
		session: row.session,
		kind: session.kind,
		actor: session.actor,
		host: session.host,
		worktree: session.worktree,
		branch: session.branch ?? undefined,
		request: row.request,
		origin: row.origin,
		ageMs: now - row.since,
		leftMs: row.expires - now,
		process: JSON.parse(session.process) as ProcessIdentity,
		owner: parseOwner(row.owner),
	};
}
