import type { RequestId } from "../../coordination/lock.ts";
import { finishedMemoryMs } from "../store.ts";
import type { Database } from "./database.ts";

// More than one, so that the memory shrinks again after a rush; not many, so that no step pays for the rush.
const forgottenAtOnce = 4;

/** Remembers that a request is over, so that a late copy of it is refused. Part of a step. */
export function finish(database: Database, now: number, request: RequestId): void {
	const old = "SELECT request FROM finished WHERE expires <= ? ORDER BY expires LIMIT ?";
	for (const { request: over } of database.all<{ request: string }>(old, now, forgottenAtOnce)) {
		database.run("DELETE FROM finished WHERE request = ?", over);
	}
	database.run("INSERT OR REPLACE INTO finished VALUES (?, ?)", request, now + finishedMemoryMs);
}

/** Whether a request is known to be over. */
export function isFinished(database: Database, now: number, request: RequestId): boolean {
	return database.get("SELECT 1 FROM finished WHERE request = ? AND expires > ?", request, now) !== undefined;
}
