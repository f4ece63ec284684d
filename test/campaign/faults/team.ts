import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readConfig } from "../../../server/config.ts";
import type { Lock } from "../../../server/coordination/lock.ts";
import { currentBoot } from "../../../server/coordination/process.ts";
import { openLocalStore } from "../../../server/store/local.ts";
import { RedisConnection } from "../../../server/store/redis/connection.ts";
import { scripts } from "../../../server/store/redis/scripts.ts";
import { openRedisStore } from "../../../server/store/redis.ts";
import type { Store } from "../../../server/store/store.ts";
import { lockDelayMs } from "../../../server/store/tiered/settle.ts";
import { project } from "../../helpers/request.ts";
import { temporaryDirectory } from "../../helpers/store.ts";
import { until } from "../../helpers/until.ts";
import { bundleWorker, Worker } from "../../helpers/worker.ts";
import { FaultsCheck, type Verdict } from "./check.ts";
import { contested } from "./words.ts";

export const ttlMs = 3000;

// Of orphans; what is gone later is one.
const orphanMs = ttlMs + 3000;
const backMs = 30_000;

export interface FaultsTeamOptions {
	/** REDIS_…, as the machines have it. */
	readonly environment: Readonly<Record<string, string>>;
	/** REDIS_…, from where the judge looks. */
	readonly judgesEnvironment?: Readonly<Record<string, string>>;
	readonly machines: readonly string[];
	readonly sessionsEach: number;
	readonly seed: number;
	/** The network namespace of a machine. */
	readonly namespaceOf?: (machine: string) => string;
}

export interface Outcome extends Verdict {
	/** From the end of the fault until every session was connected. */
	readonly backMs: number;
	/** Who was not connected even after half a minute. */
	readonly away: readonly string[];
	/** Who did not come to the end of a step within half a minute. */
	readonly stuck: readonly string[];
	readonly crashes: readonly string[];
	readonly orphans: readonly string[];
}

/** Some machines whose sessions lock, write and release all the time, and what is said of them. */
export class FaultsTeam implements AsyncDisposable {
	readonly #options: FaultsTeamOptions;
	readonly #directory: string;
	readonly #script: string;
	readonly #check = new FaultsCheck();
	readonly #sessions = new Map<string, { readonly worker: Worker; readonly machine: string; idles: number }>();
	readonly #crashes: string[] = [];
	#started = 0;

	private constructor(options: FaultsTeamOptions, directory: string, script: string) {
		this.#options = options;
		this.#directory = directory;
		this.#script = script;
	}

	/** Resolves when all are connected. */
	static async start(options: FaultsTeamOptions): Promise<FaultsTeam> {
		const script = await bundleWorker("test/campaign/faults/worker.ts");
		const team = new FaultsTeam(options, await temporaryDirectory(), script);
		await team.#fillUp();
		const away = await team.#away();
		if (away.length > 0) throw new Error(`not connected in the beginning: ${away.join(", ")}`);
		return team;
	}

	/** One fault in the middle of the traffic, and what came of it. */
	async suffer(fault: (team: FaultsTeam) => Promise<void>): Promise<Outcome> {
		await passed(1000);
		await fault(this);
		const healedAt = Number(process.hrtime.bigint()) / 1e6;
		await passed(500);
		const away = await this.#away();
		const back = this.#check.lastChange() - healedAt;
		const stuck = await this.#pause();
		const orphans = await this.#orphans();
		const verdict = this.#check.judge(await this.#conflicts());
		for (const { worker } of this.#sessions.values()) worker.tell();
		await this.#fillUp();
		return {
			...verdict,
			backMs: away.length > 0 ? backMs : Math.max(0, back),
			away,
			stuck,
			orphans,
			crashes: this.#crashes.splice(0),
		};
	}

	/** A process that holds what the team is kept from stands still until well after its lease, then goes on. */
	async pauseHolder(): Promise<void> {
		const session = await until(() => this.#check.holders.find((each) => this.#sessions.has(each)) ?? "");
		const worker = this.#sessions.get(session)?.worker;
		worker?.kill("SIGSTOP");
		await passed(ttlMs + lockDelayMs + 700);
		worker?.kill("SIGCONT");
	}

	/** kill -9 of one process, at a moment of its own choosing. */
	async killOne(): Promise<void> {
		const [session = ""] = this.#check.holders.filter((each) => this.#sessions.has(each));
		await this.#kill(session);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const session of [...this.#sessions.keys()]) await this.#kill(session);
		await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
	}

	async #kill(session: string): Promise<void> {
		const victim = this.#sessions.get(session);
		this.#sessions.delete(session);
		await victim?.worker[Symbol.asyncDispose]();
	}

	async #fillUp(): Promise<void> {
		for (const machine of this.#options.machines) {
			const there = [...this.#sessions.values()].filter((each) => each.machine === machine).length;
			for (let missing = this.#options.sessionsEach - there; missing > 0; missing--) await this.#start(machine);
		}
	}

	async #start(machine: string): Promise<void> {
		const number = ++this.#started;
		const session = `${machine}_${number}`;
		this.#check.admit(session, machine);
		const { environment, seed, namespaceOf } = this.#options;
		const boot = await this.#bootOf(machine);
		const directory = join(this.#directory, machine);
		const terms = {
			directory,
			machine,
			session,
			project,
			environment,
			resources: contested,
			ttlMs,
			seed: seed + number,
		};
		const worker = new Worker(this.#script, "traffic", terms, {
			through: [
				...(namespaceOf === undefined ? [] : ["ip", "netns", "exec", namespaceOf(machine)]),
				...asMachine(boot.path),
			],
			hear: (said) => {
				const speaker = this.#sessions.get(session);
				if (said.did === "idle" && speaker !== undefined) speaker.idles += 1;
				this.#check.hear(session, said);
			},
		});
		this.#sessions.set(session, { worker, machine, idles: 0 });
		// Those that are killed here are taken from the list before.
		const gone = (how: unknown) => {
			if (this.#sessions.delete(session)) this.#crashes.push(`${session} ${shorten(how)}`);
		};
		worker.ended().then((code) => gone(`ended with ${code}`), gone);
		// From then on it hears when it is told to pause.
		await until(() => this.#check.linkOf(session) !== "unknown");
	}

	/** Resolves when all are connected; with those that are not after half a minute. */
	async #away(): Promise<readonly string[]> {
		const away = () =>
			[...this.#sessions.keys()]
				.map((session) => `${session} is ${this.#check.linkOf(session)}`)
				.filter((link) => !link.endsWith(" connected"));
		const began = performance.now();
		return until(away, ({ length }) => length === 0 || performance.now() - began > backMs, 2 * backMs);
	}

	/** Resolves when all stand still; with those that do not within half a minute. */
	async #pause(): Promise<readonly string[]> {
		const before = new Map([...this.#sessions].map(([session, { idles }]) => [session, idles]));
		for (const { worker } of this.#sessions.values()) worker.tell();
		const began = performance.now();
		const busy = () => [...this.#sessions].filter(([session, { idles }]) => idles === before.get(session));
		const left = await until(busy, ({ length }) => length === 0 || performance.now() - began > backMs, 2 * backMs);
		const stuck = left.map(([session]) => session);
		for (const session of stuck) await this.#kill(session);
		return stuck;
	}

	/** What is still locked, though nobody has it any more, when it should have run out. */
	async #orphans(): Promise<readonly string[]> {
		const began = performance.now();
		const look = async () => {
			const found = await this.#everywhere(async (store, where) => {
				const locks = await store.locks(project);
				return Promise.all(locks.map(async (lock) => `${where}: ${show(lock)}; ${await this.#storyOf(lock, store)}`));
			});
			return found.flat();
		};
		try {
			await until(look, (left) => left.length === 0 || performance.now() - began > orphanMs, backMs);
		} catch {
			// They are named below.
		}
		return look();
	}

	/** How a lock came to be, and what its holder said of it. */
	async #storyOf({ holds }: Lock, store: Store): Promise<string> {
		const requests = holds.map(({ request }) => request.replace(/~.*/, ""));
		const events = await store.newestEvents({ project, limit: 500 });
		const told = events.filter(
			(event) => "request" in event && requests.some((each) => event.request.startsWith(each)),
		);
		const log = told.map(({ type, at }) => `${type} ${Date.now() - at} ms ago`).reverse();
		return [...log, ...requests.map((request) => `${request} ${this.#check.lastOf(request)}`)].join(", ");
	}

	async #conflicts(): Promise<readonly (readonly string[])[]> {
		const found = await this.#everywhere((store) => store.conflicts(project, "all"));
		return found.flat().map(({ sessions }) => sessions);
	}

	/** Looks at the team's store and at each machine's. */
	async #everywhere<Seen>(look: (store: Store, where: string) => Promise<Seen>): Promise<readonly Seen[]> {
		const { redis } = readConfig(this.#options.judgesEnvironment ?? this.#options.environment, undefined);
		if (redis === undefined) throw new Error("no Redis is named");
		const seen: Seen[] = [];
		const connection = RedisConnection.open(redis, { scripts, connectMs: 5000, commandMs: 5000 });
		await using remote = openRedisStore(connection, { leaseMs: ttlMs + lockDelayMs });
		seen.push(await look(remote, "team"));
		for (const machine of this.#options.machines) {
			const { id } = await this.#bootOf(machine);
			await using local = await openLocalStore({ directory: join(this.#directory, machine), boot: id });
			seen.push(await look(local, machine));
		}
		return seen;
	}

	async #bootOf(machine: string): Promise<{ readonly id: string; readonly path: string }> {
		const path = join(this.#directory, `${machine}.boot`);
		const id = isRoot ? `boot-of-${machine}` : currentBoot();
		await mkdir(this.#directory, { recursive: true });
		await writeFile(path, `${id}\n`);
		return { id, path };
	}
}

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

// Processes of one kernel see that those of the other machine die; with a boot of its own each machine is alone with its own.
function asMachine(boot: string): readonly string[] {
	if (!isRoot) return [];
	const hide = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
	return ["unshare", "-m", "sh", "-c", hide, boot];
}

function show({ resource, session, token, leftMs }: Lock): string {
	return `${resource.kind}:${resource.id} of ${session} #${token}, ${leftMs} ms left`;
}

// Of what node writes about an uncaught error, what it is and where it comes from.
function shorten(failure: unknown): string {
	return /^\w*Error: .*(\n +at .*){0,3}/m.exec(String(failure).replace(/^.*?\n/, ""))?.[0] ?? String(failure);
}

export function passed(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
