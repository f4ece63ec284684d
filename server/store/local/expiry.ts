import type { SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import { findNextDue, nextDue } from "./due.ts";
import { removeHolds, removeTickets } from "./grants.ts";
import { handOff } from "./queue.ts";
import { readMeta, writeMeta } from "./records.ts";
import type { HoldRow, TicketRow } from "./rows.ts";
import { endExpiredSessions, endSession } from "./sessions.ts";
import { forgetOutage } from "./team-records.ts";

// After a power failure the newest commits may be missing: at most what one checkpoint interval of the log can hold.
const tokensLostAtMost = 10_000;

/** Lets go everything whose time is over and hands it to the first waiters that can have it. Starts every step. */
export function expire(database: Database, now: number): void {
	if (nextDue(database) > now) return;
	const tickets = database.all<TicketRow>("SELECT * FROM tickets WHERE expires <= ? ORDER BY ticket", now);
	removeTickets(database, now, tickets, "expired");
	const holds = database.all<HoldRow>("SELECT * FROM holds WHERE expires <= ? ORDER BY request, resource", now);
	removeHolds(database, now, holds, { cause: "expired" });
	endExpiredSessions(database, now);
	handOff(database, now);
	findNextDue(database);
}

/**
 * Ends all sessions of another boot of this machine, once. The fencing counter (which jumps over what the disk may have
 * lost), conflicts and the log stay. Answers whether there was another boot.
 */
export function startBoot(database: Database, now: number, boot: string): boolean {
	const before = readMeta(database, "boot");
	if (before === boot) return false;
	const ids = database.all<{ id: SessionId }>("SELECT DISTINCT id FROM sessions");
	database.run("DELETE FROM tickets");
	for (const { id } of ids) endSession(database, now, id, "died", undefined);
	database.run("DELETE FROM finished");
	if (before !== undefined) {
		database.run("UPDATE counters SET value = value + ? WHERE name = 'fence'", tokensLostAtMost);
	}
	findNextDue(database);
	forgetOutage(database);
	writeMeta(database, "boot", boot);
	return true;
}
