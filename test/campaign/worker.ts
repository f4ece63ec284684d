import { once } from "node:events";
import { readConfig } from "../../server/config.ts";
import { claim } from "../../server/coordination/claim.ts";
import { machineClock } from "../../server/coordination/clock.ts";
import { Coordinator, newRequestId, thisProcess } from "../../server/coordination/coordinator.ts";
import { Lease } from "../../server/coordination/lease.ts";
import type { RequestId } from "../../server/coordination/lock.ts";
import { type Resource, resourceOf } from "../../server/coordination/resource.ts";
import type { ProjectId, SessionId } from "../../server/coordination/session.ts";
import { UdoError } from "../../server/errors.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { randomOf } from "../helpers/random.ts";

/*
 * A process of the campaigns: node worker.mjs ROLE OPTIONS. It says what it does as lines of JSON, and each session that it
 * opens is anchored to itself, so that killing it is the death of the session.
 */

interface Options {
	readonly directory: string;
	readonly session: string;
	readonly project: string;
	/** Resource keys. */
	readonly resources: readonly string[];
	readonly ttlMs: number;
	/** Wall-clock ms: when to begin, for those who must begin together. */
	readonly at: number;
	readonly forMs: number;
	readonly seed: number;
}

const roles: Readonly<Record<string, (options: Options) => Promise<void>>> = {
	open,
	hold,
	wait,
	churn,
	traffic,
	lease,
	use,
};

const role = roles[process.argv[2] ?? ""];
if (role === undefined) throw new Error(`no such role: ${process.argv[2]}`);
await role(JSON.parse(process.argv[3] ?? "{}") as Options);

/** Opens the store at a given instant, locks something, says so, and ends. */
async function open(options: Options): Promise<void> {
	while (Date.now() < options.at) await new Promise((resolve) => setTimeout(resolve, 1));
	const coordinator = await join(options);
	const answer = await coordinator.acquire(resourcesOf(options));
	say("opened", { session: options.session, ok: answer.ok, token: answer.ok ? answer.token : undefined });
}

/** Locks something and keeps it until it is told or killed. */
async function hold(options: Options): Promise<void> {
	const coordinator = await join(options);
	const answer = await coordinator.acquire(resourcesOf(options));
	say("held", { ok: answer.ok, token: answer.ok ? answer.token : undefined });
	await told();
	await coordinator.leave();
}

/** Waits in line for something; once it has it, gives it back at once and ends. */
async function wait(options: Options): Promise<void> {
	const coordinator = await join(options);
	const claimed = await claim(coordinator, resourcesOf(options), {
		waitMs: options.forMs,
		owner: thisProcess(),
		onWaiting: ({ ahead }) => say("waiting", { ahead }),
	});
	say("claimed", { ok: claimed.ok, at: Date.now(), token: claimed.ok ? claimed.granted.token : undefined });
	await coordinator.leave();
}

/** Locks and unlocks without a pause until it is killed. */
async function churn(options: Options): Promise<void> {
	const coordinator = await join(options);
	const random = randomOf(options.seed);
	say("churning", {});
	for (;;) {
		const resource = pick(random, resourcesOf(options));
		const answer = await coordinator.acquire([resource], { queue: random() < 0.3 });
		if (answer.ok) await coordinator.store.release(coordinator.project, answer.request, "released");
	}
}

/** Random locking for a while: waiting, going deeper, giving up, stealing. Says how much it did. */
async function traffic(options: Options): Promise<void> {
	const coordinator = await join(options);
	const { store, project } = coordinator;
	const random = randomOf(options.seed);
	const resources = resourcesOf(options);
	const end = performance.now() + options.forMs;
	let steps = 0;
	let granted = 0;
	while (performance.now() < end) {
		const wanted = Array.from({ length: random() < 0.2 ? 2 : 1 }, () => pick(random, resources));
		const isTheft = random() < 0.01;
		const claimed = await claim(coordinator, wanted, {
			waitMs: random() < 0.5 ? 0 : Math.ceil(random() * 200),
			owner: thisProcess(),
			request: `${isTheft ? "steal " : ""}${newRequestId()}` as RequestId,
			...(isTheft && { steal: { reason: "campaign" } }),
		});
		steps += 1;
		if (!claimed.ok) continue;
		granted += 1;
		if (random() < 0.1) {
			const deeper = await coordinator.acquire(wanted);
			steps += 1;
			if (deeper.ok) await store.release(project, deeper.request, "released");
		}
		if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 3));
		if (random() < 0.1) await store.cancel(project, claimed.granted.request, "cancelled");
		else await store.release(project, claimed.granted.request, "released");
		steps += 1;
	}
	say("done", { steps, granted });
	await coordinator.leave();
}

/** Keeps a lease until it is lost, and says why it was. */
async function lease(options: Options): Promise<void> {
	const coordinator = await join(options);
	const sentAt = machineClock.now();
	const answer = await coordinator.acquire(resourcesOf(options), { ttlMs: options.ttlMs });
	if (!answer.ok) throw new Error(JSON.stringify(answer));
	await using kept = new Lease(coordinator, answer, sentAt);
	const staying = setInterval(() => {}, 1000);
	say("leased", { token: kept.token });
	await once(kept.signal, "abort");
	clearInterval(staying);
	say("lost", { why: String(kept.signal.reason) });
}

/** Uses the store, many steps long, and says how it went; a failure that people can act on is no failure of this process. */
async function use(options: Options): Promise<void> {
	try {
		const coordinator = await join(options);
		say("joined", {});
		const text = "x".repeat(50_000);
		for (let i = 0; i < options.forMs; i++) await coordinator.store.saveState(coordinator.project, `state ${i}`, text);
		say("used", {});
	} catch (error) {
		if (!(error instanceof UdoError)) throw error;
		const { name, message, why, next, exitCode } = error;
		say("failed", { name, message, why, next, exitCode });
	}
}

async function join(options: Options): Promise<Coordinator> {
	const store = await openLocalStore({ directory: options.directory });
	const coordinator = new Coordinator(store, readConfig({}, undefined), {
		id: options.session as SessionId,
		project: options.project as ProjectId,
		kind: "term",
		actor: `${options.session}@example.org`,
		host: "here",
		process: thisProcess(),
		worktree: "/work",
		branch: "main",
	});
	await coordinator.arrive();
	return coordinator;
}

function resourcesOf({ resources }: Options): Resource[] {
	return resources.map(resourceOf);
}

function pick(random: () => number, resources: readonly Resource[]): Resource {
	const resource = resources[Math.floor(random() * resources.length)];
	if (resource === undefined) throw new Error("nothing to choose from");
	return resource;
}

async function told(): Promise<void> {
	await once(process.stdin, "data");
	process.stdin.destroy();
}

function say(did: string, details: object): void {
	process.stdout.write(`${JSON.stringify({ did, ...details })}\n`);
}
