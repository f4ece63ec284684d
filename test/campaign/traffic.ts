import { rm } from "node:fs/promises";
import { openLocalStore } from "../../server/store/local.ts";
import { project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import { LogCheck } from "./log-check.ts";
import type { Report } from "./report.ts";

const resources = [
	...["a.ts", "src/", "src/a.ts", "src/b.ts", "src/deep/", "src/deep/c.ts"].map((path) => `file:${path}`),
	"git:main",
	"database:users",
	"project:",
];

/** `processes` lock at random for `forMs`; the log, read while it is written, must show that nothing ever went wrong. */
export async function randomTraffic(processes: number, forMs: number, seed: number): Promise<Report> {
	const directory = await temporaryDirectory();
	const script = await bundleWorker();
	await using store = await openLocalStore({ directory });
	const check = new LogCheck();
	const workers = Array.from(
		{ length: processes },
		(_, i) => new Worker(script, "traffic", { directory, project, session: `s${i}`, resources, forMs, seed: seed + i }),
	);
	let isOver = false;
	const ended = Promise.all(workers.map((each) => each.ended())).finally(() => {
		isOver = true;
	});
	for (;;) {
		const wasOver = isOver;
		const events = await store.events({ project, after: check.seq, limit: 5000 });
		for (const event of events) check.follow(event);
		if (events.length > 0) continue;
		if (wasOver) break;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	await ended;
	const done = await Promise.all(workers.map((each) => each.says("done")));
	const sum = (what: string) => done.reduce((total, each) => total + Number(each[what]), 0);
	const wrong = [...check.wrong.slice(0, 20)];
	if (check.left.holds + check.left.waiters > 0) wrong.push(`left over: ${JSON.stringify(check.left)}`);
	const locks = await store.locks(project);
	if (locks.length > 0) wrong.push(`locks left over: ${JSON.stringify(locks)}`);
	const integrity = await store.integrity();
	if (integrity !== "ok") wrong.push(`the database: ${integrity}`);
	await rm(directory, { recursive: true, force: true });
	return {
		name: `random traffic of ${processes} processes for ${forMs / 1000} s`,
		figures: { steps: sum("steps"), grants: check.grants, events: check.seq },
		wrong,
		slow: [],
	};
}
