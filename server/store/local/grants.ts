import type { EventBody, ReleaseCause } from "../../coordination/event.ts";
import type { AcquireRequest, FencingToken, Granted, RequestId } from "../../coordination/lock.ts";
import { type Resource, type ResourceKey, resourceKey, resourceOf } from "../../coordination/resource.ts";
import type { SessionId } from "../../coordination/session.ts";
import { addToCounter, nextToken } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import { finish } from "./finished.ts";
import { formatOwner } from "./owner.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** What a grant needs to know of a request; a ticket keeps just this. */
export type Grantable = Omit<AcquireRequest, "queue" | "steal" | "limits">;

export interface GrantTerms {
	readonly leaseMs: number;
	/** Whether it comes from the queue. */
	readonly handed: boolean;
	/** What the session holds already: another acquire of exactly that is the same lock and keeps its token. */
	readonly own: readonly HoldRow[];
	readonly stolen?: { readonly reason: string; readonly victims: readonly SessionId[] };
}

/** Writes the holds of a request that nothing stands against. Part of a step. */
export function grant(database: Database, now: number, wanted: Grantable, terms: GrantTerms): Granted {
	const keys = distinctKeys(wanted.resources);
	const tokens = new Map(
		terms.own.filter(({ project }) => project === wanted.project).map(({ resource, token }) => [resource, token]),
	);
	const fresh = keys.every((key) => tokens.has(key)) ? 0 : nextToken(database);
	const given = keys.map((key) => ({ key, token: tokens.get(key) ?? fresh }));
	const owner = formatOwner(wanted.owner);
	const expires = now + terms.leaseMs;
	for (const { key, token } of given) {
		database.run(
			"INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			wanted.project,
			key,
			wanted.request,
			resourceOf(key).kind,
			wanted.session,
			token,
			wanted.origin,
			keys.length,
			owner,
			wanted.ttlMs,
			now,
			expires,
		);
	}
	if (terms.handed) database.announce(wanted.request, "granted");
	addToCounter(database, "udo_locks_acquired_total");
	const token = Math.max(...given.map((each) => each.token)) as FencingToken;
	appendEvent(database, wanted.project, wanted, {
		type: "lock_acquired",
		request: wanted.request,
		resources: keys,
		token,
		origin: wanted.origin,
		handed: terms.handed,
		...(terms.stolen !== undefined && { stolen: terms.stolen }),
	});
	return {
		ok: true,
		request: wanted.request,
		token,
		leftMs: terms.leaseMs,
		resources: keys.map(resourceOf),
		isLocalOnly: false,
	};
}

/** Removes holds and says so in the log, one entry a request; answers the resources. The caller hands the queue on. */
export function removeHolds(
	database: Database,
	now: number,
	rows: readonly HoldRow[],
	why: { readonly cause: ReleaseCause; readonly by?: SessionId; readonly reason?: string },
): Resource[] {
	for (const [first, ...others] of groupByRequest(rows)) {
		const resources = [first, ...others].map(({ resource }) => resource);
		for (const resource of resources) {
			const sql = "DELETE FROM holds WHERE project = ? AND resource = ? AND request = ?";
			database.run(sql, first.project, resource, first.request);
		}
		const isWhole = resources.length === first.size;
		if (isWhole || database.get("SELECT 1 FROM holds WHERE request = ?", first.request) === undefined) {
			finish(database, now, first.request);
		}
		if (why.cause !== "released") database.announce(first.request, "over");
		addToCounter(database, why.cause === "expired" ? "udo_locks_expired_total" : "udo_locks_released_total");
		appendEvent(database, first.project, first, {
			type: "lock_released",
			request: first.request,
			resources,
			...why,
		});
	}
	return [...new Set(rows.map(({ resource }) => resource))].map(resourceOf);
}

/** Takes waiters out of the queue and says so in the log. The caller hands the queue on. */
export function removeTickets(
	database: Database,
	now: number,
	rows: readonly TicketRow[],
	cause: Extract<EventBody, { type: "lock_cancelled" }>["cause"],
): void {
	for (const row of rows) {
		database.run("DELETE FROM tickets WHERE ticket = ?", row.ticket);
		finish(database, now, row.request);
		database.announce(row.request, "over");
		addToCounter(database, "udo_lock_waits_abandoned_total");
		appendEvent(database, row.project, row, {
			type: "lock_cancelled",
			request: row.request,
			resources: JSON.parse(row.resources) as ResourceKey[],
			cause,
		});
	}
}

/** The keys of some resources, each once. */
export function distinctKeys(resources: readonly Resource[]): ResourceKey[] {
	return [...new Set(resources.map(resourceKey))];
}

function groupByRequest(rows: readonly HoldRow[]): (readonly [HoldRow, ...HoldRow[]])[] {
	const groups = new Map<RequestId, [HoldRow, ...HoldRow[]]>();
	for (const row of rows) {
		const group = groups.get(row.request);
		if (group === undefined) groups.set(row.request, [row]);
		else group.push(row);
	}
	return [...groups.values()];
}
