import type { Acquired, AcquireRequest, FencingToken, Hold, Lock, Waiter } from "../../coordination/lock.ts";
import type { ProcessIdentity } from "../../coordination/process.ts";
import { type Resource, type ResourceKey, resourceKey, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import { ticketLeaseMs } from "../store.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { authorOf, finish, grant, removeHolds, removeTickets } from "./grants.ts";
import { describeBlockers, handOff, standing } from "./queue.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** See Store.acquire. Part of a step. */
export function acquire(database: Database, now: number, wanted: AcquireRequest): Acquired {
	const known = answerAgain(database, now, wanted);
	if (known !== undefined) return known;
	const isOpen = database.get("SELECT 1 FROM sessions WHERE project = ? AND id = ?", wanted.project, wanted.session);
	if (isOpen === undefined) return { ok: false, reason: "no-session" };
	const excess = overLimit(database, wanted);
	if (excess !== undefined) return excess;
	if (wanted.steal !== undefined) return steal(database, now, wanted, wanted.steal.reason);

	const against = standing(database, wanted);
	if (against.holds.length === 0 && against.waiters.length === 0) {
		return grant(database, now, wanted, { leaseMs: wanted.ttlMs, handed: false });
	}
	addToCounter(database, "udo_locks_refused_total");
	if (wanted.queue) takeTicket(database, now, wanted);
	return {
		ok: false,
		reason: "held",
		queued: wanted.queue,
		ahead: against.waiters.length,
		blockers: describeBlockers(database, now, against),
	};
}

/** See Store.renew. Part of a step. */
export function renew(database: Database, now: number, request: string): boolean {
	const { n, size } = countHolds(database, request);
	if (n === 0 || n !== size) return false;
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
export function release(database: Database, now: number, request: string, cause: "released" | "died"): boolean {
	const rows = database.all<HoldRow>("SELECT * FROM holds WHERE request = ? ORDER BY resource", request);
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
export function cancel(
	database: Database,
	now: number,
	request: AcquireRequest["request"],
	cause: "cancelled" | "died",
): void {
	const tickets = database.all<TicketRow>("SELECT * FROM tickets WHERE request = ?", request);
	const holds = database.all<HoldRow>("SELECT * FROM holds WHERE request = ? ORDER BY resource", request);
	removeTickets(database, now, tickets, cause);
	removeHolds(database, now, holds, { cause: cause === "died" ? "died" : "released" });
	finish(database, now, request);
	if (tickets.length + holds.length > 0) handOff(database, now);
}

/** See Store.peek. */
export function peek(database: Database, request: string): "waiting" | "granted" | "gone" {
	const held = countHolds(database, request);
	if (held.n > 0 && held.n === held.size) return "granted";
	return database.get("SELECT 1 FROM tickets WHERE request = ?", request) === undefined ? "gone" : "waiting";
}

/** The locks that matter to a project: its own, and the exclusive ones of others. */
export function readLocks(database: Database, now: number, project: ProjectId): Lock[] {
	const rows = database.all<LockRow>(
		"SELECT * FROM holds WHERE project = ? OR kind = 'exclusive' ORDER BY since, request, resource",
		project,
	);
	const groups = new Map<string, [LockRow, ...LockRow[]]>();
	for (const row of rows) {
		const key = `${row.project} ${row.resource}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [row]);
		else group.push(row);
	}
	return [...groups.values()].map((group) => toLock(now, group));
}

/** The queue of a project, first come first. */
export function readWaiters(database: Database, now: number, project: ProjectId): Waiter[] {
	return database.all<TicketRow>("SELECT * FROM tickets WHERE project = ? ORDER BY ticket", project).map((row) => ({
		ticket: row.ticket,
		request: row.request,
		project: row.project,
		session: row.session,
		resources: (JSON.parse(row.resources) as string[]).map(resourceOf),
		origin: row.origin,
		owner: parseOwner(row.owner),
		ageMs: now - row.since,
	}));
}

// A request that was seen before: the same answer as then, and a sign of life for its lease or its place in the queue.
function answerAgain(database: Database, now: number, wanted: AcquireRequest): Acquired | undefined {
	const rows = database.all<LockRow>("SELECT * FROM holds WHERE request = ? ORDER BY resource", wanted.request);
	const [first] = rows;
	if (first !== undefined) {
		if (rows.length !== first.size) return { ok: false, reason: "finished" };
		database.run("UPDATE holds SET expires = ? + ttl WHERE request = ?", now, wanted.request);
		return {
			ok: true,
			request: wanted.request,
			token: Math.max(...rows.map(({ token }) => token)) as FencingToken,
			leftMs: first.ttl,
			resources: rows.map(({ resource }) => resourceOf(resource)),
		};
	}
	if (database.get("SELECT 1 FROM finished WHERE request = ?", wanted.request) !== undefined) {
		return { ok: false, reason: "finished" };
	}
	const ticket = database.get<TicketRow>("SELECT * FROM tickets WHERE request = ?", wanted.request);
	if (ticket === undefined) return undefined;
	database.run("UPDATE tickets SET expires = ? WHERE ticket = ?", now + ticketLeaseMs, ticket.ticket);
	const against = standing(database, wanted, ticket.ticket);
	return {
		ok: false,
		reason: "held",
		queued: true,
		ahead: against.waiters.length,
		blockers: describeBlockers(database, now, against),
	};
}

// Places in the queue count as well: they become locks without anybody asking again.
function overLimit(database: Database, { project, session, resources, limits }: AcquireRequest): Acquired | undefined {
	const mine = new Set(
		database
			.all<HoldRow>("SELECT * FROM holds WHERE session = ? AND project = ?", session, project)
			.map(({ resource }) => resource),
	);
	const fresh = new Set(resources.map(resourceKey).filter((key) => !mine.has(key))).size;
	const bySession = mine.size + queued(database, "session = ? AND project = ?", session, project);
	if (fresh > 0 && bySession + fresh > limits.perSession) {
		return { ok: false, reason: "limit", limit: "perSession", most: limits.perSession, held: bySession };
	}
	const used = database.get<{ holds: number }>("SELECT holds FROM usage WHERE project = ?", project)?.holds ?? 0;
	const byProject = used + queued(database, "project = ?", project);
	if (fresh > 0 && byProject + fresh > limits.perProject) {
		return { ok: false, reason: "limit", limit: "perProject", most: limits.perProject, held: byProject };
	}
	return undefined;
}

function queued(database: Database, where: string, ...values: string[]): number {
	const sql = `SELECT coalesce(sum(json_array_length(resources)), 0) AS n FROM tickets WHERE ${where}`;
	return database.get<{ n: number }>(sql, ...values)?.n ?? 0;
}

function steal(database: Database, now: number, wanted: AcquireRequest, reason: string): Acquired {
	const { holds } = standing(database, wanted);
	removeHolds(database, now, holds, { cause: "stolen", by: wanted.session, reason });
	const victims = [...new Set(holds.map(({ session }) => session))];
	if (victims.length > 0) addToCounter(database, "udo_locks_stolen_total");
	const granted = grant(database, now, wanted, {
		leaseMs: wanted.ttlMs,
		handed: false,
		...(victims.length > 0 && { stolen: { reason, victims } }),
	});
	handOff(database, now);
	return granted;
}

function takeTicket(database: Database, now: number, wanted: AcquireRequest): void {
	const keys = [...new Set(wanted.resources.map(resourceKey))];
	database.run(
		`INSERT INTO tickets (request, project, session, resources, origin, owner, ttl, since, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		wanted.request,
		wanted.project,
		wanted.session,
		JSON.stringify(keys),
		wanted.origin,
		wanted.owner === undefined ? null : JSON.stringify(wanted.owner),
		wanted.ttlMs,
		now,
		now + ticketLeaseMs,
	);
	addToCounter(database, "udo_lock_waits_total");
	appendEvent(database, wanted.project, authorOf(database, wanted.project, wanted.session), {
		type: "lock_queued",
		request: wanted.request,
		resources: keys,
	});
}

function toLock(now: number, group: readonly [LockRow, ...LockRow[]]): Lock {
	const [first] = group;
	return {
		resource: resourceOf(first.resource),
		project: first.project,
		session: first.session,
		token: first.token as FencingToken,
		origin: group.some(({ origin }) => origin === "claim") ? "claim" : "edit",
		count: group.length,
		ageMs: now - Math.min(...group.map(({ since }) => since)),
		leftMs: Math.max(0, ...group.map(({ expires }) => expires - now)),
		holds: group.map(({ request, origin, owner }): Hold => ({ request, origin, owner: parseOwner(owner) })),
	};
}

function countHolds(database: Database, request: string): { readonly n: number; readonly size: number | null } {
	const sql = "SELECT count(*) AS n, max(size) AS size FROM holds WHERE request = ?";
	return database.get(sql, request) ?? { n: 0, size: null };
}

function parseOwner(owner: string | null): ProcessIdentity | undefined {
	return owner === null ? undefined : (JSON.parse(owner) as ProcessIdentity);
}

interface LockRow extends HoldRow {
	readonly token: number;
	readonly origin: Hold["origin"];
	readonly size: number;
	readonly owner: string | null;
	readonly ttl: number;
	readonly since: number;
	readonly expires: number;
}
