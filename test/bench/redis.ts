import { quantile } from "../campaign/report.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import { type Contestant, contestants } from "./redis-contestants.ts";
import { median, ms, notMeasured, type Part, type Row, spread } from "./row.ts";

const program = "test/bench/redis-worker.ts";
const lapMs = 1000;
const contentionMs = 5000;
const rounds = 7;

/** Locks that nobody else wants, one after the other and a hundred at a time; the contestants take turns. */
export async function measureRedisPairs(): Promise<Part> {
	const rows: Row[] = [];
	for (const lanes of [1, 100]) rows.push(...(await race(lanes)));
	return part("Redis: acquire + release of a lock that nobody else wants", rows);
}

/** Twenty processes want one lock all the time. */
export async function measureRedisContention(): Promise<Part> {
	return part("Redis: one lock that all want", await measured("20 contenders", contention));
}

/** A file and a directory, while ten thousand other files are locked. */
export async function measureRedisHierarchy(): Promise<Part> {
	const rows: Row[] = [];
	for (const held of [0, 10_000]) {
		rows.push(...(await measured(`${held} locks held`, (socket) => hierarchy(socket, held))));
	}
	return part("Redis: acquire where locks nest", rows);
}

/** An entry in the log, until another process has read it. */
export async function measureRedisEvents(): Promise<Part> {
	return part("Redis: an event until another process has read it", await measured("udo", eventLatency));
}

/** A hundred sessions that lock and unlock. */
export async function measureRedisSessions(forMs = 5000): Promise<Part> {
	const rows = await measured("100 sessions", (socket, server) => crowd(socket, server, forMs));
	return part(`Redis: 100 sessions at 1,000 lock operations/s for ${forMs / 1000} s`, rows);
}

/** Changes of files as fast as ten megabytes a second, and a reader that follows. */
export async function measureRedisFlood(): Promise<Part> {
	const rows: Row[] = [];
	for (const rate of [10e6, Number.MAX_SAFE_INTEGER]) {
		rows.push(...(await measured("a flood of events", (socket, server) => flood(socket, server, rate))));
	}
	return part("Redis: file changes in the log, and a reader that follows", rows);
}

async function race(lanes: number): Promise<readonly Row[]> {
	return measured(`${lanes} in flight`, async (socket, server) => {
		const script = await bundleWorker(program);
		const runners = contestants.map((contestant) => ({
			contestant,
			laps: [] as Lap[],
			worker: new Worker(script, "laps", { socket, contestant, name: contestant, lanes, forMs: lapMs }),
		}));
		await using _ = all(runners.map(({ worker }) => worker));
		for (const { worker } of runners) await worker.says("ready");
		for (let round = 1; round <= rounds; round++) {
			// Each starts a round as often as the others.
			for (let turn = 0; turn < runners.length; turn++) {
				const runner = runners[(round + turn) % runners.length];
				if (runner === undefined) continue;
				const serverUs = await cpuOf(server);
				runner.worker.tell();
				const { took, cpuUs } = (await runner.worker.says(`lap ${round}`)) as unknown as Told;
				runner.laps.push({
					rate: (took.length * 1000) / lapMs,
					p50: median(took),
					p99: quantile(took, 0.99),
					cpuUs: cpuUs / took.length,
					serverUs: ((await cpuOf(server)) - serverUs) / took.length,
				});
			}
		}
		const rateOf = (wanted: Contestant) =>
			median(runners.find(({ contestant }) => contestant === wanted)?.laps.map(({ rate }) => rate) ?? []);
		return runners.map(({ contestant, laps }) => {
			const of = (what: keyof Lap) => median(laps.map((lap) => lap[what]));
			const share =
				contestant === "udo" ? `, ${(rateOf("udo") / rateOf("redis-semaphore")).toFixed(2)} × redis-semaphore` : "";
			return {
				what: `${contestant}, ${lanes === 1 ? "one after the other" : `${lanes} in flight`}`,
				measured: `${Math.round(of("rate"))} pairs/s${share}; p50 ${ms(of("p50"))}, p99 ${ms(of("p99"))}; CPU a pair: Redis ${Math.round(of("serverUs"))} µs, client ${Math.round(of("cpuUs"))} µs`,
				...(contestant === "udo" && lanes > 1 && { goal: "≥ 1.0 × redis-semaphore" }),
			};
		});
	});
}

interface Lap {
	readonly rate: number;
	readonly p50: number;
	readonly p99: number;
	readonly cpuUs: number;
	readonly serverUs: number;
}

interface Told {
	readonly took: readonly number[];
	readonly cpuUs: number;
}

async function contention(socket: string, server: RedisServer): Promise<readonly Row[]> {
	const script = await bundleWorker(program);
	const seen = new Map<Contestant, Contention[]>();
	for (let round = 0; round < 3; round++) {
		for (const contestant of contestants) {
			const options = { socket, contestant, forMs: contentionMs, holdMs: 2 };
			const workers = Array.from(
				{ length: 20 },
				(_, i) => new Worker(script, "contend", { ...options, name: `${contestant}_${round}_${i}` }),
			);
			await using _ = all(workers);
			for (const each of workers) await each.says("ready");
			const before = await cpuOf(server);
			const each = (await told(workers)) as unknown as readonly Told[];
			const serverUs = (await cpuOf(server)) - before;
			const waits = each.flatMap(({ took }) => took);
			const grants = each.map(({ took }) => took.length).sort((a, b) => a - b);
			const outcome = {
				waits,
				rate: (waits.length * 1000) / contentionMs,
				least: grants[0] ?? 0,
				most: grants.at(-1) ?? 0,
				longest: Math.max(...waits),
				serverUs: serverUs / waits.length,
				cpuUs: each.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / waits.length,
			};
			seen.set(contestant, [...(seen.get(contestant) ?? []), outcome]);
		}
	}
	const of = (contestant: Contestant, what: Exclude<keyof Contention, "waits">) =>
		Math.round(median((seen.get(contestant) ?? []).map((outcome) => outcome[what])));
	const better = Math.min(of("redlock", "longest"), of("redis-semaphore", "longest"));
	return [...seen].map(([contestant, outcomes]) => {
		const share =
			contestant === "udo" ? `; longest wait 1/${Math.round(better / of("udo", "longest"))} of a peer's` : "";
		return {
			what: `${contestant}, 20 contenders, 2 ms hold`,
			measured: `${of(contestant, "rate")} grants/s; wait ${spread(outcomes.flatMap(({ waits }) => waits))}; grants per contender ${of(contestant, "least")}–${of(contestant, "most")}${share}; CPU a grant: Redis ${of(contestant, "serverUs")} µs, clients ${of(contestant, "cpuUs")} µs`,
			...(contestant === "udo" && { goal: "longest wait ≤ 1/20 of a peer's; grants within ±5 %" }),
		};
	});
}

interface Contention {
	readonly waits: readonly number[];
	/** Grants a second. */
	readonly rate: number;
	/** Grants of the contender that got fewest. */
	readonly least: number;
	readonly most: number;
	readonly longest: number;
	readonly serverUs: number;
	readonly cpuUs: number;
}

async function hierarchy(socket: string, held: number): Promise<Row[]> {
	const worker = new Worker(await bundleWorker(program), "hierarchy", {
		socket,
		name: `held${held}`,
		held,
		forMs: 2000,
	});
	await using _ = all([worker]);
	await worker.says("ready");
	worker.tell();
	const { deep, directory } = (await worker.says("done")) as unknown as Record<"deep" | "directory", number[]>;
	return [
		{ what: `udo, a file 8 deep, ${held} locks held`, measured: spread(deep) },
		{ what: `udo, a directory, ${held} locks held`, measured: spread(directory) },
	];
}

async function eventLatency(socket: string): Promise<Row[]> {
	const script = await bundleWorker(program);
	const options = { socket, count: 400 };
	const listener = new Worker(script, "listen", { ...options, name: "listener" });
	const sender = new Worker(script, "send", { ...options, name: "sender" });
	await using _ = all([listener, sender]);
	for (const each of [listener, sender]) await each.says("ready");
	sender.tell();
	const took = (await listener.says("done"))["took"] as number[];
	return [{ what: "udo, appended to read", measured: spread(took), goal: "p50 ≤ 1 ms, p99 ≤ 10 ms" }];
}

async function crowd(socket: string, server: RedisServer, forMs: number): Promise<Row[]> {
	const script = await bundleWorker(program);
	const options = { socket, forMs, lanes: 25, rate: 250 };
	const workers = Array.from(
		{ length: 4 },
		(_, i) => new Worker(script, "sessions", { ...options, name: `crowd${i}` }),
	);
	await using _ = all(workers);
	for (const each of workers) await each.says("ready");
	const before = await cpuOf(server);
	const done = (await told(workers)) as unknown as { took: number[]; refused: number; cpuUs: number }[];
	const took = done.flatMap((each) => each.took);
	const refused = done.reduce((sum, each) => sum + each.refused, 0);
	const share = (us: number) => `${((us / forMs / 1000) * 100).toFixed(1)} %`;
	const clients = done.reduce((sum, each) => sum + each.cpuUs, 0);
	const kept = await server.info("used_memory_human");
	return [
		{
			what: "udo, 4 processes of 25 sessions",
			measured: `${Math.round((took.length * 1000) / forMs)} operations/s (${refused} refused); ${spread(took)}; CPU of a core: Redis ${share((await cpuOf(server)) - before)}, clients ${share(clients)}; ${kept} kept`,
			goal: "p99 ≤ 10 ms",
		},
	];
}

async function flood(socket: string, server: RedisServer, rate: number): Promise<Row[]> {
	const script = await bundleWorker(program);
	const follower = new Worker(script, "follow", { socket, name: "follower" });
	const isPaced = rate < Number.MAX_SAFE_INTEGER;
	const senders = [1, 2].map(
		(i) => new Worker(script, "flood", { socket, name: `flood${i}`, lanes: 64, rate: rate / 2, forMs: 5000 }),
	);
	await using _ = all([follower, ...senders]);
	await follower.says("ready");
	for (const each of senders) await each.says("ready");
	const before = await cpuOf(server);
	const sent = (await told(senders)) as unknown as { sent: number; overMs: number; cpuUs: number }[];
	const serverUs = (await cpuOf(server)) - before;
	const read = (await follower.says("done")) as unknown as Read;
	const count = sent.reduce((sum, each) => sum + each.sent, 0);
	const overMs = Math.max(...sent.map((each) => each.overMs));
	const size = read.bytes / read.count;
	const perSecond = (events: number, ms: number) => `${((events * size) / ms / 1000).toFixed(1)} MB/s`;
	return [
		{
			what: isPaced ? `udo, ${rate / 1e6} MB/s asked for` : "udo, as fast as it goes",
			measured: `appended ${perSecond(count, overMs)} (${Math.round((count * 1000) / overMs)}/s of ${Math.round(size)} B), read ${perSecond(read.count, read.overMs)}, ${count - read.count} missed; behind by ${spread(read.ages)}; CPU an event: Redis ${Math.round(serverUs / count)} µs, sender ${Math.round(sent.reduce((sum, each) => sum + each.cpuUs, 0) / count)} µs, reader ${Math.round(read.cpuUs / read.count)} µs`,
			...(isPaced && { goal: "10 MB/s" }),
		},
	];
}

interface Read {
	readonly count: number;
	readonly bytes: number;
	readonly overMs: number;
	readonly ages: readonly number[];
	readonly cpuUs: number;
}

function part(title: string, rows: readonly Row[]): Part {
	return { title, rows };
}

/** On a Redis of its own, which keeps nothing on disk. */
async function measured(
	what: string,
	measure: (socket: string, server: RedisServer) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
	if (!hasRedis) return [notMeasured(what, "there is no redis-server here")];
	await using server = await RedisServer.start();
	try {
		return await measure(server.socket, server);
	} catch (error) {
		return [notMeasured(what, error)];
	}
}

/** Tells all to start, and answers what each says when it is done. */
async function told(workers: readonly Worker[]): Promise<readonly unknown[]> {
	for (const each of workers) await each.says("ready");
	for (const each of workers) each.tell();
	return Promise.all(workers.map((each) => each.says("done")));
}

function all(workers: readonly Worker[]): AsyncDisposable {
	return {
		async [Symbol.asyncDispose]() {
			for (const each of workers) await each[Symbol.asyncDispose]();
		},
	};
}

/** Of its main thread and all others, since it started, in µs. */
async function cpuOf(server: RedisServer): Promise<number> {
	const text = String(await server.command("INFO", "cpu"));
	const seconds = (field: string) => Number(new RegExp(`^${field}:(.*)$`, "m").exec(text)?.[1]);
	return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1e6;
}
