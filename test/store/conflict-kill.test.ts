import { describe, expect, test } from "vitest";
import { type Conflict, type ConflictId, sides } from "../../server/coordination/conflict.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";
import type { ConflictWorkerOptions } from "../helpers/conflict-worker.ts";
import { randomOf, seedOfThisRun } from "../helpers/random.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { project } from "../helpers/request.ts";
import { disposableDirectory } from "../helpers/store.ts";
import { Team } from "../helpers/team.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";

const seed = seedOfThisRun();
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

async function torn(store: Store): Promise<readonly Conflict[]> {
	const found: Conflict[] = [];
	for (const conflict of await store.conflicts(project)) if (!(await isWhole(store, conflict))) found.push(conflict);
	return found;
}

describe(`a process that is killed while it reports, amends and settles conflicts (UDO_SEED=${seed})`, () => {
	test("leaves each of them whole, listed once, and in the log as often as it happened", async () => {
		const random = randomOf(seed);
		await using directory = await disposableDirectory();
		await using store = await openLocalStore({ directory: directory.path });
		const tornByKill: (readonly Conflict[])[] = [];
		for (let kill = 0; kill < kills; kill++) {
			await using worker = await work({ directory: directory.path, causes: 3, isEndless: true });
			await worker.says("reported");
			await pause(random() * 60);
			worker.kill("SIGKILL");
			await worker.ended();
			tornByKill.push(await torn(store));
		}
		const all = await store.conflicts(project, "all");
		const open = await store.conflicts(project);
		const events = await store.events({ project, after: 0, limit: 100_000 });
		const told = (type: string) =>
			events.flatMap((event) => (event.type === type && "conflict" in event ? [event.conflict] : []));

		expect(tornByKill).toEqual(Array.from({ length: kills }, () => []));
		expect(all.length).toBeGreaterThan(kills);
		expect(new Set(open.map(({ cause }) => cause)).size).toBe(open.length);
		expect(told("conflict_detected").slice(-all.length).sort()).toEqual(all.map(({ id }) => id).sort());
		expect(told("conflict_resolved")).toHaveLength(told("conflict_detected").length - open.length);
		expect(await store.integrity()).toBe("ok");
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
		const carried = idsOf(await ann.conflicts(project));
		await team.server.restart();
		await until(async () => (await (await machine.open()).conflicts(project)).length > 0);
		worker.kill("SIGKILL");
		const bob = await (await team.machine("west")).with(["bob"]);
		const found = await until(
			() => bob.conflicts(project),
			({ length }) => length >= causes,
		);

		expect(idsOf(found)).toEqual(carried);
		expect(await torn(bob)).toEqual([]);
		expect(idsOf(await ann.conflicts(project, "all"))).toEqual(carried);
	});
});

function idsOf(conflicts: readonly Conflict[]): readonly ConflictId[] {
	return conflicts.map(({ id }) => id).sort();
}
