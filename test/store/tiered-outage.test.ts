import { describe, expect, test } from "vitest";
import type { Conflict } from "../../server/coordination/conflict.ts";
import type { UdoEvent } from "../../server/coordination/event.ts";
import { StoreUnavailableError } from "../../server/errors.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Author } from "../../server/store/store.ts";
import type { TieredStore } from "../../server/store/tiered.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { branch, database, everything, file, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { Team } from "../helpers/team.ts";
import { until } from "../helpers/until.ts";

const durable = { appendfsync: "always" } as const;

describe.skipIf(!hasRedis)("an outage of a team's Redis", () => {
	test("a file that somebody else got meanwhile is a conflict with both sides' texts, and is lost here", async () => {
		await using team = await Team.start(durable);
		const textsOf = async (_session: unknown, path: string) => ({
			ours: Buffer.from(`${path} here`),
			base: Buffer.from(`${path} before`),
		});
		const ann = await (await team.machine("east")).with(["ann"], { textsOf });
		const bob = await (await team.machine("west")).with(["bob"]);
		const theirs = await take(bob, "bob", file("a.ts"));
		await team.server.kill();
		const ours = await take(ann, "ann", file("a.ts"));
		await team.server.restart();

		const [conflict] = await until(
			() => ann.conflicts(project),
			({ length }) => length > 0,
		);
		expect(conflict).toMatchObject({
			type: "state_divergence",
			resource: "file:a.ts",
			sessions: ["ann", "bob"],
			next: "udo lock --wait a.ts",
		});
		for (const part of ["ann", "east", `token ${ours.token}`, "bob", "west", `token ${theirs.token}`]) {
			expect(conflict?.summary).toContain(part);
		}
		const theirView = await until(
			() => bob.conflicts(project),
			({ length }) => length > 0,
		);
		expect(theirView).toHaveLength(1);
		expect(await textOf(bob, conflict, "ours")).toBe("a.ts here");
		expect(await textOf(bob, conflict, "base")).toBe("a.ts before");
		expect(await ann.peek(project, ours.request)).toBe("gone");
		expect(await bob.peek(project, theirs.request)).toBe("granted");
		const log = await until(
			() => bob.events({ project, after: 0, limit: 100, types: ["lock_released"] }),
			({ length }) => length > 0,
		);
		expect(log).toMatchObject([{ session: "ann", cause: "diverged", by: "bob" }]);
	});

	test("a branch that the team granted stands until its lease ends and not longer, a file goes on", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		const ttlMs = 1500;
		const main = await take(ann, "ann", branch("main"), { ttlMs });
		const mine = await take(ann, "ann", file("a.ts"), { ttlMs });
		await team.server.kill();

		await expect(ann.renew(project, main.request)).rejects.toThrow(StoreUnavailableError);
		expect(await ann.peek(project, main.request)).toBe("granted");
		expect(ann.link()).toMatchObject({ state: "jeopardy" });
		await until(async () => {
			expect(await ann.renew(project, mine.request)).toBe(true);
			return (await ann.peek(project, main.request)) === "gone";
		});
		expect(await ann.renew(project, main.request)).toBe(false);
		const [left, ...others] = await until(
			() => ann.locks(project),
			(locks) => locks.every(({ isLocalOnly }) => isLocalOnly),
		);
		expect(left).toMatchObject({ resource: file("a.ts") });
		expect(others).toEqual([]);
		expect(ann.link()).toMatchObject({ state: "local" });
		expect(await ann.newestEvents({ project, limit: 1, types: ["lock_released"] })).toMatchObject([
			{ session: "ann", cause: "expired", resources: ["git:main"] },
		]);
	});

	test("what concerns the whole team is refused in words, or taken on this machine when told so, and recorded", async () => {
		await using team = await Team.start();
		const east = await team.machine("east");
		const ann = await east.with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const override = await east.open({ alone: "overridden" });
		await team.server.kill();

		for (const resource of [branch("main"), database("users"), everything]) {
			await expect(ann.acquire(requestOf("ann", resource))).rejects.toMatchObject({
				message: expect.stringContaining("cannot be locked without the team's store"),
				next: expect.stringContaining("UDO_LOCAL=1"),
			});
		}
		expect(await ann.locks(project)).toEqual([]);
		const taken = await take(override, "ann", branch("main"));
		expect(taken.isLocalOnly).toBe(true);
		const record = { type: "team_overridden", resources: ["git:main"], session: "ann" };
		expect(await ann.newestEvents({ project, limit: 1 })).toMatchObject([record]);
		await ann.release(project, taken.request, "released");
		await team.server.restart();
		await until(
			() => bob.newestEvents({ project, limit: 1, types: ["team_overridden"] }),
			({ length }) => length === 1,
		);
		expect(await bob.events({ project, after: 0, limit: 100, types: ["team_overridden"] })).toMatchObject([record]);
	});

	test("who waits for what another machine holds does not get it by the outage, before that lease is over", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann", "amy"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await take(bob, "bob", [file("a.ts"), file("b.ts")]);
		await take(bob, "bob", file("c.ts"), { ttlMs: 200 });
		const long = await queueUp(ann, "ann", file("a.ts"));
		const short = await queueUp(ann, "amy", file("c.ts"));
		await team.server.kill();

		expect(await ann.acquire(long)).toMatchObject({ ok: false, reason: "held", blockers: [{ session: "bob" }] });
		expect(await ann.peek(project, long.request)).toBe("waiting");
		const granted = await until(
			() => ann.acquire(short),
			({ ok }) => ok,
		);
		expect(granted).toMatchObject({ isLocalOnly: true });
		expect(await ann.acquire(long)).toMatchObject({ ok: false, reason: "held" });
	});

	test("nothing hangs while Redis is stopped, and what it was asked then is not left behind in it", async () => {
		await using team = await Team.start();
		const east = await team.machine("east");
		const ann = await east.with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		team.server.stop();

		await expect(ann.acquire(requestOf("ann", branch("main")))).rejects.toThrow(StoreUnavailableError);
		const here = await take(ann, "ann", file("a.ts"));
		await ann.release(project, here.request, "released");
		const kept = await take(ann, "ann", file("b.ts"));
		// Who comes now does not ask Redis again, as long as it is not time to.
		await using machine = await openLocalStore({ directory: east.directory });
		const triesOf = async () => (await machine.team.outage(project))?.tries;
		await until(async () => {
			const before = await triesOf();
			expect(await (await east.with(["amy"])).locks(project)).toMatchObject([{ resource: file("b.ts") }]);
			return before !== undefined && before === (await triesOf());
		});
		team.server.resume();

		await until(
			() => bob.locks(project),
			(locks) => locks.length === 1 && locks[0]?.session === "ann" && locks[0].resource.id === "b.ts",
		);
		expect(await ann.peek(project, kept.request)).toBe("granted");
		expect(await bob.acquire(requestOf("bob", [branch("main"), file("a.ts")]))).toMatchObject({ ok: true });
	});

	test("what a process asked and did not live to hear the answer of is cancelled by the next one", async () => {
		await using team = await Team.start();
		const east = await team.machine("east");
		const bob = await (await team.machine("west")).with(["bob"]);
		const gone = await east.with(["ann"]);
		// Redis has to know the script, or it would only say so and forget the request.
		await gone.release(project, (await take(gone, "ann", file("a.ts"))).request, "released");
		team.server.stop();
		const { request } = await take(gone, "ann", file("a.ts"));
		await gone.release(project, request, "released");
		await gone[Symbol.asyncDispose]();
		team.server.resume();
		await until(async () => (await bob.locks(project)).length === 1);

		await east.with(["amy"]);
		await until(
			() => bob.acquire(requestOf("bob", file("a.ts"))),
			({ ok }) => ok,
		);
	});

	test("nobody is primary while the team cannot be asked, and the same one is afterwards", async () => {
		await using team = await Team.start(durable);
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const roles = async (store: TieredStore) => (await store.sessions(project)).map(({ id, role }) => `${id} ${role}`);
		await team.server.kill();

		expect(await roles(ann)).toEqual(["ann secondary"]);
		expect(await roles(bob)).toEqual(["bob secondary"]);
		await team.server.restart();
		await until(
			() => roles(bob),
			(seen) => seen.join() === "ann primary,bob secondary",
		);
	});

	test("tokens rise from before to during to after, on both sides", async () => {
		await using team = await Team.start(durable);
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const tokens: number[] = [];
		const next = async (store: TieredStore, session: string) => {
			const { token, request } = await take(store, session, file("a.ts"));
			await store.release(project, request, "released");
			tokens.push(token);
		};
		await next(ann, "ann");
		await next(bob, "bob");
		await next(ann, "ann");
		await team.server.kill();
		await next(ann, "ann");
		await next(ann, "ann");
		await team.server.restart();
		await until(() => ann.locks(project).then(() => ann.link().state === "connected" && ann.link().recoveringMs === 0));
		await next(ann, "ann");
		await next(bob, "bob");

		expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
		expect(new Set(tokens).size).toBe(tokens.length);
	});

	test("who follows the log reads this machine's part of it meanwhile, and then on with the team's", async () => {
		await using team = await Team.start(durable);
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const seen: UdoEvent[] = [];
		let after = await ann.lastEvent(project);
		const follow = async () => {
			const events = await ann.events({ project, after, limit: 100, types: ["lock_acquired", "link_changed"] });
			seen.push(...events);
			after = events.at(-1)?.seq ?? after;
		};
		await take(bob, "bob", file("1.ts"));
		await follow();
		await team.server.kill();
		await take(ann, "ann", file("2.ts"));
		await follow();
		await take(ann, "ann", file("3.ts"));
		await follow();
		await team.server.restart();
		await until(
			() => bob.acquire(requestOf("bob", file("4.ts"))),
			(answer) => answer.ok && !answer.isLocalOnly,
		);
		await until(follow, () =>
			seen.some((event) => "resources" in event && event.resources.includes("file:4.ts" as never)),
		);

		const told = seen.flatMap((event) =>
			event.type === "lock_acquired" && event.session !== undefined ? event.resources : [],
		);
		expect(told.filter((key) => /[123]/.test(key)).slice(0, 3)).toEqual(["file:1.ts", "file:2.ts", "file:3.ts"]);
		expect(seen.map(({ seq }) => seq)).toEqual(seen.map(({ seq }) => seq).sort((a, b) => a - b));
	});

	test("what was kept and reported meanwhile is the team's afterwards, once", async () => {
		await using team = await Team.start(durable);
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await ann.saveState(project, "before", "1");
		await team.server.kill();
		await ann.saveState(project, "context", "2");
		await ann.saveState(project, "before", undefined);
		const report = {
			project,
			type: "git_merge",
			resource: "git:main",
			sessions: ["ann"],
			summary: "s",
			next: "n",
		} as const;
		await ann.reportConflict(
			{
				...report,
				resource: report.resource as never,
				sessions: ["ann" as never],
				cause: "c",
				blobs: { ours: Buffer.from("o") },
			},
			{ session: "ann" as never, actor: "ann" },
		);
		expect(await ann.conflicts(project)).toHaveLength(1);
		await team.server.restart();

		const [conflict] = await until(
			() => bob.conflicts(project),
			({ length }) => length > 0,
		);
		expect(conflict).toMatchObject({ cause: "c", summary: "s" });
		expect(await textOf(bob, conflict, "ours")).toBe("o");
		await until(async () => (await bob.loadState(project, "context")) === "2");
		expect(await bob.loadState(project, "before")).toBeUndefined();
		expect(await ann.conflicts(project)).toHaveLength(1);
	});

	test("a session that ended meanwhile ends for the team as well, with its locks and places", async () => {
		await using team = await Team.start(durable);
		const ann = await (await team.machine("east")).with(["ann", "amy"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await take(ann, "amy", [file("a.ts"), branch("main")]);
		await team.server.kill();
		await ann.closeSessions(["amy" as never], "closed", project);
		await team.server.restart();

		await until(
			() => bob.sessions(project),
			(sessions) => sessions.map(({ id }) => id).join() === "ann,bob",
		);
		expect(await bob.locks(project)).toEqual([]);
	});
});

describe.skipIf(!hasRedis)("a Redis that lost its data", () => {
	test("gets back what each machine held, and until then gives nobody anything of it", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const anns = await take(ann, "ann", [file("a.ts"), branch("main")]);
		const bobs = await take(bob, "bob", file("b.ts"));
		await team.server.command("FLUSHALL");

		expect(await bob.acquire(requestOf("bob", branch("main")))).toMatchObject({ ok: false, reason: "recovering" });
		expect(await bob.acquire(requestOf("bob", file("a.ts")))).toMatchObject({ ok: true, isLocalOnly: true });
		expect(bob.link().recoveringMs).toBeGreaterThan(0);
		expect(await ann.renew(project, anns.request)).toBe(true);
		expect(await bob.renew(project, bobs.request)).toBe(true);
		expect((await bob.locks(project)).map(({ resource }) => resource)).toEqual(
			expect.arrayContaining([file("a.ts"), branch("main"), file("b.ts")]),
		);
		expect(await bob.acquire(requestOf("bob", branch("main")))).toMatchObject({ ok: false, reason: "held" });
	});

	test("does not leave those who follow its log behind the end of the new one", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		for (let n = 0; n < 20; n++) await ann.append(project, author, { type: "context_switched", to: `${n}` });
		const after = await ann.lastEvent(project);
		await team.server.command("FLUSHALL");
		await take(ann, "ann", file("a.ts"));
		await ann.append(project, author, { type: "context_switched", to: "new" });

		const events = await ann.events({ project, after, limit: 100, types: ["context_switched"] });
		expect(events).toMatchObject([{ to: "new" }]);
		const { seq } = events[0] ?? { seq: Number.NaN };
		await ann.append(project, author, { type: "context_switched", to: "newer" });
		expect(await ann.events({ project, after: seq, limit: 100, types: ["context_switched"] })).toMatchObject([
			{ to: "newer" },
		]);
	});

	test("gives what was locked on one machine meanwhile to the team when its time is over", async () => {
		await using team = await Team.start();
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await team.server.kill();
		await team.server.restart();
		const here = await until(
			() => ann.acquire(requestOf("ann", file("a.ts"))),
			(answer) => answer.ok,
		);

		const locks = await until(
			() => bob.locks(project),
			({ length }) => length > 0,
		);
		expect(locks).toMatchObject([{ session: "ann", isLocalOnly: false }]);
		expect(here.ok && (await ann.peek(project, here.request))).toBe("granted");
		expect(ann.link()).toMatchObject({ state: "connected", recoveringMs: 0 });
	});
});

const author = { session: "ann", actor: "ann" } as Author;

async function textOf(store: TieredStore, conflict: Conflict | undefined, side: "base" | "ours"): Promise<string> {
	const bytes = conflict && (await store.conflictBlob(project, conflict.id, side));
	return Buffer.from(bytes ?? []).toString();
}
