import { rm } from "node:fs/promises";
import { resourceKey } from "../../server/coordination/resource.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { coordinatorOf, file, project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import { quantile, type Report } from "./report.ts";

/**
 * `dose` processes that hold a lock and `dose` that wait for one are killed at once; survivors hold locks of their own, and
 * some wait behind the dead. Nothing may stay with the dead, and nothing of the living may be lost.
 */
export async function killHoldersAndWaiters(dose: number): Promise<Report> {
	const directory = await temporaryDirectory();
	const script = await bundleWorker();
	const wrong: string[] = [];
	await using store = await openLocalStore({ directory });
	const observer = await coordinatorOf(store, "observer");
	const numbers = Array.from({ length: dose }, (_, i) => i);
	const start = (role: string, name: string, path: string) =>
		new Worker(script, role, { directory, project, session: name, resources: [`file:${path}`], forMs: 600_000 });

	const holders = numbers.map((i) => start("hold", `holder${i}`, `${i}.ts`));
	await Promise.all(holders.map((each) => each.says("held")));
	const waiters = numbers.map((i) => start("wait", `waiter${i}`, `${i}.ts`));
	await Promise.all(waiters.map((each) => each.says("waiting")));
	const few = numbers.slice(0, Math.max(1, Math.floor(dose / 10)));
	const keepers = few.map((i) => start("hold", `keeper${i}`, `kept/${i}.ts`));
	const kept = await Promise.all(keepers.map((each) => each.says("held")));
	const survivors = few.map((i) => start("wait", `survivor${i}`, `${i}.ts`));
	await Promise.all(survivors.map((each) => each.says("waiting")));

	const killedAt = Date.now();
	for (const each of [...holders, ...waiters]) each.kill();
	// What the machine itself takes to end so many processes: nothing of theirs can be freed before.
	const deadMs = Promise.all([...holders, ...waiters].map((each) => each.ended())).then(() => Date.now() - killedAt);
	const claims = await Promise.all(survivors.map((each) => each.says("claimed")));
	const blockedMs = claims.map(({ at }) => Number(at) - killedAt);
	await observer.reap();
	const dead = (await store.sessions(project)).filter(({ id }) => /^(holder|waiter)/.test(id));
	const orphans = (await store.locks(project)).filter(({ session }) => /^(holder|waiter)/.test(session));
	const places = await store.waiters(project);
	const cleanMs = Date.now() - killedAt;

	if (dead.length > 0) wrong.push(`${dead.length} sessions of dead processes`);
	if (orphans.length > 0) wrong.push(`${orphans.length} locks of dead processes`);
	if (places.length > 0) wrong.push(`${places.length} places in the queue that nobody waits in`);
	for (const claim of claims) if (claim["ok"] !== true) wrong.push(`a survivor got nothing: ${JSON.stringify(claim)}`);
	const locks = new Map((await store.locks(project)).map((lock) => [resourceKey(lock.resource), lock]));
	for (const [i, { token }] of kept.entries()) {
		const lock = locks.get(resourceKey(file(`kept/${i}.ts`)));
		if (lock?.session !== `keeper${i}` || lock.token !== token) wrong.push(`keeper${i} lost its lock`);
	}
	const integrity = await store.integrity();
	if (integrity !== "ok") wrong.push(`the database: ${integrity}`);
	for (const each of [...holders, ...waiters, ...keepers, ...survivors]) await each[Symbol.asyncDispose]();
	await rm(directory, { recursive: true, force: true });
	const longest = Math.max(...blockedMs);
	return {
		name: `kill -9 of ${dose} holders and ${dose} waiters`,
		figures: { "all dead after ms": await deadMs, "clean after ms": cleanMs, "survivor blocked, longest ms": longest },
		wrong,
		slow: [
			...(cleanMs > 1000 ? [`orphans were gone only after ${cleanMs} ms`] : []),
			...(longest > 1000 ? [`a survivor was blocked for ${longest} ms`] : []),
		],
	};
}

/** `dose` processes are killed while they lock and unlock without a pause, a few at a time, beside survivors that do the same. */
export async function killInTheMiddle(dose: number): Promise<Report> {
	const directory = await temporaryDirectory();
	const script = await bundleWorker();
	const wrong: string[] = [];
	await using store = await openLocalStore({ directory });
	const observer = await coordinatorOf(store, "observer");
	const mine = await observer.acquire([file("mine.ts")]);
	const resources = ["file:a.ts", "file:b.ts", "file:src/", "file:src/c.ts", "git:main"];
	const tokens = new Map<number, string>();
	const steps: number[] = [];
	let seen = 0;
	let log = 0;
	for (let started = 0; started < dose; started += 10) {
		const doomed = Array.from({ length: Math.min(10, dose - started) }, (_, i) => started + i).map(
			(i) => new Worker(script, "churn", { directory, project, session: `churn${i}`, resources, seed: i }),
		);
		await Promise.all(doomed.map((each) => each.says("churning")));
		for (const each of doomed) {
			// A random moment, but no sleep: so many steps of our own.
			for (let step = 0; step < 1 + Math.random() * 20; step++) {
				const before = performance.now();
				const answer = await observer.acquire([file(`own/${step % 3}.ts`)]);
				if (answer.ok) await store.release(project, answer.request, "released");
				else wrong.push(`the observer was refused what nobody else asks for: ${answer.reason}`);
				steps.push(performance.now() - before);
			}
			each.kill();
		}
		for (const each of doomed) await each[Symbol.asyncDispose]();
		await until(async () => {
			await observer.reap();
			return (await store.sessions(project)).every(({ id }) => id === "observer");
		});
		for (;;) {
			const events = await store.events({ project, after: log, limit: 5000 });
			for (const event of events) {
				if (event.seq !== log + 1) wrong.push(`the log jumps from ${log} to ${event.seq}`);
				log = event.seq;
				if (event.type !== "lock_acquired") continue;
				seen += 1;
				const known = tokens.get(event.token);
				if (known !== undefined && known !== `${event.session}`) wrong.push(`token ${event.token} was given twice`);
				tokens.set(event.token, `${event.session}`);
			}
			if (events.length === 0) break;
		}
	}
	const left = await store.locks(project);
	const isMine = left.length === 1 && mine.ok && left[0]?.token === mine.token;
	if (!isMine) wrong.push(`at the end there is ${JSON.stringify(left)}`);
	const integrity = await store.integrity();
	if (integrity !== "ok") wrong.push(`the database: ${integrity}`);
	await rm(directory, { recursive: true, force: true });
	const longest = Math.round(Math.max(...steps));
	return {
		name: `kill -9 of ${dose} processes in the middle of a step`,
		figures: { grants: seen, "survivor's pair, p50 ms": quantile(steps, 0.5).toFixed(2), "longest ms": longest },
		wrong,
		slow: longest > 1000 ? [`a survivor was blocked for ${longest} ms`] : [],
	};
}
