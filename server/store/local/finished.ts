import type { RequestId } from "../../coordination/lock.ts";
import { finishedMemoryMs } from "../store.ts";
import type { Database } from "./database.ts";

// Now and then some at once: more than come in meanwhile, so that the memory shrinks again after a rush, but not so many that
// a step would pay for the rush.
const forgetEvery = 16;
const forgottenAtOnce = 64;

/** Remembers that a request is over, so that a late copy of it is refused. Part of a step. */
export function finish(database: Database, now: number, request: RequestId): void {
	database.run("INSERT OR REPLACE INTO finished VALUES (?, ?)", request, now + finishedMemoryMs);
	if (Math.random() < 1 / forgetEvery) {
		const oldest = "SELECT request FROM finished WHERE expires <= ? ORDER BY expires LIMIT ?";
		database.run(`DELETE FROM finished WHERE request IN (${oldest})`, now, forgottenAtOnce);
	}
}
