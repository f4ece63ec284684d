import type { Blocker, Origin, RequestId } from "../../coordination/lock.ts";
import type { ProcessIdentity } from "../../coordination/process.ts";
import {
	conflicts,
	coveringKeys,
	descendantRange,
	type Resource,
	resourceKey,
	resourceOf,
} from "../../coordination/resource.ts";
import type { ProjectId, SessionId, SessionKind } from "../../coordination/session.ts";
import { ticketLeaseMs } from "../store.ts";
import type { Database } from "./database.ts";
import { type Grantable, grant } from "./grants.ts";
import type { HoldRow, TicketRow } from "./rows.ts";

/**
 * Serves the queue: in order of arrival, every waiter that no lock and no earlier waiter stands against gets its locks. Must
 * follow whatever removed a hold or a ticket, in the same step: then no lock is ever free while somebody could have it.
 */
export function handOff(database: Database, now: number): void {
	const waiting: WaitingTicket[] = [];
	for (const ticket of readTickets(database)) {
		const needed = uncovered(database, ticket.wanted);
		if (ahead(waiting, ticket.wanted, needed).length > 0 || findHolds(database, ticket.wanted, needed, 1).length > 0) {
			waiting.push(ticket);
			continue;
		}
		database.run("DELETE FROM tickets WHERE ticket = ?", ticket.row.ticket);
		grant(database, now, ticket.wanted, { leaseMs: Math.min(ticketLeaseMs, ticket.wanted.ttlMs), handed: true });
	}
}

/** What stands against a request now: locks of other sessions, and waiters of other sessions that came before `ticket`. */
export function standing(database: Database, wanted: Grantable, ticket = Number.MAX_SAFE_INTEGER): Standing {
	const needed = uncovered(database, wanted);
	if (needed.length === 0) return { holds: [], waiters: [] };
	const earlier = readTickets(database).filter(({ row }) => row.ticket < ticket);
	return {
		holds: findHolds(database, wanted, needed, 1000),
		waiters: ahead(earlier, wanted, needed).map(({ row }) => row),
	};
}

export interface Standing {
	readonly holds: readonly HoldRow[];
	readonly waiters: readonly TicketRow[];
}

/** Names who stands in the way: locks first, then waiters, at most 16. */
export function describeBlockers(database: Database, now: number, { holds, waiters }: Standing): Blocker[] {
	const blockers: Blocker[] = [];
	for (const { project, resource, request, session } of holds.slice(0, 16)) {
		const sql = "SELECT * FROM holds WHERE project = ? AND resource = ? AND request = ?";
		const row = database.get<BlockerRow>(sql, project, resource, request);
		if (row !== undefined) blockers.push(blocker(database, now, "lock", resourceOf(resource), session, row));
	}
	for (const row of waiters.slice(0, 16 - blockers.length)) {
		const [first = ""] = JSON.parse(row.resources) as string[];
		blockers.push(blocker(database, now, "waiter", resourceOf(first), row.session, row));
	}
	return blockers;
}

interface WaitingTicket {
	readonly row: TicketRow;
	readonly wanted: Grantable;
}

function readTickets(database: Database): WaitingTicket[] {
	return database.all<TicketRow>("SELECT * FROM tickets ORDER BY ticket").map((row) => ({
		row,
		wanted: {
			request: row.request,
			project: row.project,
			session: row.session,
			resources: (JSON.parse(row.resources) as string[]).map(resourceOf),
			origin: row.origin,
			ttlMs: row.ttl,
			...(row.owner !== null && { owner: JSON.parse(row.owner) as ProcessIdentity }),
		},
	}));
}

function ahead(earlier: readonly WaitingTicket[], wanted: Grantable, needed: readonly Resource[]): WaitingTicket[] {
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

// A session may always go deeper into what it holds; waiting for it behind somebody who waits for that very session would
// deadlock.
function uncovered(database: Database, { project, session, resources }: Grantable): Resource[] {
	return resources.filter(
		(resource) =>
			database.get(
				`SELECT 1 FROM holds WHERE session = ? AND
					(kind = 'exclusive' OR (project = ? AND resource IN (SELECT value FROM json_each(?)))) LIMIT 1`,
				session,
				project,
				JSON.stringify(resource.kind === "exclusive" ? [] : coveringKeys(resource)),
			) === undefined,
	);
}

function findHolds(database: Database, wanted: Grantable, needed: readonly Resource[], most: number): HoldRow[] {
	const found = new Map<string, HoldRow>();
	for (const resource of needed) {
		for (const row of holdsAgainst(database, wanted, resource, most)) {
			found.set(`${row.request} ${row.resource}`, row);
			if (found.size >= most) return [...found.values()];
		}
	}
	return [...found.values()];
}

function holdsAgainst(
	database: Database,
	{ project, session }: Grantable,
	resource: Resource,
	most: number,
): HoldRow[] {
	if (resource.kind === "exclusive") {
		return database.all("SELECT * FROM holds WHERE session <> ? ORDER BY since LIMIT ?", session, most);
	}
	const exclusive = database.all<HoldRow>(
		"SELECT * FROM holds WHERE kind = 'exclusive' AND session <> ? LIMIT ?",
		session,
		most,
	);
	if (resource.kind === "project") {
		const sql = "SELECT * FROM holds WHERE project = ? AND session <> ? ORDER BY since LIMIT ?";
		return [...exclusive, ...database.all<HoldRow>(sql, project, session, most)];
	}
	const covering = database.all<HoldRow>(
		`SELECT * FROM holds WHERE project = ? AND resource IN (SELECT value FROM json_each(?)) AND session <> ? LIMIT ?`,
		project,
		JSON.stringify(coveringKeys(resource)),
		session,
		most,
	);
	const range = descendantRange(resource);
	if (range === undefined) return [...exclusive, ...covering];
	const sql = "SELECT * FROM holds WHERE project = ? AND resource >= ? AND resource < ? AND session <> ? LIMIT ?";
	return [...exclusive, ...covering, ...database.all<HoldRow>(sql, project, range.from, range.to, session, most)];
}

interface BlockerRow {
	readonly project: ProjectId;
	readonly request: RequestId;
	readonly origin: Origin;
	readonly owner: string | null;
	readonly since: number;
	readonly expires: number;
}

function blocker(
	database: Database,
	now: number,
	what: Blocker["what"],
	resource: Resource,
	session: SessionId,
	row: BlockerRow,
): Blocker {
	const holder = database.get<{
		kind: SessionKind;
		actor: string;
		host: string;
		process: string;
		worktree: string;
		branch: string | null;
	}>("SELECT * FROM sessions WHERE project = ? AND id = ?", row.project, session);
	if (holder === undefined) throw new Error(`${resourceKey(resource)} belongs to ${session}, which is not open`);
	return {
		what,
		resource,
		project: row.project,
		session,
		kind: holder.kind,
		actor: holder.actor,
		host: holder.host,
		worktree: holder.worktree,
		branch: holder.branch ?? undefined,
		request: row.request,
		origin: row.origin,
		ageMs: now - row.since,
		leftMs: Math.max(0, row.expires - now),
		process: JSON.parse(holder.process) as ProcessIdentity,
		owner: row.owner === null ? undefined : (JSON.parse(row.owner) as ProcessIdentity),
	};
}
