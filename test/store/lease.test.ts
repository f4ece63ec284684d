import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { machineClock } from "../../server/coordination/clock.ts";
import type { Coordinator } from "../../server/coordination/coordinator.ts";
import { Lease } from "../../server/coordination/lease.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { coordinatorOf, file, project, requestOf, take } from "../helpers/request.ts";
import { stores, temporaryDirectory } from "../helpers/store.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";

describe.each(stores)("a lease from a $name store", ({ openLive }) => {
	test("is renewed for as long as it is kept, and given back at the end", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		const watcher = await live.connect();
		{
			await using lease = await leaseOf(ann, 400);
			const [lock] = await until(
				() => watcher.locks(project),
				([found]) => (found?.ageMs ?? 0) > 1000,
			);

			expect(lock?.holds.map(({ request }) => request)).toEqual([lease.granted.request]);
			expect(lease.signal.aborted).toBe(false);
		}
		expect(await watcher.locks(project)).toEqual([]);
	});

	test("aborts its signal when the lock is stolen, and does not take it back", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		const other = await live.connect();
		await coordinatorOf(other, "bob");
		await using lease = await leaseOf(ann, 300_000);

		await take(other, "bob", file("a.ts"), { steal: { reason: "because" } });
		await until(() => lease.signal.aborted);

		expect(String(lease.signal.reason)).toMatch(/the lock is lost: it was stolen/);
		await lease.release();
		expect((await other.locks(project)).map(({ session }) => session)).toEqual(["bob"]);
	});

	test("that lost one of its locks still gives back the others", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		const other = await live.connect();
		await coordinatorOf(other, "bob");
		const sentAt = machineClock.now();
		const granted = await take(ann.store, "ann", [file("a.ts"), file("b.ts")]);
		const lease = new Lease(ann, granted, sentAt);
		await take(other, "bob", file("a.ts"), { steal: { reason: "because" } });
		await until(() => lease.signal.aborted);

		await lease.release();

		expect(await other.acquire(requestOf("bob", file("b.ts")))).toMatchObject({ ok: true });
	});

	test("does not abort when it is given back", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		const lease = await leaseOf(ann, 300_000);
		await lease.release();
		let rings = 0;
		using _listening = ann.store.onChange(() => {
			rings += 1;
		});
		await take(ann.store, "ann", file("b.ts"));
		await until(() => rings > 0);

		expect(lease.signal.aborted).toBe(false);
	});

	test("aborts at its deadline when the store can no longer be reached", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		const lease = await leaseOf(ann, 600);
		await ann.store[Symbol.asyncDispose]();
		await until(() => lease.signal.aborted);

		expect(String(lease.signal.reason)).toMatch(/could not be renewed in time/);
	});

	test("of a year does not run out at once", async () => {
		await using live = await openLive();
		const ann = await coordinatorOf(await live.connect(), "ann");
		await using lease = await leaseOf(ann, 365 * 86_400_000);
		let rings = 0;
		using _listening = ann.store.onChange(() => {
			rings += 1;
		});
		await take(ann.store, "ann", file("b.ts"));
		await until(() => rings > 0);

		expect(lease.signal.aborted).toBe(false);
		expect(await ann.store.peek(project, lease.granted.request)).toBe("granted");
	});
});

test("a process that was stopped for longer than its lease learns that the lock is lost, and somebody else has it", async () => {
	const directory = await temporaryDirectory();
	const script = await bundleWorker();
	await using store = await openLocalStore({ directory });
	await coordinatorOf(store, "bob");
	const options = { directory, project, session: "ann", resources: ["file:a.ts"], ttlMs: 700 };
	await using worker = new Worker(script, "lease", options);
	const first = await worker.says("leased");

	worker.kill("SIGSTOP");
	const answer = await until(
		() => store.acquire(requestOf("bob", file("a.ts"))),
		({ ok }) => ok,
	);
	worker.kill("SIGCONT");

	expect(await worker.says("lost")).toMatchObject({ why: expect.stringContaining("the lock is lost") });
	expect(answer.ok && answer.token).toBeGreaterThan(Number(first["token"]));
	expect((await store.locks(project)).map(({ session }) => session)).toEqual(["bob"]);
	await rm(directory, { recursive: true, force: true });
});

async function leaseOf(coordinator: Coordinator, ttlMs: number): Promise<Lease> {
	const sentAt = machineClock.now();
	const answer = await coordinator.acquire([file("a.ts")], { ttlMs });
	if (!answer.ok) throw new Error(JSON.stringify(answer));
	return new Lease(coordinator, answer, sentAt);
}
