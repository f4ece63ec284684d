import { describe, expect, test } from "vitest";
import type { AcquireRequest } from "../../server/coordination/lock.ts";
import type { Store } from "../../server/store/store.ts";
import { arrive, everything, file, otherProject, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

describe.each(stores)("the queue of a $name store", ({ open }) => {
	test("a lock that is given back goes to who waited first, in the same step", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		const first = await take(store, "ann", file("a.ts"));
		const second = await queueUp(store, "bob", file("a.ts"));
		const third = await queueUp(store, "cleo", file("a.ts"));

		await store.release(project, first.request, "released");

		expect(await holders(store)).toEqual(["bob"]);
		expect(await store.peek(project, second.request)).toBe("granted");
		expect(await store.peek(project, third.request)).toBe("waiting");
		const picked = await store.acquire(second);
		expect(picked).toMatchObject({ ok: true, leftMs: 300_000 });
		expect(picked.ok && picked.token).toBeGreaterThan(first.token);
	});

	test("nobody gets past a waiter, not even when what he wants is free", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		await take(store, "ann", file("src/a.ts"));
		await queueUp(store, "bob", [file("src/a.ts"), file("src/b.ts")]);

		expect(await store.acquire(requestOf("cleo", file("src/b.ts")))).toMatchObject({
			ok: false,
			ahead: 1,
			blockers: [{ what: "waiter", session: "bob" }],
		});
		expect(await store.acquire(requestOf("cleo", file("src/c.ts")))).toMatchObject({ ok: true });
	});

	test("one hand-off serves everybody who can be served, across projects", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo", "dan"]);
		await arrive(store, ["dan"], otherProject);
		const all = await take(store, "ann", everything);
		await queueUp(store, "bob", file("src/"));
		await queueUp(store, "cleo", file("src/a.ts"));
		await queueUp(store, "dan", file("src/a.ts"), { project: otherProject });

		await store.release(project, all.request, "released");

		expect(await holders(store)).toEqual(["bob"]);
		expect((await store.locks(otherProject)).map(({ session }) => session)).toEqual(["dan"]);
		expect((await store.waiters(project)).map(({ session }) => session)).toEqual(["cleo"]);
	});

	test("a waiter that gives up makes way for those behind", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		await take(store, "ann", file("a.ts"));
		const second = await queueUp(store, "bob", [file("a.ts"), file("b.ts")]);
		const third = await queueUp(store, "cleo", file("b.ts"));

		await store.cancel(project, second.request, "cancelled");

		expect(await store.peek(project, second.request)).toBe("gone");
		expect(await store.peek(project, third.request)).toBe("granted");
		expect(await store.acquire(second)).toEqual({ ok: false, reason: "finished" });
	});

	test("a waiter that gives up too late gives back what it was handed", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		const first = await take(store, "ann", file("a.ts"));
		const second = await queueUp(store, "bob", file("a.ts"));
		await queueUp(store, "cleo", file("a.ts"));
		await store.release(project, first.request, "released");

		await store.cancel(project, second.request, "cancelled");

		expect(await holders(store)).toEqual(["cleo"]);
	});

	test("a place lapses after ten seconds without a sign of life", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		const first = await take(store, "ann", file("a.ts"));
		const silent = await queueUp(store, "bob", file("a.ts"));
		const alive = await queueUp(store, "cleo", file("a.ts"));
		await advance(9_999);
		await store.acquire(alive);
		await advance(1);

		expect((await store.waiters(project)).map(({ session }) => session)).toEqual(["cleo"]);
		expect(await store.acquire(silent)).toEqual({ ok: false, reason: "finished" });
		await store.release(project, first.request, "released");
		expect(await holders(store)).toEqual(["cleo"]);
	});

	test("a lock that was handed over and is not fetched within ten seconds goes to the next", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		const first = await take(store, "ann", file("a.ts"));
		await queueUp(store, "bob", file("a.ts"));
		await advance(5_000);
		const alive = await queueUp(store, "cleo", file("a.ts"));
		await store.release(project, first.request, "released");
		expect(await holders(store)).toEqual(["bob"]);
		await advance(9_000);
		await store.acquire(alive);
		await advance(1_000);

		expect(await holders(store)).toEqual(["cleo"]);
	});

	test("a waiter asks again without losing its place", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		await take(store, "ann", file("a.ts"));
		const second = await queueUp(store, "bob", file("a.ts"));
		const third = await queueUp(store, "cleo", file("a.ts"));

		expect(await aheadOf(store, third)).toBe(1);
		expect(await aheadOf(store, second)).toBe(0);
		expect((await store.waiters(project)).map(({ session }) => session)).toEqual(["bob", "cleo"]);
	});

	test("who holds a lock may go deeper into it, past everybody who waits for it", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("src/"));
		await queueUp(store, "bob", file("src/"));

		expect(await store.acquire(requestOf("ann", file("src/a.ts")))).toMatchObject({ ok: true });
	});

	test("who waits for an exclusive lock is seen in every project", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await arrive(store, ["cleo"], otherProject);
		await take(store, "cleo", file("a.ts"), { project: otherProject });
		await queueUp(store, "bob", everything);

		expect(await store.waiters(otherProject)).toMatchObject([{ session: "bob", project }]);
		expect(await store.acquire(requestOf("cleo", file("b.ts"), { project: otherProject }))).toMatchObject({
			blockers: [{ what: "waiter", session: "bob", project }],
		});
	});
});

async function holders(store: Store): Promise<string[]> {
	return (await store.locks(project)).map(({ session }) => session);
}

async function aheadOf(store: Store, request: AcquireRequest): Promise<number | undefined> {
	const answer = await store.acquire(request);
	return !answer.ok && answer.reason === "held" ? answer.ahead : undefined;
}
