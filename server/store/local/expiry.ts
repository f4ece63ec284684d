import type { SessionId } from "../../coordination/session.ts";
import type { Database } from "./database.ts";
import { removeHolds, removeTickets } from "./grants.ts";
import { handOff } from "./queue.ts";
import { isDue, readMeta, writeMeta } from "./records.ts";
import type { HoldRow, TicketRow } from "./rows.ts";
import { endExpiredSessions, endSession } from "./sessions.ts";

/** Lets go everything whose time is over and hands it to the first waiters that can have it. Starts every step. */
export function expire(database: Database, now: number): void {
	if (!isDue(database, now)) return;
	database.run("DELETE FROM finished WHERE expires <= ?", now);
	const tickets = database.all<TicketRow>("SELECT * FROM tickets WHERE expires <= ? ORDER BY ticket", now);
	removeTickets(database, now, tickets, "expired");
	const holds = database.all<HoldRow>("SELECT * FROM holds WHERE expires <= ? ORDER BY request, resource", now);
	removeHolds(database, now, holds, { cause: "expired" });
	const ended = endExpiredSessions(database, now);
	if (ended || tickets.length > 0 || holds.length > 0) handOff(database, now);
}

/** Ends all sessions of another boot of this machine. The fencing counter, conflicts and the log stay. */
export function forgetOtherBoots(database: Database, now: number, boot: string): void {
	// Another process of this boot may have been first, and its session lives.
	if (readMeta(database, "boot") === boot) return;
	const ids = database.all<{ id: SessionId }>("SELECT DISTINCT id FROM sessions");
	for (const { id } of ids) endSession(database, now, id, "died", undefined);
	database.run("DELETE FROM tickets");
	database.run("DELETE FROM holds");
	database.run("DELETE FROM finished");
	writeMeta(database, "boot", boot);
}
