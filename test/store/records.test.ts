import { describe, expect, test } from "vitest";
import { arrive, entryOf, file, otherProject, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

const { id: ann } = entryOf("ann");

describe.each(stores)("the records of a $name store", ({ open, openLive }) => {
	test("say where sessions work, each time anew", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		await store.setPresence(project, ann, [
			{ path: "a.ts", unsaved: true, line: 12 },
			{ path: "b.ts", unsaved: false, line: undefined },
		]);
		await store.setPresence(project, entryOf("bob").id, [{ path: "a.ts", unsaved: false, line: 0 }]);
		await advance(1000);

		expect(await store.presence(project)).toEqual([
			{ project, session: "ann", path: "a.ts", unsaved: true, line: 12, ageMs: 1000 },
			{ project, session: "ann", path: "b.ts", unsaved: false, line: undefined, ageMs: 1000 },
			{ project, session: "bob", path: "a.ts", unsaved: false, line: 0, ageMs: 1000 },
		]);
		await store.setPresence(project, ann, []);
		expect((await store.presence(project)).map(({ session }) => session)).toEqual(["bob"]);
		expect(await store.presence(otherProject)).toEqual([]);
	});

	test("do not know where a session works that is not open", async () => {
		await using opened = await open();
		await opened.store.setPresence(project, ann, [{ path: "a.ts", unsaved: true, line: 1 }]);

		expect(await opened.store.presence(project)).toEqual([]);
	});

	test("keep a text under a name in a project, until it is forgotten", async () => {
		await using live = await openLive();
		const [one, other] = [await live.connect(), await live.connect()];
		await one.saveState(project, "ann", "first");
		await one.saveState(project, "ann", '{"cursor": "ÄÖ 日本 \\u0000"}');

		expect(await other.loadState(project, "ann")).toBe('{"cursor": "ÄÖ 日本 \\u0000"}');
		expect(await other.loadState(otherProject, "ann")).toBeUndefined();
		await other.saveState(project, "ann", undefined);
		expect(await one.loadState(project, "ann")).toBeUndefined();
	});

	test("count what happened", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		const first = await take(store, "ann", file("a.ts"));
		await store.acquire(requestOf("bob", file("a.ts")));
		const waiting = await queueUp(store, "bob", file("a.ts"));
		await store.cancel(project, waiting.request, "cancelled");
		await store.release(project, first.request, "released");
		await take(store, "ann", file("b.ts"), { ttlMs: 1000 });
		await advance(1000);
		await take(store, "ann", file("c.ts"));
		await take(store, "bob", file("c.ts"), { steal: { reason: "why not" } });
		await store.closeSessions([ann], "died", project);
		await store.count({ udo_hook_runs_total: 2, udo_hook_skips_total: 1 });
		await store.count({ udo_hook_runs_total: 1 });

		expect(await store.counters()).toMatchObject({
			udo_sessions_opened_total: 2,
			udo_sessions_died_total: 1,
			udo_locks_acquired_total: 4,
			udo_locks_refused_total: 2,
			udo_lock_waits_total: 1,
			udo_lock_waits_abandoned_total: 1,
			udo_locks_expired_total: 1,
			udo_locks_stolen_total: 1,
			udo_locks_released_total: 2,
			udo_hook_runs_total: 3,
			udo_hook_skips_total: 1,
			udo_hook_refusals_total: 0,
		});
	});
});
