import type { FencingToken, Hold, Lock, RequestId, Waiter } from "../../coordination/lock.ts";
import { type Resource, type ResourceKey, resourceKey, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import { finish } from "./finished.ts";
import { removeHolds, removeTickets } from "./grants.ts";
import { parseOwner } from "./owner.ts";
import { handOff, readQueue } from "./queue.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** See Store.renew. Part of a step. */
export function renew(database: Database, now: number, request: RequestId): boolean {
	if (!isWhole(database, request)) return false;
	database.run("UPDATE holds SET expires = ? + ttl WHERE request = ?", now, request);
	return true;
}

/** See Store.renewClaims. Part of a step. */
export function renewClaims(database: Database, now: number, project: ProjectId, session: SessionId): void {
	database.run(
		"UPDATE holds SET expires = ? + ttl WHERE session = ? AND project = ? AND owner IS NULL AND origin = 'claim'",
		now,
		session,
		project,
	);
}

/** See Store.release. Part of a step. */
export function release(database: Database, now: number, request: RequestId, cause: "released" | "died"): boolean {
	const rows = holdsOf(database, request);
	removeHolds(database, now, rows, { cause });
	if (rows.length > 0) handOff(database, now);
	return rows.length > 0;
}

/** See Store.releaseClaims. Part of a step. */
export function releaseClaims(
	database: Database,
	now: number,
	project: ProjectId,
	session: SessionId,
	resources: readonly Resource[] | undefined,
): Resource[] {
	const claims = database.all<HoldRow>(
		`SELECT * FROM holds WHERE session = ? AND project = ? AND owner IS NULL AND origin = 'claim'
		ORDER BY since, resource`,
		session,
		project,
	);
	const keys = resources && new Set<ResourceKey>(resources.map(resourceKey));
	const rows = claims.filter(({ resource }) => keys === undefined || keys.has(resource));
	const released = removeHolds(database, now, rows, { cause: "released" });
	if (rows.length > 0) handOff(database, now);
	return released;
}

/** See Store.cancel. Part of a step. */
export function cancel(database: Database, now: number, request: RequestId, cause: "cancelled" | "died"): void {
	const tickets = database.all<TicketRow>("SELECT * FROM tickets WHERE request = ?", request);
	const holds = holdsOf(database, request);
	removeTickets(database, now, tickets, cause);
	removeHolds(database, now, holds, { cause: cause === "died" ? "died" : "released" });
	finish(database, now, request);
	if (tickets.length + holds.length > 0) handOff(database, now);
}

/** See Store.peek. */
export function peek(database: Database, request: RequestId): "waiting" | "granted" | "gone" {
	if (isWhole(database, request)) return "granted";
	return database.get("SELECT 1 FROM tickets WHERE request = ?", request) === undefined ? "gone" : "waiting";
}

/** See Store.locks. */
export function readLocks(database: Database, now: number, project: ProjectId): Lock[] {
	const rows = database.all<HoldRow>(
		"SELECT * FROM holds WHERE project = ? OR kind = 'exclusive' ORDER BY since, token, resource, request",
		project,
	);
	const groups = new Map<string, [HoldRow, ...HoldRow[]]>();
	for (const row of rows) {
		const key = `${row.project} ${row.resource}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [row]);
		else group.push(row);
	}
	return [...groups.values()].map((group) => toLock(now, group));
}

/** See Store.waiters. */
export function readWaiters(database: Database, now: number, project: ProjectId): Waiter[] {
	return readQueue(database)
		.filter(({ wanted }) => wanted.project === project || wanted.resources.some(({ kind }) => kind === "exclusive"))
		.map(({ row, wanted: { ttlMs: _ttlMs, ...wanted } }) => ({
			...wanted,
			ticket: row.ticket,
			owner: parseOwner(row.owner),
			ageMs: now - row.since,
		}));
}

// A request is granted as long as none of what it got was taken away.
function isWhole(database: Database, request: RequestId): boolean {
	const sql = "SELECT count(*) AS n, max(size) AS size FROM holds WHERE request = ?";
	const row = database.get<{ n: number; size: number | null }>(sql, request);
	return row !== undefined && row.n > 0 && row.n === row.size;
}

function holdsOf(database: Database, request: RequestId): HoldRow[] {
	return database.all("SELECT * FROM holds WHERE request = ? ORDER BY project, resource", request);
}

function toLock(now: number, group: readonly [HoldRow, ...HoldRow[]]): Lock {
	const [first] = group;
	return {
		resource: resourceOf(first.resource),
		project: first.project,
		session: first.session,
		token: first.token as FencingToken,
		origin: group.some(({ origin }) => origin === "claim") ? "claim" : "edit",
		count: group.length,
		ageMs: now - Math.min(...group.map(({ since }) => since)),
		leftMs: Math.max(...group.map(({ expires }) => expires)) - now,
		isLocalOnly: false,
		holds: group.map(({ request, origin, owner }): Hold => ({ request, origin, owner: parseOwner(owner) })),
	};
}
