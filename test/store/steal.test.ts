import { describe, expect, test } from "vitest";
import { arrive, file, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

const steal = { reason: "ann is on holiday" };

describe.each(stores)("stealing from a $name store", ({ open }) => {
	test("takes the lock with a new token, and the victim can no longer renew or release it", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		const first = await take(store, "ann", file("a.ts"));

		const second = await take(store, "bob", file("a.ts"), { steal });

		expect(second.token).toBeGreaterThan(first.token);
		expect(await store.renew(project, first.request)).toBe(false);
		expect(await store.release(project, first.request, "released")).toBe(false);
		expect(await store.peek(project, first.request)).toBe("gone");
		expect((await store.locks(project)).map(({ session }) => session)).toEqual(["bob"]);
	});

	test("tells the victim who did it and why, and stays in the log", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		const first = await take(store, "ann", file("a.ts"));
		await take(store, "bob", file("a.ts"), { steal });

		const events = await store.events({ project, after: 0, limit: 100, types: ["lock_released", "lock_acquired"] });

		expect(events.slice(1)).toMatchObject([
			{
				type: "lock_released",
				session: "ann",
				actor: "ann@example.org",
				request: first.request,
				resources: ["file:a.ts"],
				cause: "stolen",
				by: "bob",
				reason: "ann is on holiday",
			},
			{ type: "lock_acquired", session: "bob", stolen: { reason: "ann is on holiday", victims: ["ann"] } },
		]);
	});

	test("passes the queue, which keeps its order", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo", "dan"]);
		await take(store, "ann", file("a.ts"));
		const waiting = await queueUp(store, "cleo", file("a.ts"));
		await queueUp(store, "dan", file("a.ts"));

		const stolen = await take(store, "bob", file("a.ts"), { steal });

		expect((await store.waiters(project)).map(({ session }) => session)).toEqual(["cleo", "dan"]);
		await store.release(project, stolen.request, "released");
		expect(await store.peek(project, waiting.request)).toBe("granted");
	});

	test("takes only what is in the way; the victim keeps the rest but knows that its request is broken", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		const first = await take(store, "ann", [file("a.ts"), file("b.ts")]);
		await take(store, "bob", file("a.ts"), { steal });

		expect(await store.peek(project, first.request)).toBe("gone");
		expect(await store.renew(project, first.request)).toBe(false);
		expect(await store.acquire(requestOf("cleo", file("b.ts")))).toMatchObject({ blockers: [{ session: "ann" }] });
		expect(await store.release(project, first.request, "released")).toBe(true);
		expect(await store.acquire(requestOf("cleo", file("b.ts")))).toMatchObject({ ok: true });
	});

	test("what the victim held beyond the stolen resource goes on to those who wait for it", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);
		await take(store, "ann", file("src/"));
		const waiting = await queueUp(store, "cleo", file("src/b.ts"));

		await take(store, "bob", file("src/a.ts"), { steal });

		expect(await store.peek(project, waiting.request)).toBe("granted");
	});

	test("takes over a thousand locks at once, so that nobody is left inside", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		const limits = { perSession: 2000, perProject: 20_000 };
		const many = Array.from({ length: 1100 }, (_, i) => file(`src/${i}.ts`));
		await take(store, "ann", many, { limits });

		await take(store, "bob", file("src/"), { steal });

		expect((await store.locks(project)).map(({ session }) => session)).toEqual(["bob"]);
	});
});
