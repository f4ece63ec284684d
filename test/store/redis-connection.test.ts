import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { inspect, promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../server/config.ts";
import { StoreUnavailableError } from "../../server/errors.ts";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { explainFailure } from "../../server/store/redis/failure.ts";
import { Certificates } from "../helpers/redis-certificates.ts";
import { RedisCluster } from "../helpers/redis-cluster.ts";
import { RedisSentinels } from "../helpers/redis-sentinels.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { until } from "../helpers/until.ts";
import { bundleWorker } from "../helpers/worker.ts";

const scripts = {
	add: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
	keep: "redis.call('SET', KEYS[1], ARGV[1])",
	wrong: "return redis.call('INCR')",
	slow: "local n = 0 for i = 1, 3e8 do n = n + i end return n",
};
const key = "udo:{p}:n";
const ways = ["unix socket", "TCP", "password", "user with few rights", "TLS"] as const;

describe.skipIf(!hasRedis)("a connection to Redis", () => {
	test.each(ways)("runs scripts and commands over a %s", async (way) => {
		const { connection } = await openBy(way);

		await connection.ready();
		expect(connection.isUp).toBe(true);
		expect(await connection.run("add", key, [2])).toBe(2);
		expect(await connection.run("keep", "udo:{p}:b", [new Uint8Array([0, 255, 10])])).toBeNull();
		expect(await connection.commandBuffer("get", "udo:{p}:b")).toEqual(Buffer.from([0, 255, 10]));
		expect(await connection.command("get", key)).toBe("2");
		expect(await connection.serverOf(key)).toMatch(/^[0-9a-f]{40}$/);
	});

	test.each(ways)("hears messages over a %s", async (way) => {
		const { connection } = await openBy(way);
		const heard = listen(connection);
		await until(() => heard.gaps === 1);

		await connection.command("publish", "udo:channel:x", "hello");
		await until(() => heard.messages.length > 0);
		expect(heard.messages).toEqual(["udo:channel:x hello"]);
	});

	test("starts without a server, and is up as soon as there is one", async () => {
		const server = await serve({ tcp: true });
		await server.kill();
		const connection = open({ REDIS_URL: server.url });

		await expect(connection.ready()).rejects.toMatchObject({
			name: "StoreUnavailableError",
			message: expect.stringContaining(`Redis 127.0.0.1:${server.port} is away`),
			why: "connection refused: nothing listens there.",
			next: "udo doctor",
			retryable: true,
		});
		expect(connection.isUp).toBe(false);
		expect(connection.trouble).toBe("connection refused: nothing listens there");
		await server.restart();
		await until(() => connection.isUp);
		expect(connection.trouble).toBeUndefined();
		expect(await connection.run("add", key, [1])).toBe(1);
	});

	test("comes back after the server was killed, tells that it is another one, and says so to whoever listens", async () => {
		const server = await serve({ tcp: true });
		const connection = open({ REDIS_URL: server.url });
		const links: boolean[] = [];
		connection.onLink(() => links.push(connection.isUp));
		const heard = listen(connection);
		const before = await connection.serverOf(key);
		await until(() => heard.gaps === 1);

		await server.kill();
		await until(() => !connection.isUp);
		await expect(connection.run("add", key, [1])).rejects.toThrow(StoreUnavailableError);
		await server.restart();
		await until(() => connection.isUp && heard.gaps === 2);
		expect(await connection.serverOf(key)).not.toBe(before);
		expect(links).toEqual([true, false, true]);
		await server.command("PUBLISH", "udo:channel:x", "after");
		await until(() => heard.messages.includes("udo:channel:x after"));
	});

	test("gives up on a server that stands still, and finds it again when it goes on", async () => {
		const server = await serve({ tcp: true });
		const connection = open({ REDIS_URL: server.url }, { connectMs: 200, commandMs: 200 });
		await connection.ready();
		server.stop();

		await expect(connection.run("add", key, [1])).rejects.toMatchObject({ why: "no answer within 200 ms." });
		await until(async () => {
			await connection.run("add", key, [1]).catch(() => {});
			return !connection.isUp;
		});
		expect(connection.trouble).toMatch(/no answer within 200 ms/);
		server.resume();
		await until(() => connection.isUp);
		expect(await connection.command("exists", "udo:{p}:other")).toBe(0);
	});

	test("notices without any command that the server stands still", async () => {
		const server = await serve({ tcp: true });
		const connection = open({ REDIS_URL: server.url }, { connectMs: 200, commandMs: 200 });
		await connection.ready();

		server.stop();
		await until(() => !connection.isUp);
		server.resume();
		await until(() => connection.isUp);
	});

	test("does not take its own slowness for the server's", async () => {
		const server = await serve({});
		const connection = open({ REDIS_URL: server.url }, { connectMs: 100, commandMs: 100 });
		await connection.run("add", key, [1]);
		const answer = connection.run("add", key, [1]);

		// The command leaves before this process stands still for longer than the command may take.
		await new Promise((resolve) => setImmediate(resolve));
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
		expect(await answer).toBe(2);
	});

	test("loads scripts again that the server forgot", async () => {
		const server = await serve({});
		const connection = open({ REDIS_URL: server.url });
		await connection.run("add", key, [1]);

		await server.command("SCRIPT", "FLUSH");
		expect(await connection.run("add", key, [1])).toBe(2);
	});

	test("survives that its connections are killed", async () => {
		const server = await serve({});
		const connection = open({ REDIS_URL: server.url });
		const heard = listen(connection);
		await until(() => connection.isUp && heard.gaps === 1);

		await server.command("CLIENT", "KILL", "TYPE", "pubsub");
		await server.command("CLIENT", "KILL", "TYPE", "normal");
		await until(() => connection.isUp && heard.gaps === 2);
		expect(await connection.run("add", key, [1])).toBe(1);
		await connection.command("publish", "udo:channel:x", "again");
		await until(() => heard.messages.includes("udo:channel:x again"));
	});

	test("an error in a script is a bug, not an outage", async () => {
		const server = await serve({});
		const connection = open({ REDIS_URL: server.url });

		const error = await failureOf(connection.run("wrong", key, []));
		expect(error).not.toBeInstanceOf(StoreUnavailableError);
		expect(error.message).toContain("Wrong number of args");
		expect(connection.isUp).toBe(true);
	});

	test("opens more connections under load, never more than 50, and closes them when it is quiet", async () => {
		const server = await serve({});
		const connection = open({ REDIS_URL: server.url }, { connectMs: 20_000, commandMs: 20_000 });
		listen(connection);
		await connection.ready();

		await Promise.all(
			Array.from({ length: 2000 }, async () => {
				for (let i = 0; i < 20; i++) await connection.run("add", key, [1]);
			}),
		);
		const underLoad = await clientsOf(server);
		// Each of these has a connection to itself, as long as there are any.
		await Promise.all(Array.from({ length: 200 }, () => connection.run("add", key, [1], { isReplicated: true })));
		expect(await connection.command("get", key)).toBe("40200");
		expect(underLoad).toBeGreaterThan(2);
		expect(await clientsOf(server)).toBe(50);
		await until(
			() => clientsOf(server),
			(clients) => clients === 2,
			40_000,
		);
	});

	test("a write counts as replicated only when a replica has it", async () => {
		const master = await serve({ tcp: true });
		const replica = await serve({ tcp: true, replicaOf: master });
		await until(
			() => replica.info("master_link_status"),
			(status) => status === "up",
		);
		const connection = open({ REDIS_URL: master.url });
		await until(() => connection.run("add", key, [1], { isReplicated: true }).catch(() => 0));

		replica.stop();
		const error = await failureOf(connection.run("add", key, [1], { isReplicated: true }));
		expect(error).toBeInstanceOf(StoreUnavailableError);
		expect(error).toMatchObject({ why: expect.stringMatching(/^0 of 1 replicas have it after \d+ ms, 1 must\.$/) });
		expect(await connection.run("add", key, [1])).toBeGreaterThan(2);
		replica.resume();
		await until(() => connection.run("add", key, [1], { isReplicated: true }).catch(() => 0));
	});

	test("a replica is no place to write", async () => {
		const master = await serve({ tcp: true });
		const replica = await serve({ tcp: true, replicaOf: master });
		const connection = open({ REDIS_URL: replica.url });
		await connection.ready();
		const before = Number(await connection.ask(key, "client", "id"));

		const error = await failureOf(connection.run("add", key, [1]));
		expect(error).toMatchObject({ why: expect.stringContaining("it is a replica") });
		// The address may lead to the master by now, but only on a new connection.
		await until(async () => Number(await connection.ask(key, "client", "id").catch(() => 0)) > before);
		await replica.command("REPLICAOF", "NO", "ONE");
		await until(() => connection.run("add", key, [1]).catch(() => 0));
	});
});

describe.skipIf(!hasRedis)("a process with a connection", () => {
	test.each([
		["that is quiet", "await connection.ready(); connection.listen(['a'], () => {}, () => {});", "up"],
		["to a server that is away", "await connection.ready().catch(() => {});", "away"],
		["to a server that stands still", "await connection.run('s', 'udo:{p}:n', []).catch(() => {});", "still"],
		["that is closed while it connects", "await connection[Symbol.asyncDispose]();", "still"],
	])("%s ends by itself", async (_, body, state) => {
		const server = await serve({});
		if (state === "away") await server.kill();
		if (state === "still") server.stop();
		const topology = { kind: "standalone", address: { kind: "unix", path: server.socket } };
		const program = `
			import { RedisConnection } from ${JSON.stringify(await bundleWorker("server/store/redis/connection.ts"))};
			const connection = RedisConnection.open({ topology: ${JSON.stringify(topology)}, db: 0 }, { scripts: { s: "return 1" } });
			${body}
			console.log(connection.isUp);
		`;

		const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
		expect(stdout).toBe(`${state === "up"}\n`);
	});
});

describe.skipIf(!hasRedis)("what keeps Redis from serving", () => {
	const secret = "s3cret-of-the-team";

	test.each([
		["a wrong password", { password: "another" }, /refused the password/, /REDIS_PASSWORD_FILE/],
		["a user that is not known", { password: "another", username: "nobody" }, /refused the password/, /REDIS_USERNAME/],
	])("%s is said in words, without the password", async (_, { password, username }: Login, what, next) => {
		const server = await serve({ tcp: true, password });
		const connection = open({
			...addressOf(server),
			REDIS_PASSWORD: secret,
			...(username !== undefined && { REDIS_USERNAME: username }),
		});

		const error = await failureOf(connection.ready());
		expect(error).toBeInstanceOf(StoreUnavailableError);
		expect(error.message).toMatch(what);
		expect(error).toMatchObject({ next: expect.stringMatching(next), retryable: false });
		expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
		expect(`${connection.trouble} ${inspect(connection, { depth: 10 })}`).not.toContain(secret);
	});

	test("a server so old that it repeats what it does not understand, password and all", () => {
		const settings = readConfig({ REDIS_URL: `redis://u:${secret}@h` }, undefined).redis;
		if (settings === undefined) throw new Error("no Redis in the settings");

		for (const text of [
			`unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'u' '${secret}'`,
			`what? ${secret}`,
		]) {
			const error = explainFailure(new Error(`ERR ${text}`), { settings, server: "h" });
			expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
		}
	});

	test.each([
		["something that is no Redis", "HTTP/1.1 400 Bad Request\r\n\r\n", "is no Redis"],
		["a refusal that nobody foresaw", "-ERR not on Sundays\r\n", "cannot be reached"],
		["too many clients", "-ERR max number of clients reached\r\n", "has too many clients"],
	])("%s", async (_, answer, what) => {
		const server = createServer((socket) => socket.on("error", () => {}).write(answer)).listen(0, "127.0.0.1");
		await once(server, "listening");
		onTestFinished(() => void server.close());
		const { port } = server.address() as AddressInfo;

		const error = await failureOf(open({ REDIS_PORT: `${port}` }).ready());
		expect(error).toBeInstanceOf(StoreUnavailableError);
		expect(error.message).toContain(what);
	});

	test("a missing password", async () => {
		const server = await serve({ tcp: true, password: secret });
		const connection = open(addressOf(server));

		await expect(connection.run("add", key, [1])).rejects.toMatchObject({
			message: expect.stringContaining("wants a password"),
			next: expect.stringContaining("REDIS_PASSWORD_FILE"),
		});
	});

	test("a right that the user lacks, for a command, a key or a channel, with the command that grants all", async () => {
		const rights = "resetchannels ~udo:* &udo:* +eval +evalsha +incrby +publish";
		const server = await serve({ tcp: true, users: [`udo on >${secret} ${rights}`] });
		const connection = open({ ...addressOf(server), REDIS_USERNAME: "udo", REDIS_PASSWORD: secret });
		expect(await connection.run("add", key, [1])).toBe(1);
		const lacking = [
			() => connection.command("get", key),
			() => connection.run("keep", key, [1]),
			() => connection.run("add", "other:{p}", [1]),
			() => connection.command("publish", "other", "a"),
		];

		for (const attempt of lacking) {
			expect(await failureOf(attempt())).toMatchObject({
				name: "StoreUnavailableError",
				message: expect.stringContaining("does not give udo all rights that udo needs"),
				next: expect.stringMatching(/^redis-cli ACL SETUSER udo '~udo:\*' '&udo:\*' .*\+get .*\+set/),
			});
		}
	});

	test("certificates that are not trusted, and servers that speak no TLS or nothing else", async () => {
		const certificates = await Certificates.make();
		const others = await Certificates.make();
		onTestFinished(() => certificates[Symbol.asyncDispose]());
		onTestFinished(() => others[Symbol.asyncDispose]());
		const secure = await serve({ tls: certificates });
		const plain = await serve({ tcp: true });
		const why = async (environment: NodeJS.ProcessEnv) => {
			const error = await failureOf(open(environment).ready());
			expect(error).toBeInstanceOf(StoreUnavailableError);
			return error instanceof StoreUnavailableError ? error.why : "";
		};

		expect(await why({ REDIS_URL: secure.url })).toMatch(/signed by an authority that is not known/);
		expect(await why({ REDIS_URL: secure.url, REDIS_TLS_CA: others.authority })).toMatch(/not known|not valid/);
		expect(await why({ ...addressOf(secure), REDIS_HOST: "127.0.0.2", REDIS_TLS_CA: certificates.authority })).toMatch(
			/connection refused|not valid: .*127\.0\.0\.2/,
		);
		expect(await why({ ...addressOf(plain), REDIS_TLS: "1" })).toMatch(/does that port speak TLS|TLS failed/);
		expect(await why(addressOf(secure))).toMatch(/closed the connection|no answer/);
	});

	test("a database that is not there: nothing is written to another one", async () => {
		const server = await serve({ tcp: true });
		const connection = open({ ...addressOf(server), REDIS_DB: "99" });

		await expect(connection.run("add", key, [1])).rejects.toMatchObject({
			message: expect.stringContaining("has no database 99"),
		});
		expect(await server.command("DBSIZE")).toBe(0);
	});

	test("no memory left, and a script of somebody's that does not end", async () => {
		const server = await serve({ tcp: true });
		const connection = open({ REDIS_URL: server.url });
		await connection.ready();

		await server.command("CONFIG", "SET", "maxmemory", "1");
		expect((await failureOf(connection.run("add", key, [1]))).message).toContain("has no memory left");
		await server.command("CONFIG", "SET", "maxmemory", "0");
		await server.command("CONFIG", "SET", "busy-reply-threshold", "1");
		server.command("EVAL", "while true do end", 0).catch(() => {});
		await until(async () => (await failureOf(connection.run("add", key, [1])))?.message.includes("is busy"));
	});
});

describe.skipIf(!hasRedis)("sentinels", () => {
	test("lead to the new master after a failover", async () => {
		await using sentinels = await RedisSentinels.start();
		const connection = open({ REDIS_SENTINELS: sentinels.addresses, REDIS_SENTINEL_NAME: sentinels.name });
		const heard = listen(connection);
		expect(await connection.run("add", key, [1], { isReplicated: true })).toBe(1);
		await until(() => heard.gaps === 1);
		const before = await connection.serverOf(key);

		await (await sentinels.master()).kill();
		await until(() => connection.run("add", key, [1]).catch(() => 0));
		expect(await connection.command("get", key)).toBe("2");
		expect(await connection.serverOf(key)).not.toBe(before);
		await until(() => heard.gaps >= 2);
	});

	test("that do not know the name say so, and one of them is enough", async () => {
		await using sentinels = await RedisSentinels.start();
		const wrong = open({ REDIS_SENTINELS: sentinels.addresses, REDIS_SENTINEL_NAME: "other" });

		await expect(wrong.ready()).rejects.toMatchObject({ why: "the sentinels know no master called other." });
		await sentinels.sentinels[0]?.kill();
		sentinels.sentinels[1]?.stop();
		const right = open({ REDIS_SENTINELS: sentinels.addresses, REDIS_SENTINEL_NAME: sentinels.name });
		await right.ready();
		sentinels.sentinels[1]?.resume();
	});
});

describe.skipIf(!hasRedis)("a cluster", () => {
	test("keeps every key at its node, and one name is enough to find them", async () => {
		await using cluster = await RedisCluster.start();
		const connection = open({ REDIS_CLUSTER: cluster.addresses.split(",")[0] });
		const keys = Array.from({ length: 20 }, (_, i) => `udo:{project-${i}}:n`);

		const servers = await Promise.all(keys.map((each) => connection.serverOf(each)));
		for (const [i, each] of keys.entries()) {
			expect(await connection.run("add", each, [1], { server: servers[i] ?? "" })).toBe(1);
			expect(await (await cluster.ownerOf(each)).info("run_id")).toBe(servers[i]);
		}
		expect(new Set(servers).size).toBe(3);
		expect(await connection.run("add", keys[0] ?? "", [1], { isReplicated: true })).toBe(2);
		const heard = listen(connection);
		await until(() => heard.gaps === 1);
		for (const { port } of cluster.masters) {
			await cluster.masters.find((node) => node.port === port)?.command("PUBLISH", "udo:channel:x", port);
			await until(() => heard.messages.includes(`udo:channel:x ${port}`));
		}
	});

	test("goes on with the replica of a node that died, and with the others meanwhile", async () => {
		await using cluster = await RedisCluster.start({ replicasEach: 1 });
		const connection = open({ REDIS_CLUSTER: cluster.addresses });
		await connection.run("add", key, [1], { isReplicated: true });
		const owner = await cluster.ownerOf(key);
		const elsewhere = await until(async () => {
			for (let i = 0; ; i++) {
				const other = `udo:{other-${i}}:n`;
				if ((await cluster.ownerOf(other)) !== owner) return other;
			}
		});

		await owner.kill();
		expect(await failureOf(connection.run("add", key, [1]))).toBeInstanceOf(StoreUnavailableError);
		expect(await connection.run("add", elsewhere, [1])).toBe(1);
		await until(
			() => connection.run("add", key, [1]).catch(() => 0),
			(count) => count === 2,
			30_000,
		);
	});

	test("says that it is down", async () => {
		await using cluster = await RedisCluster.start();
		const connection = open({ REDIS_CLUSTER: cluster.addresses });
		await connection.run("add", key, [1]);

		const owner = await cluster.ownerOf(key);
		await owner.kill();
		await until(
			() => failureOf(connection.run("add", key, [1])),
			(error) => error instanceof StoreUnavailableError && /cluster is down|away/.test(`${error.why} ${error.message}`),
		);
	});
});

interface Login {
	readonly password: string;
	readonly username?: string;
}

async function openBy(way: (typeof ways)[number]) {
	const certificates = way === "TLS" ? await Certificates.make() : undefined;
	if (certificates !== undefined) onTestFinished(() => certificates[Symbol.asyncDispose]());
	const few = "~udo:* &udo:* +eval +evalsha +incrby +set +get +info +publish +subscribe +ping";
	const server = await serve({
		...(way !== "unix socket" && { tcp: true }),
		...(way === "password" && { password: "open-sesame" }),
		...(way === "user with few rights" && { users: [`udo on >pw resetchannels ${few}`] }),
		...(certificates !== undefined && { tls: certificates }),
	});
	const connection = open({
		...(way === "unix socket" || way === "TLS" ? { REDIS_URL: server.url } : addressOf(server)),
		...(way === "password" && { REDIS_PASSWORD: "open-sesame" }),
		...(way === "user with few rights" && { REDIS_USERNAME: "udo", REDIS_PASSWORD: "pw" }),
		...(certificates !== undefined && { REDIS_TLS_CA: certificates.authority }),
	});
	return { server, connection };
}

async function serve(options: Parameters<typeof RedisServer.start>[0]): Promise<RedisServer> {
	const server = await RedisServer.start(options);
	onTestFinished(() => server[Symbol.asyncDispose]());
	return server;
}

function open(
	environment: NodeJS.ProcessEnv,
	times: { readonly connectMs?: number; readonly commandMs?: number } = {},
): RedisConnection {
	const { redis } = readConfig({ HOME: "/nonexistent", ...environment }, undefined);
	if (redis === undefined) throw new Error("no Redis in the settings");
	const connection = RedisConnection.open(redis, { scripts, ...times });
	onTestFinished(() => connection[Symbol.asyncDispose]());
	return connection;
}

function addressOf({ host, port }: RedisServer): NodeJS.ProcessEnv {
	return { REDIS_HOST: host, REDIS_PORT: `${port}` };
}

function listen(connection: RedisConnection) {
	const heard = { messages: [] as string[], gaps: 0 };
	connection.listen(
		["udo:channel:x"],
		(channel, message) => heard.messages.push(`${channel} ${message}`),
		() => {
			heard.gaps += 1;
		},
	);
	return heard;
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
	try {
		await work;
	} catch (error) {
		if (error instanceof Error) return error;
	}
	throw new Error("it did not fail");
}

// Without the one that asks.
async function clientsOf(server: RedisServer): Promise<number> {
	return (
		String(await server.command("CLIENT", "LIST"))
			.trim()
			.split("\n").length - 1
	);
}
