import { describe, expect, test } from "vitest";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import { openRedisStore } from "../../server/store/redis.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { settingsOf } from "../helpers/redis-store.ts";
import {
	arrive,
	branch,
	database,
	everything,
	file,
	otherProject,
	project,
	take,
	wholeProject,
} from "../helpers/request.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("what somebody with only a Redis client sees", () => {
	test("every lock is a key that names its project in braces", async () => {
		await using place = await open();
		await arrive(place.store, ["term_a"]);
		await arrive(place.store, ["term_b"], otherProject);

		await take(place.store, "term_a", [file("src/a.ts"), branch("main"), database("main")]);
		expect(await place.server.command("GET", "udo:lock:file:{proj_one}/src/a.ts")).toMatch(/^term_a\n/);
		expect(await place.keys("udo:lock:*")).toEqual([
			"udo:lock:file:{proj_one}/src/a.ts",
			"udo:lock:git:{proj_one}/main",
			"udo:lock:resource:database:{proj_one}/main",
		]);

		await place.store.closeSessions(["term_a"] as never, "closed");
		await arrive(place.store, ["term_a"]);
		await take(place.store, "term_a", wholeProject);
		expect(await place.keys("udo:lock:*")).toEqual(["udo:lock:resource:project:{proj_one}"]);

		await take(place.store, "term_a", everything);
		expect(await place.keys("udo:lock:resource:exclusive:*")).toEqual([
			"udo:lock:resource:exclusive:{proj_one}",
			"udo:lock:resource:exclusive:{proj_two}",
		]);
	});

	test("a session, that it lives, and what it holds are keys of their own until it ends", async () => {
		await using place = await open();
		await arrive(place.store, ["term_a"]);
		await take(place.store, "term_a", file("src/a.ts"));

		await until(async () => (await place.server.command("SCARD", "udo:session:{term_a}:locks")) === 1);
		expect(await place.server.command("SMEMBERS", "udo:session:{term_a}:locks")).toEqual([`${project} file:src/a.ts`]);
		expect(await place.server.command("HGET", "udo:session:{term_a}:data", "actor")).toBe("term_a@example.org");
		expect(Number(await place.server.command("PTTL", "udo:session:{term_a}:heartbeat"))).toBeGreaterThan(0);

		await place.store.closeSessions(["term_a"] as never, "closed");
		await until(async () => (await place.keys("udo:session:*")).length === 0);
	});
});

async function open() {
	const server = await RedisServer.start();
	const topology = { kind: "standalone", address: { kind: "unix", path: server.socket } } as const;
	const store = openRedisStore(RedisConnection.open(settingsOf(topology), { scripts }), { leaseMs: 300_000 });
	return {
		server,
		store,
		keys: async (pattern: string) => ((await server.command("KEYS", pattern)) as string[]).sort(),
		async [Symbol.asyncDispose]() {
			await store[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		},
	};
}
