import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import type { RedisSettings, Topology } from "../../server/store/redis/settings.ts";
import { openRedisStore, type RedisStore } from "../../server/store/redis.ts";
import { RedisCluster } from "./redis-cluster.ts";
import { RedisServer } from "./redis-server.ts";
import { SteppedClock } from "./stepped-clock.ts";
import type { StoreHarness } from "./store-harness.ts";

const leaseMs = 300_000;

/** The store on one real server, and on a real cluster of three. */
export const redisStores: readonly StoreHarness[] = [
	redisHarness("Redis", async () => {
		const server = await RedisServer.start();
		return { topology: { kind: "standalone", address: { kind: "unix", path: server.socket } }, servers: [server] };
	}),
	redisHarness("Redis Cluster", async () => {
		const cluster = await RedisCluster.start();
		const nodes = cluster.masters.map(({ host, port }) => ({ kind: "tcp" as const, host, port }));
		return { topology: { kind: "cluster", nodes }, servers: cluster.masters };
	}),
];

/** How to reach a server without a password. */
export function settingsOf(topology: Topology): RedisSettings {
	return { topology, db: 0, username: undefined, password: undefined, tls: undefined };
}

interface Place {
	readonly topology: Topology;
	readonly servers: readonly RedisServer[];
}

// Starting a cluster takes two seconds: whoever comes next gets one that was left, emptied.
function redisHarness(name: string, start: () => Promise<Place>): StoreHarness {
	const idle: Place[] = [];

	async function empty(): Promise<Place> {
		const place = idle.pop() ?? (await start());
		for (const server of place.servers) await server.command("FLUSHALL");
		return place;
	}

	function connect({ topology }: Place, clock?: SteppedClock): RedisStore {
		const connection = RedisConnection.open(settingsOf(topology), { scripts, commandMs: 10_000, connectMs: 10_000 });
		return openRedisStore(connection, { leaseMs, ...(clock && { clock }) });
	}

	return {
		name,
		async open() {
			const place = await empty();
			const clock = new SteppedClock();
			const store = connect(place, clock);
			return {
				store,
				async advance(ms) {
					clock.advance(ms);
				},
				async [Symbol.asyncDispose]() {
					await store[Symbol.asyncDispose]();
					idle.push(place);
				},
			};
		},
		async openLive() {
			const place = await empty();
			const connections: RedisStore[] = [];
			return {
				async connect() {
					const store = connect(place);
					connections.push(store);
					return store;
				},
				async [Symbol.asyncDispose]() {
					for (const store of connections) await store[Symbol.asyncDispose]();
					idle.push(place);
				},
			};
		},
	};
}
