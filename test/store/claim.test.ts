import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { claim, type Waiting } from "../../server/coordination/claim.ts";
import type { Coordinator } from "../../server/coordination/coordinator.ts";
import { thisProcess } from "../../server/coordination/coordinator.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { coordinatorOf, file, project } from "../helpers/request.ts";
import { stores, temporaryDirectory } from "../helpers/store.ts";
import type { LiveStore } from "../helpers/store-harness.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";

const patiently = { waitMs: 60_000 };

describe.each(stores)("claiming from a $name store", ({ openLive }) => {
	test("gets what is free at once", async () => {
		await using live = await openLive();
		const [ann] = await sessions(live, ["ann"]);

		const claimed = await claim(ann, [file("a.ts")], patiently);

		expect(claimed).toMatchObject({ ok: true, granted: { resources: [file("a.ts")] } });
		expect((await ann.store.locks(project)).map(({ holds }) => holds)).toEqual([
			[{ request: expect.any(String), origin: "claim", owner: undefined }],
		]);
	});

	test("without waiting answers at once who has it, and takes no place", async () => {
		await using live = await openLive();
		const [ann, bob] = await sessions(live, ["ann", "bob"]);
		await claim(ann, [file("a.ts")], patiently);

		const claimed = await claim(bob, [file("a.ts")], { waitMs: 0 });

		expect(claimed).toMatchObject({ ok: false, refusal: { reason: "held", queued: false }, aborted: false });
		expect(await ann.store.waiters(project)).toEqual([]);
	});

	test("is served in the order in which the claims came", async () => {
		await using live = await openLive();
		const [ann, ...others] = await sessions(live, ["ann", "bob", "cleo", "dan", "eve"]);
		const first = await claim(ann, [file("a.ts")], patiently);
		const order: string[] = [];
		const waiting: Promise<void>[] = [];
		for (const [index, other] of others.entries()) {
			waiting.push(
				claim(other, [file("a.ts")], patiently).then(async (claimed) => {
					order.push(other.session.id);
					if (claimed.ok) await giveBack(other, claimed.granted.request);
				}),
			);
			await until(async () => (await ann.store.waiters(project)).length === index + 1);
		}

		if (first.ok) await giveBack(ann, first.granted.request);
		await Promise.all(waiting);

		expect(order).toEqual(["bob", "cleo", "dan", "eve"]);
		expect(await ann.store.locks(project)).toEqual([]);
	});

	test("gives up its place when the time is over", async () => {
		await using live = await openLive();
		const [ann, bob] = await sessions(live, ["ann", "bob"]);
		await claim(ann, [file("a.ts")], patiently);

		const claimed = await claim(bob, [file("a.ts")], { waitMs: 50 });

		expect(claimed).toMatchObject({ ok: false, refusal: { reason: "held", queued: true }, aborted: false });
		expect(claimed.waitedMs).toBeGreaterThanOrEqual(50);
		expect(await ann.store.waiters(project)).toEqual([]);
		expect((await ann.store.locks(project)).map(({ session }) => session)).toEqual(["ann"]);
	});

	test("gives up its place when it is aborted, having said whom it waits for", async () => {
		await using live = await openLive();
		const [ann, bob, cleo] = await sessions(live, ["ann", "bob", "cleo"]);
		await claim(ann, [file("a.ts")], patiently);
		const abort = new AbortController();
		const heard: Waiting[] = [];
		const onWaiting = (waiting: Waiting) => {
			heard.push(waiting);
			abort.abort();
		};

		const sooner = claim(cleo, [file("a.ts")], { waitMs: 1500 }).then(() => "cleo's time was over");
		await until(async () => (await ann.store.waiters(project)).length === 1);
		const claimed = await Promise.race([
			claim(bob, [file("a.ts")], { ...patiently, signal: abort.signal, onWaiting }),
			sooner,
		]);
		await sooner;

		expect(claimed).toMatchObject({ ok: false, aborted: true });
		expect(heard).toMatchObject([{ blockers: [{ session: "ann" }, { what: "waiter", session: "cleo" }] }]);
		expect(await ann.store.waiters(project)).toEqual([]);
	});

	test("waits as this process and then belongs to the session", async () => {
		await using live = await openLive();
		const [ann, bob] = await sessions(live, ["ann", "bob"]);
		const first = await claim(ann, [file("a.ts")], patiently);
		const waiting = claim(bob, [file("a.ts")], patiently);
		await until(async () => (await ann.store.waiters(project))[0]?.owner?.pid === process.pid);

		if (first.ok) await giveBack(ann, first.granted.request);
		const claimed = await waiting;

		const [lock] = await ann.store.locks(project);
		expect(lock).toMatchObject({ session: "bob", count: 1, holds: [{ owner: undefined }] });
		expect(claimed).toMatchObject({ ok: true, granted: { token: lock?.token, request: lock?.holds[0]?.request } });
	});

	test("belongs to the process that it was made for", async () => {
		await using live = await openLive();
		const [ann, bob] = await sessions(live, ["ann", "bob"]);
		const first = await claim(ann, [file("a.ts")], patiently);
		const waiting = claim(bob, [file("a.ts")], { ...patiently, owner: thisProcess() });
		await until(async () => (await ann.store.waiters(project)).length === 1);
		if (first.ok) await giveBack(ann, first.granted.request);
		await waiting;

		expect((await ann.store.locks(project))[0]?.holds).toMatchObject([{ owner: thisProcess() }]);
	});
});

test("what a killed process held goes to who waits, past waiters that were killed as well", async () => {
	const directory = await temporaryDirectory();
	const script = await bundleWorker();
	await using store = await openLocalStore({ directory });
	const bob = await coordinatorOf(store, "bob");
	const options = { directory, project, resources: ["file:a.ts"], forMs: 60_000 };
	await using holder = new Worker(script, "hold", { ...options, session: "holder" });
	await holder.says("held");
	await using dead = new Worker(script, "wait", { ...options, session: "dead" });
	await dead.says("waiting");
	const waiting = claim(bob, [file("a.ts")], patiently);
	await until(async () => (await store.waiters(project)).length === 2);

	dead.kill();
	holder.kill();

	expect(await waiting).toMatchObject({ ok: true });
	expect((await store.sessions(project)).map(({ id }) => id)).toEqual(["bob"]);
	await rm(directory, { recursive: true, force: true });
});

async function sessions<const Names extends readonly string[]>(
	live: LiveStore,
	names: Names,
): Promise<{ [Name in keyof Names]: Coordinator }> {
	const coordinators: Coordinator[] = [];
	for (const name of names) coordinators.push(await coordinatorOf(await live.connect(), name));
	return coordinators as { [Name in keyof Names]: Coordinator };
}

async function giveBack(
	{ store }: Coordinator,
	request: Parameters<Coordinator["store"]["release"]>[1],
): Promise<void> {
	await store.release(project, request, "released");
}
