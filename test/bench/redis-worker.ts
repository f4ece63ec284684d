import { once } from "node:events";
import { createInterface } from "node:readline";
import { newRequestId } from "../../server/coordination/coordinator.ts";
import type { UdoEvent } from "../../server/coordination/event.ts";
import type { AcquireRequest } from "../../server/coordination/lock.ts";
import { randomOf } from "../helpers/random.ts";
import { ageOf, readStamped, sendStamped, stamp } from "./event-latency.ts";
import { type Contestant, coordinatorOn, enter, openStoreOn } from "./redis-contestants.ts";

/* A process of the benchmarks of Redis stores: node worker.mjs ROLE OPTIONS. It starts when it is told, and says what it measured. */

interface Options {
	/** The unix socket of Redis. */
	readonly socket: string;
	readonly name: string;
	readonly contestant: Contestant;
	readonly forMs: number;
	readonly lanes: number;
	readonly holdMs: number;
	readonly count: number;
	/** A second, of this process. */
	readonly rate: number;
	/** How many locks are held meanwhile. */
	readonly held: number;
}

const roles: Readonly<Record<string, (options: Options) => Promise<void>>> = {
	laps,
	contend,
	hierarchy,
	send,
	listen,
	sessions,
	flood,
	follow,
};
const role = roles[process.argv[2] ?? ""];
if (role === undefined) throw new Error(`no such role: ${process.argv[2]}`);
await role(JSON.parse(process.argv[3] ?? "{}") as Options);
process.exit(0);

/** Each time it is told: locks and unlocks what nobody else wants, so many at a time. */
async function laps(options: Options): Promise<void> {
	const take = await enter(options.contestant, options.socket, options.name);
	const lane = async (number: number, end: number, took: number[]) => {
		while (performance.now() < end) {
			const before = performance.now();
			const giveBack = await take(`${options.name}.${number}`, 0);
			await giveBack();
			took.push(performance.now() - before);
		}
	};
	const lap = async (ms: number) => {
		const took: number[] = [];
		const cpu = process.cpuUsage();
		const end = performance.now() + ms;
		await Promise.all(Array.from({ length: options.lanes }, (_, number) => lane(number, end, took)));
		return { took, cpuUs: cpuSince(cpu) };
	};
	await lap(500);
	await say("ready", {});
	let number = 0;
	for await (const _ of createInterface(process.stdin)) await say(`lap ${++number}`, await lap(options.forMs));
}

/** Wants the one lock that all want, again and again; says how long it waited each time. */
async function contend(options: Options): Promise<void> {
	const take = await enter(options.contestant, options.socket, options.name);
	await say("ready", {});
	await once(process.stdin, "data");
	const took: number[] = [];
	const cpu = process.cpuUsage();
	const end = performance.now() + options.forMs;
	while (performance.now() < end) {
		const before = performance.now();
		const giveBack = await take("wanted", 60_000);
		took.push(performance.now() - before);
		await new Promise((resolve) => setTimeout(resolve, options.holdMs));
		await giveBack();
	}
	await say("done", { took, cpuUs: cpuSince(cpu) });
}

/** Acquires a file eight directories deep and a directory, one after the other, while many other files are locked. */
async function hierarchy(options: Options): Promise<void> {
	const { store, project, session } = await coordinatorOn(openStoreOn(options.socket), options.name);
	const base: Omit<AcquireRequest, "request" | "resources"> = {
		project,
		session: session.id,
		origin: "claim",
		ttlMs: 300_000,
		queue: false,
		limits: { perSession: 1_000_000, perProject: 1_000_000 },
	};
	const acquire = async (...paths: readonly string[]) => {
		const resources = paths.map((id) => ({ kind: "file" as const, id }));
		const answer = await store.acquire({ ...base, request: newRequestId(), resources });
		if (!answer.ok) throw new Error(JSON.stringify(answer));
		return answer.request;
	};
	for (let held = 0; held < options.held; held += 100) {
		const path = (number: number) => `src/part${number % 40}/deep/file${number}.ts`;
		await acquire(...Array.from({ length: Math.min(100, options.held - held) }, (_, i) => path(held + i)));
	}
	const measure = async (path: string, ms: number) => {
		const took: number[] = [];
		for (const end = performance.now() + ms; performance.now() < end; ) {
			const before = performance.now();
			const request = await acquire(path);
			took.push(performance.now() - before);
			await store.release(project, request, "released");
		}
		return took;
	};
	await measure("warm/up.ts", 500);
	await say("ready", {});
	await once(process.stdin, "data");
	const deep = await measure("src/part7/a/b/c/d/e/f/g.ts", options.forMs);
	const directory = await measure("src/other/a/b/", options.forMs);
	await say("done", { deep, directory });
}

async function send(options: Options): Promise<void> {
	const coordinator = await coordinatorOn(openStoreOn(options.socket), options.name);
	await say("ready", {});
	await once(process.stdin, "data");
	await sendStamped(coordinator, options.count);
	await say("done", {});
}

async function listen(options: Options): Promise<void> {
	const coordinator = await coordinatorOn(openStoreOn(options.socket), options.name);
	const took = await readStamped(coordinator, options.count, () => say("ready", {}));
	await say("done", { took });
}

/** So many sessions lock and unlock files that others of them want, too, at a given rate in all. */
async function sessions(options: Options): Promise<void> {
	const store = openStoreOn(options.socket);
	const lanes = Array.from({ length: options.lanes }, (_, number) => `${options.name}_${number}`);
	const coordinators = await Promise.all(lanes.map((name) => coordinatorOn(store, name)));
	await say("ready", {});
	await once(process.stdin, "data");
	const took: number[] = [];
	let refused = 0;
	const end = performance.now() + options.forMs;
	// A pair is two operations.
	const everyMs = (2000 * options.lanes) / options.rate;
	const timed = async <Result>(work: Promise<Result>) => {
		const before = performance.now();
		const result = await work;
		took.push(performance.now() - before);
		return result;
	};
	const live = async (index: number) => {
		const random = randomOf(process.pid * options.lanes + index);
		const coordinator = coordinators[index];
		if (coordinator === undefined) return;
		for (let due = performance.now() + random() * everyMs; due < end; due += everyMs) {
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
			const path = `src/part${Math.floor(random() * 20)}/file${Math.floor(random() * 100)}.ts`;
			const answer = await timed(coordinator.acquire([{ kind: "file", id: path }]));
			if (answer.ok) await timed(store.release(coordinator.project, answer.request, "released"));
			else refused += 1;
		}
	};
	const cpu = process.cpuUsage();
	await Promise.all(coordinators.map((_, index) => live(index)));
	await say("done", { took, refused, cpuUs: cpuSince(cpu) });
}

/** Appends changes of files at a rate in bytes a second, as a reader gets them, or as fast as it goes. */
async function flood(options: Options): Promise<void> {
	const coordinator = await coordinatorOn(openStoreOn(options.socket), options.name);
	await say("ready", {});
	await once(process.stdin, "data");
	const started = performance.now();
	let bytes = 0;
	let sent = 0;
	const lane = async () => {
		for (let now = started; now - started < options.forMs; now = performance.now()) {
			if (bytes > ((now - started) * options.rate) / 1000) {
				await new Promise((resolve) => setTimeout(resolve, 1));
				continue;
			}
			bytes += eventBytes;
			sent += 1;
			const path = `packages/editor/src/components/toolbar/buttons/${stamp()}.component.tsx`;
			const worktree = "/home/somebody/projects/some-product/worktrees/feature-one";
			await coordinator.log({ type: "file_change", path, change: "edit", worktree });
		}
	};
	const cpu = process.cpuUsage();
	await Promise.all(Array.from({ length: options.lanes }, lane));
	await say("done", { sent, overMs: performance.now() - started, cpuUs: cpuSince(cpu) });
}

/** Follows the log until `count` bytes a second for `forMs` have come, or nothing has for two seconds. */
async function follow(options: Options): Promise<void> {
	const { store, project } = await coordinatorOn(openStoreOn(options.socket), options.name);
	let seen = await store.lastEvent(project);
	await say("ready", {});
	const ages: number[] = [];
	let [first, last, bytes, count] = [0, 0, 0, 0];
	const cpu = process.cpuUsage();
	while (first === 0 || performance.now() - last < 2000) {
		const events = await store.events({ project, after: seen, limit: 1000 });
		seen = events.at(-1)?.seq ?? seen;
		const changes = events.filter((event) => event.type === "file_change");
		if (changes.length > 0) {
			first ||= performance.now();
			last = performance.now();
			count += changes.length;
			bytes += changes.reduce((sum, event) => sum + bytesOf(event), 0);
			for (const { path } of changes) ages.push(ageOf(/(\d+)\.component/.exec(path)?.[1] ?? "0"));
		} else {
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}
	await say("done", { count, bytes, overMs: last - first, ages, cpuUs: cpuSince(cpu) });
}

// An event of the flood as a reader gets it.
const eventBytes = 340;

function bytesOf(event: UdoEvent): number {
	return Buffer.byteLength(JSON.stringify(event));
}

function cpuSince(before: NodeJS.CpuUsage): number {
	const { user, system } = process.cpuUsage(before);
	return user + system;
}

function say(did: string, details: object): Promise<void> {
	return new Promise((resolve) => process.stdout.write(`${JSON.stringify({ did, ...details })}\n`, () => resolve()));
}
