import type { EventBody, ReleaseCause } from "../../coordination/event.ts";
import type { AcquireRequest, FencingToken, Granted, RequestId } from "../../coordination/lock.ts";
import { type Resource, type ResourceKey, resourceKey, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import { type Author, finishedMemoryMs } from "../store.ts";
import { addToCounter } from "./counters.ts";
import type { Database } from "./database.ts";
import { appendEvent } from "./events.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** What a grant needs to know of a request; a ticket keeps just this. */
export type Grantable = Omit<AcquireRequest, "queue" | "steal" | "limits">;

/** Writes the holds of a request that nothing stands against, with a lease of `leaseMs`. Part of a step. */
export function grant(
	database: Database,
	now: number,
	wanted: Grantable,
	how: { readonly leaseMs: number; readonly handed: boolean; readonly stolen?: StolenFrom },
): Granted {
	const keys = [...new Set(wanted.resources.map(resourceKey))];
	const owned = keys.map((key) => ({ key, token: ownToken(database, wanted, key) }));
	const fresh = owned.some(({ token }) => token === undefined) ? nextToken(database) : 0;
	const owner = wanted.owner === undefined ? null : JSON.stringify(wanted.owner);
	let largest = 0;
	for (const { key, token = fresh } of owned) {
		largest = Math.max(largest, token);
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
			now + how.leaseMs,
		);
	}
	addToCounter(database, "udo_locks_acquired_total");
	appendEvent(database, wanted.project, authorOf(database, wanted.project, wanted.session), {
		type: "lock_acquired",
		request: wanted.request,
		resources: keys,
		token: largest,
		origin: wanted.origin,
		handed: how.handed,
		...(how.stolen !== undefined && { stolen: how.stolen }),
	});
	return {
		ok: true,
		request: wanted.request,
		token: largest as FencingToken,
		leftMs: how.leaseMs,
		resources: keys.map(resourceOf),
	};
}

export interface StolenFrom {
	readonly reason: string;
	readonly victims: readonly SessionId[];
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
		if (database.get("SELECT 1 FROM holds WHERE request = ? LIMIT 1", first.request) === undefined) {
			finish(database, now, first.request);
		}
		addToCounter(database, why.cause === "expired" ? "udo_locks_expired_total" : "udo_locks_released_total");
		appendEvent(database, first.project, authorOf(database, first.project, first.session), {
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
		addToCounter(database, "udo_lock_waits_abandoned_total");
		appendEvent(database, row.project, authorOf(database, row.project, row.session), {
			type: "lock_cancelled",
			request: row.request,
			resources: JSON.parse(row.resources) as ResourceKey[],
			cause,
		});
	}
}

/** Remembers that a request is over, so that a late copy of it is refused. */
export function finish(database: Database, now: number, request: RequestId): void {
	database.run("INSERT OR REPLACE INTO finished VALUES (?, ?)", request, now + finishedMemoryMs);
}

/** The session as the log names it. */
export function authorOf(database: Database, project: ProjectId, session: SessionId): Author {
	const sql = "SELECT actor FROM sessions WHERE project = ? AND id = ?";
	return { session, actor: database.get<{ actor: string }>(sql, project, session)?.actor };
}

// What a session already holds of exactly this resource keeps its token: another acquire of it is the same lock.
function ownToken(database: Database, wanted: Grantable, key: ResourceKey): number | undefined {
	return database.get<{ token: number }>(
		"SELECT token FROM holds WHERE project = ? AND resource = ? AND session = ? LIMIT 1",
		wanted.project,
		key,
		wanted.session,
	)?.token;
}

// One counter for all projects of this machine: an exclusive lock's token is then the newest in each of them.
function nextToken(database: Database): number {
	const row = database.get<{ value: number }>("UPDATE meta SET value = value + 1 WHERE key = 'fence' RETURNING value");
	if (row === undefined) throw new Error("the store has no fence counter");
	return row.value;
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
