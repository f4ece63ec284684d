import type { Acquired, AcquireRequest, FencingToken } from "../../coordination/lock.ts";
import { resourceOf } from "../../coordination/resource.ts";
import { ticketLeaseMs } from "../store.ts";
import { describeBlockers, mostBlockers } from "./blockers.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { distinctKeys, grant, removeHolds } from "./grants.ts";
import { findExcess, type Usage } from "./limits.ts";
import { renew } from "./locks.ts";
import { formatOwner } from "./owner.ts";
import { handOff, isFree, type Place, readQueue, type Standing, standing } from "./queue.ts";
import type { HoldRow } from "./rows.ts";

/** See Store.acquire. Part of a step. */
export function acquire(database: Database, now: number, wanted: AcquireRequest): Acquired {
	const seen = glance(database, now, wanted);
	const queue = seen.waiters === 0 ? [] : readQueue(database);
	const known = answerAgain(database, now, wanted, seen, queue);
	if (known !== undefined) return known;
	if (seen.isOpen === 0) return { ok: false, reason: "no-session" };
	const excess = findExcess(database, wanted, seen, queue);
	if (excess !== undefined) return excess;
	if (wanted.steal !== undefined) return steal(database, now, wanted, wanted.steal.reason);

	const against = standing(database, wanted, queue, mostBlockers);
	if (isFree(against)) {
		return grant(database, now, wanted, { leaseMs: wanted.ttlMs, handed: false, own: against.own });
	}
	addToCounter(database, "udo_locks_refused_total");
	if (wanted.queue) takeTicket(database, now, wanted);
	return refusal(database, now, against, wanted.queue);
}

interface Glance extends Usage {
	readonly isHeld: 0 | 1;
	readonly isFinished: 0 | 1;
	readonly isOpen: 0 | 1;
	readonly waiters: 0 | 1;
}

// All that most requests need to know, in one statement.
function glance(database: Database, now: number, { request, project, session }: AcquireRequest): Glance {
	const found = database.get<Glance>(
		`SELECT EXISTS (SELECT 1 FROM holds WHERE request = ?1) AS isHeld,
			EXISTS (SELECT 1 FROM finished WHERE request = ?1 AND expires > ?2) AS isFinished,
			EXISTS (SELECT 1 FROM sessions WHERE project = ?3 AND id = ?4) AS isOpen,
			EXISTS (SELECT 1 FROM tickets) AS waiters,
			(SELECT count(DISTINCT resource) FROM holds WHERE session = ?4 AND project = ?3) AS bySession,
			coalesce((SELECT value FROM counters WHERE name = 'locks of ' || ?3), 0) AS inProject`,
		request,
		now,
		project,
		session,
	);
	if (found === undefined) throw new Error("a SELECT without FROM has no row");
	return found;
}

// A request that was seen before: the same answer as then, and a sign of life for its lease or its place in the queue.
function answerAgain(
	database: Database,
	now: number,
	{ request }: AcquireRequest,
	seen: Glance,
	queue: readonly Place[],
): Acquired | undefined {
	if (seen.isHeld === 1 && renew(database, now, request)) {
		const rows = database.all<HoldRow>("SELECT * FROM holds WHERE request = ?", request);
		const token = Math.max(...rows.map((row) => row.token)) as FencingToken;
		const leftMs = rows[0]?.ttl ?? 0;
		return {
			ok: true,
			request,
			token,
			leftMs,
			resources: rows.map(({ resource }) => resourceOf(resource)),
			isLocalOnly: false,
		};
	}
	if (seen.isHeld === 1 || seen.isFinished === 1) return { ok: false, reason: "finished" };
	const place = queue.find(({ row }) => row.request === request);
	if (place === undefined) return undefined;
	database.run("UPDATE tickets SET expires = ? WHERE ticket = ?", now + ticketLeaseMs, place.row.ticket);
	const earlier = queue.slice(0, queue.indexOf(place));
	return refusal(database, now, standing(database, place.wanted, earlier, mostBlockers), true);
}

function steal(database: Database, now: number, wanted: AcquireRequest, reason: string): Acquired {
	const { holds, own } = standing(database, wanted, [], -1);
	removeHolds(database, now, holds, { cause: "stolen", by: wanted.session, reason });
	const victims = [...new Set(holds.map(({ session }) => session))];
	if (victims.length > 0) addToCounter(database, "udo_locks_stolen_total");
	const granted = grant(database, now, wanted, {
		leaseMs: wanted.ttlMs,
		handed: false,
		own,
		...(victims.length > 0 && { stolen: { reason, victims } }),
	});
	handOff(database, now);
	return granted;
}

function takeTicket(database: Database, now: number, wanted: AcquireRequest): void {
	const resources = distinctKeys(wanted.resources);
	database.run(
		`INSERT INTO tickets (request, project, session, resources, origin, owner, ttl, since, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		wanted.request,
		wanted.project,
		wanted.session,
		JSON.stringify(resources),
		wanted.origin,
		formatOwner(wanted.owner),
		wanted.ttlMs,
		now,
		now + ticketLeaseMs,
	);
	addToCounter(database, "udo_lock_waits_total");
	appendEvent(database, wanted.project, wanted, {
		type: "lock_queued",
		request: wanted.request,
		resources,
	});
}

function refusal(database: Database, now: number, against: Standing, queued: boolean): Acquired {
	return {
		ok: false,
		reason: "held",
		queued,
		ahead: against.waiters.length,
		blockers: describeBlockers(database, now, against),
	};
}
