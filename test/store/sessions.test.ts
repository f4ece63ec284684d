import { describe, expect, test } from "vitest";
import { arrive, entryOf, file, otherProject, project, queueUp, take } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

const terms = { ttlMs: 86_400_000, most: 3 };

describe.each(stores)("sessions in a $name store", ({ open }) => {
	test("the oldest session of a project is its primary, and the next one is promoted when it ends", async () => {
		await using opened = await open();
		const { store } = opened;
		const [ann] = await arrive(store, ["ann", "bob", "cleo"]);
		if (ann === undefined) throw new Error("ann is not there");
		expect(await roles(store)).toEqual({ ann: "primary", bob: "secondary", cleo: "secondary" });

		await store.closeSessions([ann.id], "closed", project);

		expect(await roles(store)).toEqual({ bob: "primary", cleo: "secondary" });
		expect(await store.events({ project, after: 0, limit: 10, types: ["session_promoted"] })).toMatchObject([
			{ session: "bob" },
		]);
	});

	test("coming again refreshes a session where it works, but not its age or its role", async () => {
		await using opened = await open();
		const { store, advance } = opened;
		await arrive(store, ["ann", "bob"]);
		await advance(1000);

		const again = await store.openSession(entryOf("bob", { branch: "dev", worktree: "/elsewhere" }), terms);

		expect(again).toMatchObject({
			ok: true,
			isNew: false,
			session: { branch: "dev", worktree: "/elsewhere", ageMs: 1000, sinceHeartbeatMs: 0, role: "secondary" },
		});
	});

	test("a detached HEAD is no branch", async () => {
		await using opened = await open();
		await opened.store.openSession(entryOf("ann", { branch: undefined }), terms);

		expect((await opened.store.sessions(project))[0]?.branch).toBeUndefined();
	});

	test("a project takes no more sessions than its limit, but knows those it has", async () => {
		await using opened = await open();
		const { store } = opened;
		await arrive(store, ["ann", "bob", "cleo"]);

		expect(await store.openSession(entryOf("dan"), terms)).toEqual({ ok: false, most: 3 });
		expect(await store.openSession(entryOf("ann"), terms)).toMatchObject({ ok: true, isNew: false });
		expect(await store.openSession(entryOf("dan", { project: otherProject }), terms)).toMatchObject({ ok: true });
	});

	test("what a session had goes on when it ends: locks, places, presence", async () => {
		await using opened = await open();
		const { store } = opened;
		const [ann] = await arrive(store, ["ann", "bob", "cleo"]);
		if (ann === undefined) throw new Error("ann is not there");
		await take(store, "ann", file("a.ts"));
		await take(store, "bob", file("b.ts"));
		const place = await queueUp(store, "ann", file("b.ts"));
		const waiting = await queueUp(store, "cleo", file("a.ts"));
		await store.setPresence(project, ann.id, [{ path: "a.ts", unsaved: false, line: undefined }]);

		expect(await store.closeSessions([ann.id], "died", project)).toBe(1);

		expect(await store.peek(project, waiting.request)).toBe("granted");
		expect(await store.peek(project, place.request)).toBe("gone");
		expect(await store.presence(project)).toEqual([]);
		expect(await store.closeSessions([ann.id], "died", project)).toBe(0);
		const events = await store.events({ project, after: 0, limit: 100, session: ann.id });
		expect(events.map(({ type }) => type)).toEqual([
			"session_connected",
			"lock_acquired",
			"lock_queued",
			"lock_cancelled",
			"lock_released",
			"session_disconnected",
		]);
		expect(events.at(-2)).toMatchObject({ cause: "died" });
	});

	test("a session ends in one project or in all", async () => {
		await using opened = await open();
		const { store } = opened;
		const [ann] = await arrive(store, ["ann"]);
		await arrive(store, ["ann"], otherProject);
		if (ann === undefined) throw new Error("ann is not there");

		await store.closeSessions([ann.id], "closed", project);
		expect((await store.sessions()).map((session) => session.project)).toEqual([otherProject]);
		await arrive(store, ["ann"]);
		await store.closeSessions([ann.id], "closed");
		expect(await store.sessions()).toEqual([]);
	});

	async function roles(store: Parameters<typeof arrive>[0]): Promise<Record<string, string>> {
		return Object.fromEntries((await store.sessions(project)).map(({ id, role }) => [id, role]));
	}
});
