import { rm } from "node:fs/promises";
import { temporaryDirectory } from "../helpers/store.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import { notMeasured, type Part, type Row, spread } from "./row.ts";

const forMs = 5000;
const peers = ["udo", "proper-lockfile", "flock"];

/** Locks that nobody else wants: how fast, alone and beside others. */
export async function measurePairs(): Promise<Part> {
	const rows: Row[] = [];
	const measure = async (what: string, options: object, processes: number, goal?: string) => {
		try {
			const took = (await together(processes, "pairs", options)).flat();
			const rate = `${Math.round((took.length * 1000) / forMs)} pairs/s`;
			rows.push({ what, measured: `${rate}; ${spread(took)}`, ...(goal !== undefined && { goal }) });
		} catch (error) {
			rows.push(notMeasured(what, error));
		}
	};
	for (const peer of peers) {
		const goal = peer === "udo" ? "p50 ≤ 0.2 ms, p99 ≤ 2 ms" : undefined;
		await measure(
			`${peer}, 8 processes paced at 1,000 pairs/s in all`,
			{ peer, pace: 125, ...(peer === "flock" && { warm: 5 }) },
			8,
			goal,
		);
	}
	for (const peer of peers) {
		for (const processes of [1, 2, 8])
			await measure(
				`${peer}, ${processes} unpaced`,
				{ peer, pace: 0, ...(peer === "flock" && { warm: 5 }) },
				processes,
			);
	}
	return { title: "acquire + release of a lock that nobody else wants", rows };
}

/** Twenty processes want one lock all the time. */
export async function measureContention(): Promise<Part> {
	const rows: Row[] = [];
	for (const peer of ["udo", "proper-lockfile"]) {
		const each = await together(20, "contend", { peer, holdMs: 2 });
		const waits = each.flat();
		const grants = each.map((took) => took.length).sort((a, b) => a - b);
		rows.push({
			what: `${peer}, 20 contenders, 2 ms hold`,
			measured: `${Math.round((waits.length * 1000) / forMs)} grants/s; wait ${spread(waits)}; grants per contender ${grants[0]}–${grants.at(-1)}`,
			...(peer === "udo" && { goal: "even grants, no long waits" }),
		});
	}
	return { title: "one lock that all want", rows };
}

/** An entry in the log, until another process has read it. */
export async function measureEvents(): Promise<Part> {
	const directory = await temporaryDirectory();
	const script = await bundleWorker("test/bench/worker.ts");
	const options = { directory, count: 400 };
	await using listener = new Worker(script, "listen", { ...options, name: "listener" });
	await listener.says("ready");
	await using sender = new Worker(script, "send", { ...options, name: "sender" });
	await sender.says("ready");
	sender.tell();
	const took = (await listener.says("done"))["took"] as number[];
	await rm(directory, { recursive: true, force: true });
	return {
		title: "an event until another process has read it",
		rows: [{ what: "udo, appended to read", measured: spread(took), goal: "p50 ≤ 1 ms, p99 ≤ 10 ms" }],
	};
}

async function together(processes: number, role: string, options: object): Promise<number[][]> {
	const directory = await temporaryDirectory();
	const script = await bundleWorker("test/bench/worker.ts");
	const workers = Array.from(
		{ length: processes },
		(_, i) => new Worker(script, role, { directory, name: `w${i}`, forMs, warm: 500, ...options }),
	);
	try {
		await Promise.all(workers.map((each) => each.says("ready")));
		for (const each of workers) each.tell();
		const done = await Promise.all(workers.map((each) => each.says("done")));
		return done.map((each) => each["took"] as number[]);
	} finally {
		for (const each of workers) await each[Symbol.asyncDispose]();
		await rm(directory, { recursive: true, force: true });
	}
}
