import { describe, expect, test } from "vitest";
import { resourceKey } from "../../server/coordination/resource.ts";
import type { ProjectId } from "../../server/coordination/session.ts";
import {
	arrive,
	branch,
	database,
	everything,
	file,
	otherProject,
	project,
	queueUp,
	requestOf,
	take,
	wholeProject,
} from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

describe.each(stores)("locks of a $name store", ({ open }) => {
	test("a lock has one holder, and whoever is refused is told who that is", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("src/a.ts"));
		await advance(5000);

		const answer = await store.acquire(requestOf("bob", file("src/a.ts")));

		expect(answer).toMatchObject({
			ok: false,
			reason: "held",
			queued: false,
			ahead: 0,
			blockers: [
				{
					what: "lock",
					session: "ann",
					actor: "ann@example.org",
					kind: "term",
					host: "here",
					worktree: "/work/ann",
					branch: "main",
					resource: file("src/a.ts"),
					ageMs: 5000,
					leftMs: 295_000,
				},
			],
		});
		expect(await store.locks(project)).toHaveLength(1);
	});

	test.each([
		[file("src/a.ts"), file("src/a.ts")],
		[file("src/a.ts"), file("src/")],
		[file("src/deep/er/a.ts"), file("src/")],
		[file("src"), file("src/")],
		[branch("main"), branch("main")],
		[database("users"), database("users")],
		[file("src/a.ts"), wholeProject],
		[branch("main"), wholeProject],
		[database("users"), wholeProject],
		[wholeProject, everything],
		[file("src/a.ts"), everything],
	])("%o and %o exclude each other, whichever came first", async (one, other) => {
		for (const [first, second] of [
			[one, other],
			[other, one],
		] as const) {
			await using opened = await open();
			await arrive(opened.store, ["ann", "bob"]);
			await take(opened.store, "ann", first);

			expect(await opened.store.acquire(requestOf("bob", second))).toMatchObject({ ok: false, reason: "held" });
		}
	});

	test.each([
		[file("src/a.ts"), file("src/b.ts")],
		[file("src/"), file("src2/a.ts")],
		[file("src/a"), file("src/a.ts")],
		[branch("main"), branch("main2")],
		[branch("main"), database("main")],
		[file("main"), branch("main")],
	])("%o and %o do not exclude each other", async (one, other) => {
		await using opened = await open();
		await arrive(opened.store, ["ann", "bob"]);
		await take(opened.store, "ann", one);

		expect(await opened.store.acquire(requestOf("bob", other))).toMatchObject({ ok: true });
	});

	test("projects do not touch each other, but an exclusive lock reaches them all", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await arrive(store, ["ann", "bob"], otherProject);
		const there = { project: otherProject };
		await take(store, "ann", wholeProject);
		const elsewhere = await take(store, "bob", file("a.ts"), there);

		expect(await store.acquire(requestOf("ann", everything))).toMatchObject({
			ok: false,
			blockers: [{ session: "bob", project: otherProject }],
		});
		await store.release(otherProject, elsewhere.request, "released");
		await take(store, "ann", everything);
		expect(await store.acquire(requestOf("bob", file("a.ts"), there))).toMatchObject({
			ok: false,
			blockers: [{ session: "ann", project, resource: everything }],
		});
		expect((await store.locks(otherProject)).map(({ resource }) => resourceKey(resource))).toEqual(["exclusive:"]);
	});

	test("several resources are taken all or none", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("b.ts"));

		const answer = await store.acquire(requestOf("bob", [file("a.ts"), file("b.ts")]));

		expect(answer.ok).toBe(false);
		expect((await store.locks(project)).map(({ session }) => session)).toEqual(["ann"]);
	});

	test("a session may go deeper into what it holds, and each acquire has to be given back", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		const outer = await take(store, "ann", file("src/"));
		const again = await take(store, "ann", file("src/"));
		const inner = await take(store, "ann", file("src/a.ts"));

		expect(again.token).toBe(outer.token);
		expect(inner.token).toBeGreaterThan(outer.token);
		expect((await store.locks(project)).map(({ count }) => count)).toEqual([2, 1]);
		await store.release(project, outer.request, "released");
		expect(await store.acquire(requestOf("bob", file("src/b.ts")))).toMatchObject({ ok: false });
		await store.release(project, again.request, "released");
		expect(await store.acquire(requestOf("bob", file("src/b.ts")))).toMatchObject({ ok: true });
		expect(await store.acquire(requestOf("bob", file("src/")))).toMatchObject({ blockers: [{ session: "ann" }] });
	});

	test("a lock on a file of a directory's name is no right to what others hold in the directory", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("src"));
		await take(store, "bob", file("src/a.ts"));

		expect(await store.acquire(requestOf("ann", file("src/")))).toMatchObject({ ok: false, reason: "held" });
	});

	test("tokens rise with every lock that is new", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		const tokens: number[] = [];
		for (const session of ["ann", "bob", "ann"]) {
			const granted = await take(store, session, file("a.ts"));
			tokens.push(granted.token);
			await store.release(project, granted.request, "released");
		}

		expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
	});

	test("a request that is sent twice gets the same answer", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann"]);
		const request = requestOf("ann", [file("a.ts"), file("b.ts")]);
		const first = await store.acquire(request);
		await advance(1000);

		expect(await store.acquire(request)).toEqual(first);
		expect((await store.locks(project)).map(({ count }) => count)).toEqual([1, 1]);
	});

	test("a request that was given back is over: a late copy of it gets nothing", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann"]);
		const request = requestOf("ann", file("a.ts"));
		await store.acquire(request);
		await store.release(project, request.request, "released");
		await advance(599_999);

		expect(await store.acquire(request)).toEqual({ ok: false, reason: "finished" });
		expect(await store.release(project, request.request, "released")).toBe(false);
		expect(await store.locks(project)).toEqual([]);
	});

	test("a request that was cancelled before it arrived gets nothing", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann"]);
		const request = requestOf("ann", file("a.ts"));
		await store.cancel(project, request.request, "cancelled");

		expect(await store.acquire(request)).toEqual({ ok: false, reason: "finished" });
		expect(await store.peek(project, request.request)).toBe("gone");
	});

	test("who has no open session gets no lock", async () => {
		await using opened = await open();
		await arrive(opened.store, ["ann"], otherProject);

		expect(await opened.store.acquire(requestOf("ann", file("a.ts")))).toEqual({ ok: false, reason: "no-session" });
	});

	test("a session cannot have more locks than its limit, but may always go deeper into those it has", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann"]);
		const limits = { perSession: 2, perProject: 100 };
		await take(store, "ann", [file("a.ts"), file("b.ts")], { limits });

		expect(await store.acquire(requestOf("ann", file("c.ts"), { limits }))).toEqual({
			ok: false,
			reason: "limit",
			limit: "perSession",
			most: 2,
			held: 2,
		});
		expect(await store.acquire(requestOf("ann", [file("b.ts"), file("a.ts")], { limits }))).toMatchObject({ ok: true });
	});

	test("the same lock many times over is one lock to the limits", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann"]);
		const limits = { perSession: 2, perProject: 2 };
		for (let time = 0; time < 5; time++) await take(store, "ann", file("a.ts"), { limits });

		expect(await store.acquire(requestOf("ann", file("b.ts"), { limits }))).toMatchObject({ ok: true });
		expect(await store.acquire(requestOf("ann", file("c.ts"), { limits }))).toMatchObject({ reason: "limit" });
	});

	test("places in the queue count towards the limits", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("a.ts"));
		const limits = { perSession: 1, perProject: 100 };
		await queueUp(store, "bob", file("a.ts"), { limits });

		expect(await store.acquire(requestOf("bob", file("b.ts"), { limits }))).toMatchObject({ reason: "limit", held: 1 });
	});

	test("the limit of a project is not another project's", async () => {
		await using opened = await open();
		const { store } = opened;
		const limits = { perSession: 100, perProject: 1 };
		for (const where of [project, otherProject] as readonly ProjectId[]) {
			await arrive(store, ["ann", "bob"], where);
			await take(store, "ann", file("a.ts"), { limits, project: where });

			const answer = await store.acquire(requestOf("bob", file("b.ts"), { limits, project: where }));
			expect(answer).toMatchObject({ reason: "limit", limit: "perProject", most: 1, held: 1 });
		}
	});

	test("claims without an owning process are given back together or one by one", async () => {
		await using opened = await open();
		const { store } = opened;
		const [ann] = await arrive(store, ["ann", "bob"]);
		if (ann === undefined) throw new Error("ann is not there");
		await take(store, "ann", [file("a.ts"), file("b.ts")]);
		await take(store, "ann", file("c.ts"));
		await take(store, "ann", file("d.ts"), { owner: ann.process });
		await take(store, "ann", file("e.ts"), { origin: "edit" });
		const keys = (resources: readonly { kind: string; id: string }[]) => resources.map(({ id }) => id);

		expect(keys(await store.releaseClaims(project, ann.id, [file("b.ts"), file("d.ts"), file("nowhere.ts")]))).toEqual([
			"b.ts",
		]);
		expect(keys(await store.releaseClaims(project, ann.id))).toEqual(["a.ts", "c.ts"]);
		expect(keys((await store.locks(project)).map(({ resource }) => resource))).toEqual(["d.ts", "e.ts"]);
	});

	test("at most sixteen blockers are named, locks before waiters", async () => {
		await using opened = await open();
		const { store } = opened;
		const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
		await arrive(store, [...names, "bob", "cleo"]);
		for (const name of names.slice(0, 10)) await take(store, name, file(`src/${name}`));
		for (const name of names.slice(10)) await queueUp(store, name, file("src/"));

		const answer = await store.acquire(requestOf("bob", file("src/")));

		if (answer.ok || answer.reason !== "held") throw new Error(JSON.stringify(answer));
		expect(answer.ahead).toBe(10);
		expect(answer.blockers.map(({ what }) => what)).toEqual([...Array(10).fill("lock"), ...Array(6).fill("waiter")]);
	});
});
