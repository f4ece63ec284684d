import type { Acquired, AcquireRequest, FencingToken } from "../../coordination/lock.ts";
import { resourceOf } from "../../coordination/resource.ts";
import { ticketLeaseMs } from "../store.ts";
import { describeBlockers, mostBlockers } from "./blockers.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { dueAt } from "./due.ts";
import { appendEventOf } from "./events.ts";
import { isFinished } from "./finished.ts";
import { distinctKeys, grant, removeHolds } from "./grants.ts";
import { findExcess } from "./limits.ts";
import { renew } from "./locks.ts";
import { handOff, isFree, type Place, readQueue, type Standing, standing } from "./queue.ts";
import type { HoldRow } from "./rows.ts";

/** See Store.acquire. Part of a step. */
export function acquire(database: Database, now: number, wanted: AcquireRequest): Acquired {
	const queue = readQueue(database);
	const known = answerAgain(database, now, wanted, queue);
	if (known !== undefined) return known;
	const isOpen = database.get("SELECT 1 FROM sessions WHERE project = ? AND id = ?", wanted.project, wanted.session);
	if (isOpen === undefined) return { ok: false, reason: "no-session" };
	const excess = findExcess(database, wanted, queue);
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

// A request that was seen before: the same answer as then, and a sign of life for its lease or its place in the queue.
function answerAgain(
	database: Database,
	now: number,
	{ request }: AcquireRequest,
	queue: readonly Place[],
): Acquired | undefined {
	const rows = database.all<HoldRow>("SELECT * FROM holds WHERE request = ?", request);
	const [first] = rows;
	if (first !== undefined && renew(database, now, request)) {
		const token = Math.max(...rows.map((row) => row.token)) as FencingToken;
		return { ok: true, request, token, leftMs: first.ttl, resources: rows.map(({ resource }) => resourceOf(resource)) };
	}
	if (first !== undefined || isFinished(database, now, request)) return { ok: false, reason: "finished" };
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
		wanted.owner === undefined ? null : JSON.stringify(wanted.owner),
		wanted.ttlMs,
		now,
		now + ticketLeaseMs,
	);
	dueAt(database, now + ticketLeaseMs);
	addToCounter(database, "udo_lock_waits_total");
	appendEventOf(database, wanted.project, wanted.session, {
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
