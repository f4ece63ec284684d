import { describe, expect, test } from "vitest";
import type { EventBody } from "../../server/coordination/event.ts";
import type { Store } from "../../server/store/store.ts";
import { arrive, entryOf, file, otherProject, project, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";
import { until } from "../helpers/until.ts";

const nobody = { session: undefined, actor: undefined };

describe.each(stores)("the log of a $name store", ({ open, openLive }) => {
	test("keeps what is added in order, project by project", async () => {
		await using opened = await open();
		const { store } = opened;
		for (const path of ["a", "b", "c"]) await store.append(project, nobody, saved(path));
		await store.append(otherProject, nobody, saved("x"));

		expect(paths(await store.events({ project, after: 0, limit: 10 }))).toEqual(["a", "b", "c"]);
		expect(paths(await store.events({ project: otherProject, after: 0, limit: 10 }))).toEqual(["x"]);
	});

	test("is read on from the last entry seen, at most so many at once", async () => {
		await using opened = await open();
		const { store } = opened;
		for (const path of ["a", "b", "c", "d"]) await store.append(project, nobody, saved(path));
		const [first] = await store.events({ project, after: 0, limit: 1 });

		expect(paths(await store.events({ project, after: first?.seq ?? 0, limit: 2 }))).toEqual(["b", "c"]);
		expect(await store.events({ project, after: await store.lastEvent(project), limit: 10 })).toEqual([]);
		expect(await store.lastEvent(otherProject)).toBe(0);
	});

	test("is read backwards from the newest entry", async () => {
		await using opened = await open();
		const { store } = opened;
		for (const path of ["a", "b", "c"]) await store.append(project, nobody, saved(path));

		const newest = await store.newestEvents({ project, limit: 2 });
		expect(paths(newest)).toEqual(["c", "b"]);
		expect(paths(await store.newestEvents({ project, limit: 2, before: newest[1]?.seq ?? 0 }))).toEqual(["a"]);
	});

	test("is filtered by type and by session", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob"]);
		await take(store, "ann", file("a.ts"));
		await take(store, "bob", file("b.ts"));
		const all = { project, after: 0, limit: 10 };
		const read = async (query: Parameters<Store["events"]>[0]) =>
			(await store.events(query)).map(({ type, session }) => `${type} ${session}`);

		expect(await read({ ...all, types: ["lock_acquired"] })).toEqual(["lock_acquired ann", "lock_acquired bob"]);
		expect(await read({ ...all, session: entryOf("bob").id })).toEqual(["session_connected bob", "lock_acquired bob"]);
		expect(await read({ ...all, types: ["lock_acquired", "file_change"], session: entryOf("ann").id })).toEqual([
			"lock_acquired ann",
		]);
		expect(await read({ ...all, types: [] })).toEqual([]);
	});

	test("says who it was, as far as that is known", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann"]);
		await take(store, "ann", file("a.ts"));
		await store.append(project, nobody, saved("a.ts"));

		expect(await store.events({ project, after: 1, limit: 10 })).toMatchObject([
			{ session: "ann", actor: "ann@example.org", request: expect.any(String), token: expect.any(Number) },
			{ session: undefined, actor: undefined },
		]);
	});

	test("rings for whoever listens on another connection", async () => {
		await using live = await openLive();
		const [writer, reader] = [await live.connect(), await live.connect()];
		let rings = 0;
		using _listening = reader.onChange(() => {
			rings += 1;
		});
		const before = rings;

		await writer.append(project, nobody, saved("a"));

		await until(() => rings > before);
		expect(paths(await reader.events({ project, after: 0, limit: 10 }))).toEqual(["a"]);
	});

	test("no longer rings for who stopped listening", async () => {
		await using live = await openLive();
		const store = await live.connect();
		const heard: string[] = [];
		const gone = store.onChange(() => heard.push("gone"));
		using _listening = store.onChange(() => heard.push("here"));
		await store.append(project, nobody, saved("a"));
		await until(() => heard.includes("gone"));

		gone[Symbol.dispose]();
		heard.length = 0;
		await store.append(project, nobody, saved("b"));
		await until(() => heard.length > 0);

		expect(heard).not.toContain("gone");
	});
});

function saved(path: string): EventBody {
	return { type: "file_change", path, change: "save", worktree: "/work" };
}

function paths(events: readonly object[]): unknown[] {
	return events.map((event) => ("path" in event ? event.path : undefined));
}
