import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Conflict, sides } from "../../server/coordination/conflict.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";
import type { ConflictWorkerOptions } from "../helpers/conflict-worker.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { Team } from "../helpers/team.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";

const kills = 6;

async function work(options: ConflictWorkerOptions): Promise<Worker> {
	return new Worker(await bundleWorker("test/helpers/conflict-worker.ts"), "report", options);
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

async function isWhole(store: Store, { id }: Conflict): Promise<boolean> {
	const texts: string[] = [];
	for (const side of sides) texts.push(String(await store.conflictBlob(project, id, side)));
	return new Set(texts).size === 1 && texts[0] !== "undefined";
}

describe("a process that is killed while it reports, amends and settles conflicts", () => {
	test("leaves each of them whole, listed once, and in the log as often as it happened", async () => {
		const directory = await temporaryDirectory();
		await using store = await openLocalStore({ directory });
		for (let kill = 0; kill < kills; kill++) {
			await using worker = await work({ directory, causes: 3, isEndless: true });
			await worker.says("reported");
			await pause(Math.random() * 60);
			worker.kill("SIGKILL");
			await worker.ended();
			for (const conflict of await store.conflicts(project)) expect(await isWhole(store, conflict)).toBe(true);
		}
		const all = await store.conflicts(project, "all");
		const open = await store.conflicts(project);

		expect(all.length).toBeGreaterThan(kills);
		expect(new Set(open.map(({ cause }) => cause)).size).toBe(open.length);
		const events = await store.events({ project, after: 0, limit: 100_000 });
		const told = (type: string) =>
			events.flatMap((event) => (event.type === type && "conflict" in event ? [event.conflict] : []));
		expect(told("conflict_detected").slice(-all.length).sort()).toEqual(all.map(({ id }) => id).sort());
		expect(told("conflict_resolved")).toHaveLength(told("conflict_detected").length - open.length);
		expect(await store.integrity()).toBe("ok");
		await store[Symbol.asyncDispose]();
		await rm(directory, { recursive: true, force: true });
	});

	test.skipIf(!hasRedis)("at the end of an outage loses none that it reported, and none is there twice", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const machine = await team.machine("east");
		const ann = await machine.with(["ann"]);
		await team.server.kill();
		const causes = 40;
		const { directory, socket } = machine;
		await using worker = await work({ directory, socket, causes, isEndless: false });
		await worker.says("done");
		const carried = await ann.conflicts(project);
		await team.server.restart();
		await until(async () => (await (await remote()).conflicts(project)).length > 0);
		worker.kill("SIGKILL");

		const bob = await (await team.machine("west")).with(["bob"]);
		const found = await until(
			() => bob.conflicts(project),
			({ length }) => length >= causes,
		);
		expect(found.map(({ id }) => id).sort()).toEqual(carried.map(({ id }) => id).sort());
		for (const conflict of found) expect(await isWhole(bob, conflict)).toBe(true);
		expect((await ann.conflicts(project, "all")).map(({ id }) => id).sort()).toEqual(found.map(({ id }) => id).sort());

		async function remote(): Promise<Store> {
			return machine.open();
		}
	});
});
