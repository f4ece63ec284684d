import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openLocalStore } from "../../server/store/local.ts";
import { makeOlder } from "../helpers/older-store.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { arrive, branch, file, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { Team } from "../helpers/team.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("two machines of a team", () => {
	test("see each other's sessions and locks, with who and where", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const taken = await take(ann, "ann", file("a.ts"));

		expect(await bob.sessions(project)).toMatchObject([
			{ id: "ann", host: "east", role: "primary" },
			{ id: "bob", host: "west", role: "secondary" },
		]);
		expect(await bob.locks(project)).toMatchObject([
			{ resource: file("a.ts"), session: "ann", token: taken.token, isLocalOnly: false },
		]);
		expect(await bob.acquire(requestOf("bob", file("a.ts")))).toMatchObject({
			ok: false,
			reason: "held",
			blockers: [{ session: "ann", host: "east" }],
		});
		expect(bob.link()).toMatchObject({ state: "connected", why: undefined });
	});

	test("wait for each other in the order in which they came, two sessions of one machine as well", async () => {
		await using team = await Team.start();
		const east = await team.machine("east");
		const west = await team.machine("west");
		const [ann, bob] = [await east.with(["ann", "amy"]), await west.with(["bob", "ben"])];
		const held = await take(ann, "ann", file("a.ts"));
		const bobs = await queueUp(bob, "bob", file("a.ts"));
		const amys = await queueUp(ann, "amy", file("a.ts"));
		const bens = await queueUp(bob, "ben", file("a.ts"));

		expect(await bob.waiters(project)).toMatchObject([{ session: "bob" }, { session: "ben" }]);
		expect(await bob.peek(project, bobs.request)).toBe("waiting");
		await ann.release(project, held.request, "released");
		expect(await bob.acquire(bobs)).toMatchObject({ ok: true });
		// Ann's machine asks for Amy once Ann's lock is gone, and so comes before Ben, who still stands behind Bob.
		expect(await ann.acquire(amys)).toMatchObject({ ok: false, blockers: [{ session: "bob" }] });
		await bob.release(project, bobs.request, "released");
		expect(await ann.acquire(amys)).toMatchObject({ ok: true });
		expect(await bob.acquire(bens)).toMatchObject({ ok: false, blockers: [{ session: "amy" }] });
		await ann.release(project, amys.request, "released");
		expect(await bob.acquire(bens)).toMatchObject({ ok: true });
	});

	test("a lock that was stolen on another machine is lost here", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const anns = await take(ann, "ann", file("a.ts"));
		const bobs = await take(bob, "bob", file("a.ts"), { steal: { reason: "urgent" } });

		expect(bobs.token).toBeGreaterThan(anns.token);
		expect(await ann.peek(project, anns.request)).toBe("gone");
		expect(await ann.renew(project, anns.request)).toBe(false);
		expect(await ann.events({ project, after: 0, limit: 100, types: ["lock_released"] })).toMatchObject([
			{ session: "ann", cause: "stolen", by: "bob", reason: "urgent" },
		]);
	});

	test("a lock that was stolen on another machine stands in nobody's way on its own, noticed or not", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann", "amy"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const anns = await take(ann, "ann", file("a.ts"));
		const bobs = await take(bob, "bob", file("a.ts"), { steal: { reason: "urgent" } });
		await bob.release(project, bobs.request, "released");

		expect(await ann.acquire(requestOf("amy", file("a.ts")))).toMatchObject({ ok: true });
		expect(await ann.peek(project, anns.request)).toBe("gone");
	});

	test("a steal that Redis refuses takes nothing from anybody on this machine", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann", "amy"]);
		const anns = await take(ann, "ann", file("a.ts"));
		const limits = { perSession: 0, perProject: 100 };

		expect(await ann.acquire(requestOf("amy", file("a.ts"), { steal: { reason: "mine" }, limits }))).toMatchObject({
			ok: false,
			reason: "limit",
		});
		expect(await ann.peek(project, anns.request)).toBe("granted");
		expect(await ann.locks(project)).toMatchObject([{ session: "ann" }]);
	});

	test("what only the team can give is refused while Redis is away, a file is locked on this machine", async () => {
		await using team = await Team.start();
		const east = await team.machine("east");
		const ann = await east.with(["ann", "amy"]);
		const before = await take(ann, "ann", file("b.ts"));
		await team.server.kill();

		await expect(ann.acquire(requestOf("ann", branch("main")))).rejects.toMatchObject({
			code: "store_unavailable",
			message: expect.stringContaining("branch main cannot be locked"),
		});
		const here = await take(ann, "ann", file("a.ts"));
		expect(here).toMatchObject({ isLocalOnly: true });
		expect(here.token).toBeGreaterThan(before.token);
		expect(await ann.acquire(requestOf("amy", file("a.ts")))).toMatchObject({ ok: false, reason: "held" });
		expect(await ann.locks(project)).toMatchObject([
			{ resource: file("b.ts"), isLocalOnly: false },
			{ resource: file("a.ts"), isLocalOnly: true },
		]);
		expect(ann.link()).toMatchObject({ state: "jeopardy", why: expect.any(String) });
	});

	test("after an outage what was locked here meanwhile is the team's, with a higher token", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const before = await take(bob, "bob", file("b.ts"));
		await team.server.kill();
		const here = await take(ann, "ann", file("a.ts"));
		await team.server.restart();

		const locks = await until(
			() => bob.locks(project),
			(seen) => seen.some(({ session }) => session === "ann") && seen.every(({ isLocalOnly }) => !isLocalOnly),
		);
		const anns = locks.find(({ session }) => session === "ann");
		expect(anns?.token).toBeGreaterThan(Math.max(here.token, before.token));
		expect(ann.link()).toMatchObject({ state: "connected" });
		expect(await ann.peek(project, here.request)).toBe("granted");
	});
});

test("the store of an udo that knew of no team is taken over with all that is in it", async () => {
	const directory = await temporaryDirectory();
	const before = await openLocalStore({ directory });
	await arrive(before, ["ann"]);
	await take(before, "ann", file("a.ts"));
	await before[Symbol.asyncDispose]();
	await makeOlder(directory, 1);

	await using after = await openLocalStore({ directory });
	expect(await after.locks(project)).toMatchObject([{ session: "ann", resource: file("a.ts") }]);
	expect(await after.ledger.held(project)).toMatchObject([{ session: "ann", entry: undefined }]);
	await rm(directory, { recursive: true, force: true });
});
