import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import lockfile from "proper-lockfile";
import { readConfig } from "../../server/config.ts";
import { claim } from "../../server/coordination/claim.ts";
import { Coordinator, thisProcess } from "../../server/coordination/coordinator.ts";
import type { Resource } from "../../server/coordination/resource.ts";
import type { ProjectId, SessionId } from "../../server/coordination/session.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { readStamped, sendStamped } from "./event-latency.ts";

/* A process of the benchmarks: node worker.mjs ROLE OPTIONS. It starts when it is told, and says what it measured. */

interface Options {
	readonly directory: string;
	readonly name: string;
	readonly peer: Peer;
	readonly forMs: number;
	/** Pairs a second, 0 as fast as it goes. */
	readonly pace: number;
	readonly holdMs: number;
	readonly count: number;
	readonly warm: number;
}

type Peer = "udo" | "proper-lockfile" | "flock";

/** Takes the lock of one name and answers how to give it back. */
type Take = (name: string) => Promise<() => Promise<void>>;

const roles: Readonly<Record<string, (options: Options) => Promise<void>>> = { pairs, contend, send, listen };
const role = roles[process.argv[2] ?? ""];
if (role === undefined) throw new Error(`no such role: ${process.argv[2]}`);
await role(JSON.parse(process.argv[3] ?? "{}") as Options);
process.exit(0);

/** Locks and unlocks what nobody else wants; says how long each pair took. */
async function pairs(options: Options): Promise<void> {
	const take = await taker(options, 0);
	// What is measured is a process that has lived for a while.
	for (let warm = 0; warm < options.warm; warm++) await (await take(`${options.name}.${warm % 50}`))();
	await say("ready", {});
	await once(process.stdin, "data");
	const took: number[] = [];
	const end = performance.now() + options.forMs;
	const everyMs = options.pace === 0 ? 0 : 1000 / options.pace;
	let due = performance.now() + Math.random() * everyMs;
	for (let i = 0; performance.now() < end; i++) {
		if (everyMs > 0) {
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
			due = Math.max(due + everyMs, performance.now());
		}
		const before = performance.now();
		const giveBack = await take(`${options.name}.${i % 50}`);
		await giveBack();
		took.push(performance.now() - before);
	}
	await say("done", { took });
}

/** Wants the one lock that all want, again and again; says how long it waited each time. */
async function contend(options: Options): Promise<void> {
	const take = await taker(options, 60_000);
	await say("ready", {});
	await once(process.stdin, "data");
	const took: number[] = [];
	const end = performance.now() + options.forMs;
	while (performance.now() < end) {
		const before = performance.now();
		const giveBack = await take("wanted");
		took.push(performance.now() - before);
		await new Promise((resolve) => setTimeout(resolve, options.holdMs));
		await giveBack();
	}
	await say("done", { took });
}

/** Adds entries to the log that say when they were sent. */
async function send(options: Options): Promise<void> {
	const coordinator = await join_(options);
	await say("ready", {});
	await once(process.stdin, "data");
	await sendStamped(coordinator, options.count);
	await say("done", {});
}

/** Reads the log whenever it changes; says how old each entry was. */
async function listen(options: Options): Promise<void> {
	const took = await readStamped(await join_(options), options.count, () => say("ready", {}));
	await say("done", { took });
}

async function taker(options: Options, waitMs: number): Promise<Take> {
	if (options.peer === "udo") return udo(options, waitMs);
	return options.peer === "flock" ? flock(options) : properLockfile(options, waitMs);
}

async function udo(options: Options, waitMs: number): Promise<Take> {
	const coordinator = await join_(options);
	const owner = thisProcess();
	return async (name) => {
		const resources: readonly Resource[] = [{ kind: "file", id: name }];
		const claimed = await claim(coordinator, resources, { waitMs, owner });
		if (!claimed.ok) throw new Error(JSON.stringify(claimed));
		return async () => {
			await coordinator.store.release(coordinator.project, claimed.granted.request, "released");
		};
	};
}

async function properLockfile({ directory }: Options, waitMs: number): Promise<Take> {
	const often = { forever: true, minTimeout: 5, maxTimeout: 50, factor: 1.5, randomize: true };
	return (name) => lockfile.lock(join(directory, name), { realpath: false, ...(waitMs > 0 && { retries: often }) });
}

// What a script does: each lock is a process of its own, here one that ends at once.
async function flock({ directory }: Options): Promise<Take> {
	return async (name) => {
		const path = join(directory, name);
		closeSync(openSync(path, "a"));
		const { status } = spawnSync("flock", ["-n", path, "true"]);
		if (status !== 0) throw new Error(`flock: ${status}`);
		return async () => {};
	};
}

async function join_({ directory, name }: Options): Promise<Coordinator> {
	const store = await openLocalStore({ directory: join(directory, "udo") });
	const coordinator = new Coordinator(store, readConfig({}, undefined), {
		id: name as SessionId,
		project: "proj_bench" as ProjectId,
		kind: "term",
		actor: name,
		host: "here",
		process: thisProcess(),
		worktree: "/",
		branch: "main",
	});
	await coordinator.arrive();
	return coordinator;
}

function say(did: string, details: object): Promise<void> {
	return new Promise((resolve) => process.stdout.write(`${JSON.stringify({ did, ...details })}\n`, () => resolve()));
}
