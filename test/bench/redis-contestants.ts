import { Redis } from "ioredis";
import { Mutex } from "redis-semaphore";
import Redlock from "redlock";
import { readConfig } from "../../server/config.ts";
import { claim } from "../../server/coordination/claim.ts";
import { Coordinator, thisProcess } from "../../server/coordination/coordinator.ts";
import type { ProjectId, SessionId } from "../../server/coordination/session.ts";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import { openRedisStore, type RedisStore } from "../../server/store/redis.ts";

export const contestants = ["udo", "redlock", "redis-semaphore"] as const;

export type Contestant = (typeof contestants)[number];

/** Takes the lock of one name, waiting at most so long, and answers how to give it back. */
export type Take = (name: string, waitMs: number) => Promise<() => Promise<unknown>>;

const leaseMs = 300_000;
// Both poll for a lock that is taken; redis-semaphore does so every 10 ms by itself, redlock gets the same.
const pollMs = 10;

/** A contestant on the Redis behind a unix socket, under a name that nobody else has. */
export async function enter(contestant: Contestant, socket: string, name: string): Promise<Take> {
	if (contestant === "udo") return takeByUdo(await coordinatorOn(openStoreOn(socket), name));
	const client = new Redis(socket);
	return contestant === "redlock" ? takeByRedlock(client) : takeByMutex(client);
}

/** The Redis store alone, without this machine's before it. */
export function openStoreOn(socket: string): RedisStore {
	const connection = RedisConnection.open(
		{
			topology: { kind: "standalone", address: { kind: "unix", path: socket } },
			db: 0,
			username: undefined,
			password: undefined,
			tls: undefined,
		},
		// What is measured are steps under load, not how soon they are given up.
		{ scripts, connectMs: 20_000, commandMs: 20_000 },
	);
	return openRedisStore(connection, { leaseMs });
}

/** A session of its own on a store. */
export async function coordinatorOn(store: RedisStore, name: string): Promise<Coordinator> {
	const coordinator = new Coordinator(store, readConfig({ LOCK_MAX_PER_SESSION: "20000" }, undefined), {
		id: name as SessionId,
		project: "proj_bench" as ProjectId,
		kind: "term",
		actor: `${name}@example.org`,
		host: "here",
		process: thisProcess(),
		worktree: "/work",
		branch: "main",
	});
	await coordinator.arrive();
	return coordinator;
}

function takeByUdo(coordinator: Coordinator): Take {
	const owner = thisProcess();
	return async (name, waitMs) => {
		const claimed = await claim(coordinator, [{ kind: "file", id: name }], { waitMs, owner, ttlMs: leaseMs });
		if (!claimed.ok) throw new Error(JSON.stringify(claimed));
		return () => coordinator.store.release(coordinator.project, claimed.granted.request, "released");
	};
}

function takeByRedlock(client: Redis): Take {
	const settings = { retryDelay: pollMs, retryJitter: pollMs / 2 };
	const once = new Redlock([client], { ...settings, retryCount: 0 });
	const patient = new Redlock([client], { ...settings, retryCount: 1_000_000 });
	return async (name, waitMs) => {
		const lock = await (waitMs > 0 ? patient : once).acquire([name], leaseMs);
		return () => lock.release();
	};
}

function takeByMutex(client: Redis): Take {
	return async (name, waitMs) => {
		const terms = { lockTimeout: leaseMs, refreshInterval: 0, retryInterval: pollMs };
		const mutex = new Mutex(client, name, { ...terms, ...(waitMs > 0 && { acquireTimeout: waitMs }) });
		if (waitMs > 0) await mutex.acquire();
		else if (!(await mutex.tryAcquire())) throw new Error(`${name} is taken`);
		return () => mutex.release();
	};
}
