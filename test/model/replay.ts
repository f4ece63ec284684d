import { deepEqual } from "node:assert/strict";
import { resourceKey } from "../../server/coordination/resource.ts";
import type { ProjectId } from "../../server/coordination/session.ts";
import type { Store } from "../../server/store/store.ts";

/** Checks that whoever only reads the log of a project knows exactly who is there, who holds what and who waits. */
export async function checkLog(store: Store, project: string): Promise<void> {
	const id = project as ProjectId;
	const held = new Set<string>();
	const waiting = new Set<string>();
	const present = new Set<string | undefined>();
	let primary: string | undefined;
	const locks = await store.locks(id);
	const waiters = await store.waiters(id);
	const sessions = await store.sessions(id);
	for (const event of await store.events({ project: id, after: 0, limit: 100_000 })) {
		switch (event.type) {
			case "session_connected":
				if (present.size === 0) primary = event.session;
				present.add(event.session);
				break;
			case "session_disconnected":
				present.delete(event.session);
				break;
			case "session_promoted":
				primary = event.session;
				break;
			case "lock_queued":
				waiting.add(event.request);
				break;
			case "lock_cancelled":
				waiting.delete(event.request);
				break;
			case "lock_acquired":
				waiting.delete(event.request);
				for (const resource of event.resources) held.add(`${resource} ${event.request}`);
				break;
			case "lock_released":
				for (const resource of event.resources) held.delete(`${resource} ${event.request}`);
				break;
		}
	}

	const own = locks.filter((lock) => lock.project === id);
	const truth = own.flatMap(({ resource, holds }) => holds.map(({ request }) => `${resourceKey(resource)} ${request}`));
	deepEqual([...held].sort(), truth.sort(), "holds by the log and by the store");
	const queue = waiters.filter((waiter) => waiter.project === id).map(({ request }) => request);
	deepEqual([...waiting].sort(), queue.sort(), "waiters by the log and by the store");
	deepEqual([...present].sort(), sessions.map((session) => session.id).sort(), "sessions by the log and by the store");
	if (sessions[0] !== undefined) deepEqual(primary, sessions[0].id, "the primary by the log and by the store");
}
