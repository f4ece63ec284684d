import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Finding } from "../../cli/doctor/finding.ts";
import { inspectRedis } from "../../cli/doctor/redis.ts";
import { readConfig } from "../../server/config.ts";
import { Certificates } from "../helpers/redis-certificates.ts";
import { RedisCluster } from "../helpers/redis-cluster.ts";
import { RedisSentinels } from "../helpers/redis-sentinels.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("udo doctor about the team's Redis", () => {
	test("says where it is, who udo is there, its version, how fast it answers, and that it keeps a log", async () => {
		const server = await serve({ tcp: true, appendfsync: "always" });

		expect(await findings({ REDIS_URL: server.url })).toEqual([
			expect.stringMatching(
				/^ok redis: 127\.0\.0\.1:\d+, Redis \d+\.\d+\.\d+, standalone, as default without a password, not encrypted, answers in \d+\.\d ms$/,
			),
			"ok redis: keeps a log on disk, synced at every write",
			expect.stringMatching(/^ok redis: the clock here is \d+ ms (ahead of|behind) its$/),
		]);
	});

	test("warns when a crash or a lack of memory takes locks away, with the commands that mend it", async () => {
		const server = await serve({ tcp: true });
		await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");

		expect(await findings({ REDIS_URL: server.url })).toEqual(
			expect.arrayContaining([
				expect.stringMatching(
					/^warning redis: it keeps no log on disk.* \| redis-cli -h 127\.0\.0\.1 -p \d+ CONFIG SET appendonly yes && redis-cli -h 127\.0\.0\.1 -p \d+ CONFIG SET appendfsync always$/,
				),
				expect.stringMatching(
					/^warning redis: it may throw locks away.*allkeys-lru.* \| redis-cli -h 127\.0\.0\.1 -p \d+ CONFIG SET maxmemory-policy noeviction$/,
				),
			]),
		);
		await server.command("CONFIG", "SET", "appendonly", "yes");
		await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
		expect((await findings({ REDIS_URL: server.url })).filter((line) => line.startsWith("warning"))).toEqual([]);
	});

	test("says what it may not ask, and goes on", async () => {
		const users = ["few on >pw ~udo:* &udo:* +ping", "some on >pw ~udo:* &udo:* +ping +info +time"];
		const server = await serve({ tcp: true, appendfsync: "always", users });
		const as = (REDIS_USERNAME: string) => findings({ ...addressOf(server), REDIS_USERNAME, REDIS_PASSWORD: "pw" });

		expect(await as("few")).toEqual([
			expect.stringMatching(/^ok redis: .*, as few, not encrypted/),
			expect.stringMatching(/^warning .*no right to INFO \| redis-cli -h 127\.0\.0\.1 -p \d+ ACL SETUSER few \+info$/),
		]);
		expect(await as("some")).toContain(
			"ok redis: keeps a log on disk; how often it is synced may not be asked (CONFIG)",
		);
	});

	test("tells replicas and their lag, and that a replica is no place for locks", async () => {
		const master = await serve({ tcp: true, appendfsync: "everysec" });
		const replica = await serve({ tcp: true, replicaOf: master });

		await until(
			() => findings({ REDIS_URL: master.url }),
			(lines) => lines.some((line) => /^ok redis: 1 replica, at most \d+ bytes behind, heard of \d s ago$/.test(line)),
		);
		expect(await findings({ REDIS_URL: replica.url })).toContainEqual(
			expect.stringContaining(
				`failure redis: it is a replica of 127.0.0.1:${master.port}: nothing can be locked there`,
			),
		);
	});

	test("over TLS", async () => {
		await using certificates = await Certificates.make();
		const server = await serve({ tls: certificates });

		const [first] = await findings({ REDIS_URL: server.url, REDIS_TLS_CA: certificates.authority });
		expect(first).toMatch(/^ok .*, over TLS, /);
		expect(await findings({ REDIS_URL: server.url })).toEqual([
			expect.stringMatching(/^failure redis: .* is not trusted: .* \| export REDIS_TLS_CA=/),
		]);
	});

	test("by sentinels and as a cluster", async () => {
		await using sentinels = await RedisSentinels.start();
		await using cluster = await RedisCluster.start();

		const watched = await findings({ REDIS_SENTINELS: sentinels.addresses, REDIS_SENTINEL_NAME: sentinels.name });
		expect(watched[0]).toMatch(/^ok redis: team of .*, sentinel, /);
		expect(watched).toContainEqual(expect.stringMatching(/^(ok|warning) redis: 1 replica/));
		expect((await findings({ REDIS_CLUSTER: cluster.addresses }))[0]).toMatch(/^ok redis: .*, cluster, /);
		expect(await findings({ REDIS_URL: cluster.masters[0]?.url })).toContainEqual(
			expect.stringContaining("failure redis: it is a node of a cluster, which needs REDIS_CLUSTER"),
		);
	});

	test("away: what holds meanwhile and how to look, in one finding, without the password", async () => {
		const server = await serve({ tcp: true, password: "s3cret" });
		const wrong = await findings({ ...addressOf(server), REDIS_PASSWORD: "guessed" });
		expect(wrong).toEqual([expect.stringMatching(/^failure .* refused the password: .* \| export REDIS_USERNAME/)]);
		await server.kill();

		const away = await findings({ ...addressOf(server), REDIS_PASSWORD: "s3cret" });
		expect(away).toEqual([
			expect.stringMatching(
				/^failure redis: Redis 127\.0\.0\.1:\d+ is away: connection refused: .* hold on this machine only, branch, .* refused \| redis-cli -h 127\.0\.0\.1 -p \d+ PING$/,
			),
		]);
		expect(inspect([wrong, away])).not.toMatch(/s3cret|guessed/);
	});

	test("is part of the whole report", async () => {
		const server = await serve({ tcp: true });
		await using sandbox = await Sandbox.create();

		const healthy = await sandbox.udo(["doctor"], { environment: { REDIS_URL: server.url } });
		expect(healthy.stdout).toMatch(/^ok {4}redis: 127\.0\.0\.1:\d+, Redis /m);
		await server.kill();
		const sick = await sandbox.udo(["doctor"], { environment: { REDIS_URL: server.url } });
		expect(sick).toMatchObject({ code: 1, stderr: "" });
		expect(sick.stdout).toMatch(/^FAIL {2}redis: .* is away: .*\n +next: redis-cli -h 127\.0\.0\.1 -p \d+ PING$/m);
	});
});

async function findings(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
	const { redis } = readConfig({ HOME: "/nonexistent", ...environment }, undefined);
	if (redis === undefined) throw new Error("no Redis in the settings");
	return (await inspectRedis(redis, "p")).map(line);
}

function line({ check, level, message, next }: Finding): string {
	expect(check).toBe("redis");
	return `${level} ${message}${next === undefined ? "" : ` | ${next}`}`;
}

function addressOf({ host, port }: RedisServer): NodeJS.ProcessEnv {
	return { REDIS_HOST: host, REDIS_PORT: `${port}` };
}

async function serve(options: Parameters<typeof RedisServer.start>[0]): Promise<RedisServer> {
	const server = await RedisServer.start(options);
	onTestFinished(() => server[Symbol.asyncDispose]());
	return server;
}
