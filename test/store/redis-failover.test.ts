import { describe, expect, test } from "vitest";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import { openRedisStore } from "../../server/store/redis.ts";
import { RedisSentinels } from "../helpers/redis-sentinels.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { settingsOf } from "../helpers/redis-store.ts";
import { arrive, branch, file, project, requestOf, take } from "../helpers/request.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("a Redis that is another one than before", () => {
	test("is joined anew by whoever was connected, and gives back only what was held until the lease is over", async () => {
		await using server = await RedisServer.start({ appendfsync: "always" });
		await using store = openRedisStore(connect(server), { leaseMs: 300_000 });
		await arrive(store, ["term_a", "term_b"]);
		await take(store, "term_a", branch("main"));

		await server.kill();
		await server.restart();
		await until(() =>
			store.sessions(project).then(
				() => true,
				() => false,
			),
		);

		const fresh = await store.acquire(requestOf("term_b", file("a.ts")));
		expect(fresh).toMatchObject({ ok: false, reason: "recovering" });
		const asserted = await store.acquire(requestOf("term_b", file("a.ts"), { isReasserted: true }));
		expect(asserted).toMatchObject({ ok: true });
	});

	test("does not get in the way of branch locks, which several connections are used for", async () => {
		await using server = await RedisServer.start({ appendfsync: "always" });
		await using store = openRedisStore(connect(server), { leaseMs: 1 });
		await arrive(store, ["term_a"]);
		await take(store, "term_a", branch("main"));

		for (let round = 0; round < 3; round++) {
			await server.kill();
			await server.restart();
			const taken = () => take(store, "term_a", branch(`b${round}`)).then(() => true, onlyUnavailable);
			await until(taken);
		}
		expect(await store.locks(project)).toHaveLength(4);
	});

	test("is not mistaken for the master when the old one comes back after a failover", async () => {
		await using team = await RedisSentinels.start();
		const sentinels = team.addresses.split(",").map((address) => {
			const [host = "", port = ""] = address.split(":");
			return { kind: "tcp" as const, host, port: Number(port) };
		});
		const topology = { kind: "sentinel", name: team.name, sentinels, password: undefined } as const;
		await using store = openRedisStore(RedisConnection.open(settingsOf(topology), { scripts }), { leaseMs: 1 });
		await until(() => arrive(store, ["term_a"]).then(() => true, onlyUnavailable));
		const before = await team.master();

		await before.stop();
		await until(async () => (await team.master()) !== before);
		before.resume();
		await until(() => take(store, "term_a", file("a.ts")).then(() => true, onlyUnavailable));

		const master = await team.master();
		expect(await master.command("EXISTS", `udo:lock:file:{${project}}/a.ts`)).toBe(1);
	});
});

function connect(server: RedisServer): RedisConnection {
	return RedisConnection.open(settingsOf({ kind: "standalone", address: { kind: "unix", path: server.socket } }), {
		scripts,
	});
}

// Until it is back. Anything else is a fault.
function onlyUnavailable(error: unknown): false {
	if (error instanceof Error && error.name === "StoreUnavailableError") return false;
	throw error;
}
