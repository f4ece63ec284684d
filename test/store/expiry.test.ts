import { describe, expect, test } from "vitest";
import { arrive, entryOf, file, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

describe.each(stores)("leases in a $name store", ({ open }) => {
	test("a lock that is not renewed expires and goes to who waits", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		const first = await take(store, "ann", file("a.ts"), { ttlMs: 5_000 });
		await queueUp(store, "bob", file("a.ts"));
		await advance(4_999);
		expect(await store.peek(project, first.request)).toBe("granted");
		await advance(1);

		expect((await store.locks(project)).map(({ session }) => session)).toEqual(["bob"]);
		expect(await store.renew(project, first.request)).toBe(false);
		expect(await store.events({ project, after: 0, limit: 10, types: ["lock_released"] })).toMatchObject([
			{ session: "ann", cause: "expired", resources: ["file:a.ts"] },
		]);
	});

	test("renewing starts the lease anew", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann"]);
		const { request } = await take(store, "ann", file("a.ts"), { ttlMs: 5_000 });
		for (let time = 0; time < 5; time++) {
			await advance(4_000);
			expect(await store.renew(project, request)).toBe(true);
		}

		expect(await store.locks(project)).toMatchObject([{ leftMs: 5_000, ageMs: 20_000 }]);
	});

	test("only what the session itself claimed is renewed with its claims", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		const [ann] = await arrive(store, ["ann"]);
		if (ann === undefined) throw new Error("ann is not there");
		await take(store, "ann", file("claimed.ts"));
		await take(store, "ann", file("edited.ts"), { origin: "edit" });
		await take(store, "ann", file("run.ts"), { owner: ann.process });
		await advance(1_000);

		await store.renewClaims(project, ann.id);

		const left = (await store.locks(project)).map(({ resource, leftMs }) => [resource.id, leftMs]);
		expect(Object.fromEntries(left)).toEqual({ "claimed.ts": 300_000, "edited.ts": 299_000, "run.ts": 299_000 });
	});

	test("of two holds on one lock the longer lease decides", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		const first = await take(store, "ann", file("a.ts"), { ttlMs: 5_000 });
		const second = await take(store, "ann", file("a.ts"), { ttlMs: 60_000 });
		await advance(5_000);

		expect(await store.locks(project)).toMatchObject([{ count: 1, token: first.token, leftMs: 55_000 }]);
		expect(await store.peek(project, second.request)).toBe("granted");
		expect(await store.acquire(requestOf("bob", file("a.ts")))).toMatchObject({ ok: false });
	});

	test("a silent session ends after its time, and its locks and places with it", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["bob"]);
		await store.openSession(entryOf("ann"), { ttlMs: 30_000, most: 10 });
		await take(store, "ann", file("a.ts"));
		const waiting = await queueUp(store, "bob", file("a.ts"));
		await store.setPresence(project, entryOf("ann").id, [{ path: "a.ts", unsaved: true, line: 3 }]);
		for (let time = 0; time < 6; time++) {
			await advance(5_000);
			await store.acquire(waiting);
		}

		expect((await store.sessions(project)).map(({ id }) => id)).toEqual(["bob"]);
		expect(await store.peek(project, waiting.request)).toBe("granted");
		expect(await store.presence(project)).toEqual([]);
		expect(await store.events({ project, after: 0, limit: 10, types: ["session_disconnected"] })).toMatchObject([
			{ session: "ann", cause: "expired" },
		]);
	});

	test("heartbeats keep sessions, and unknown ones are ignored", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		const { id } = entryOf("ann");
		await store.openSession(entryOf("ann"), { ttlMs: 30_000, most: 10 });
		await advance(20_000);
		await store.beat([id, entryOf("nobody").id], 30_000);
		await advance(20_000);

		expect(await store.sessions(project)).toMatchObject([{ id, sinceHeartbeatMs: 20_000, ageMs: 40_000 }]);
		await advance(10_000);
		expect(await store.sessions(project)).toEqual([]);
	});
});
