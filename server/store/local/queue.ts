import { conflicts, type Resource, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId } from "../../coordination/session.ts";
import { ticketLeaseMs } from "../store.ts";
import type { Database } from "./database.ts";
import { type Grantable, grant } from "./grants.ts";
import { parseOwner } from "./owner.ts";
import { isCovered, readRelated } from "./related.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/** A waiter: its row, and what it wants. */
export interface Place {
	readonly row: TicketRow;
	readonly wanted: Omit<Grantable, "owner">;
}

/** What stands against a request. */
export interface Standing {
	/** Locks of other sessions. */
	readonly holds: readonly HoldRow[];
	/** Waiters of other sessions that came before. */
	readonly waiters: readonly Place[];
	/** Locks of the request's own session that have to do with it. */
	readonly own: readonly HoldRow[];
}

/** All waiters of all projects, first come first. */
export function readQueue(database: Database): Place[] {
	return database.all<TicketRow>("SELECT * FROM tickets ORDER BY ticket").map((row) => ({
		row,
		wanted: {
			request: row.request,
			project: row.project,
			session: row.session,
			resources: (JSON.parse(row.resources) as string[]).map(resourceOf),
			origin: row.origin,
			ttlMs: row.ttl,
		},
	}));
}

/**
 * What stands against a request behind `earlier` waiters; at most `most` holds for each resource, -1 for all. A session may
 * always go deeper into what it holds: waiting behind somebody who waits for that very session would deadlock.
 */
export function standing(
	database: Database,
	wanted: Place["wanted"],
	earlier: readonly Place[],
	most: number,
): Standing {
	const holds = new Map<string, HoldRow>();
	const needed: Resource[] = [];
	const own: HoldRow[] = [];
	for (const resource of wanted.resources) {
		const related = readRelated(database, wanted, resource, most);
		own.push(...related.own);
		if (isCovered(resource, related.own)) continue;
		needed.push(resource);
		for (const row of related.others) holds.set(`${row.request} ${row.resource}`, row);
	}
	return { holds: [...holds.values()], waiters: ahead(earlier, wanted, needed), own };
}

export function isFree({ holds, waiters }: Standing): boolean {
	return holds.length === 0 && waiters.length === 0;
}

/**
 * Serves the queue: in order of arrival, every waiter that no lock and no earlier waiter stands against gets its locks. Must
 * follow whatever removed a hold or a ticket, in the same step: then no lock is ever free while somebody could have it.
 */
export function handOff(database: Database, now: number): void {
	const waiting: Place[] = [];
	for (const place of readQueue(database)) {
		const { row, wanted } = place;
		const against = isJustBehind(database, wanted, waiting) ? undefined : standing(database, wanted, waiting, 1);
		if (against === undefined || !isFree(against)) {
			waiting.push(place);
			continue;
		}
		database.run("DELETE FROM tickets WHERE ticket = ?", row.ticket);
		const owner = parseOwner(row.owner);
		const leaseMs = Math.min(ticketLeaseMs, wanted.ttlMs);
		grant(database, now, { ...wanted, ...(owner && { owner }) }, { leaseMs, handed: true, own: against.own });
	}
}

// Most of a long queue can be told by a glance: behind somebody, and with no lock that would let it pass.
function isJustBehind(database: Database, wanted: Place["wanted"], waiting: readonly Place[]): boolean {
	if (ahead(waiting, wanted, wanted.resources).length === 0) return false;
	return database.get("SELECT 1 FROM holds WHERE session = ?", wanted.session) === undefined;
}

function ahead(earlier: readonly Place[], wanted: Place["wanted"], needed: readonly Resource[]): Place[] {
	return earlier.filter(
		({ wanted: other }) =>
			other.session !== wanted.session &&
			needed.some((resource) =>
				other.resources.some((theirs) => exclude(wanted.project, resource, other.project, theirs)),
			),
	);
}

function exclude(project: ProjectId, resource: Resource, otherProject: ProjectId, other: Resource): boolean {
	const reaches = project === otherProject || resource.kind === "exclusive" || other.kind === "exclusive";
	return reaches && conflicts(resource, other);
}
