import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { readConfig, showSettings } from "../../server/config.ts";
import { UdoError } from "../../server/errors.ts";
import { Sandbox } from "../helpers/sandbox.ts";

const secret = "s3cret";

test.each([
	["nothing", {}, undefined],
	["an empty text", { REDIS_HOST: "" }, undefined],
	["a database alone", { REDIS_DB: "3" }, undefined],
	["a host", { REDIS_HOST: "redis.team" }, { host: "redis.team", port: 6379, db: 0 }],
	["a port", { REDIS_PORT: "7000" }, { host: "localhost", port: 7000, db: 0 }],
	["host, port and database", { REDIS_HOST: "::1", REDIS_PORT: "1", REDIS_DB: "2" }, { host: "::1", port: 1, db: 2 }],
	["a URL", { REDIS_URL: "redis://redis.team" }, { host: "redis.team", port: 6379, db: 0 }],
	[
		"a URL with everything",
		{ REDIS_URL: "redis://al%3Aice:p%40ss@[::1]:7000/4" },
		{ host: "::1", port: 7000, db: 4, username: "al:ice", password: "p@ss" },
	],
	["a URL with a password alone", { REDIS_URL: "redis://:pw@h" }, { host: "h", port: 6379, db: 0, password: "pw" }],
	["a TLS URL", { REDIS_URL: "rediss://h" }, { host: "h", port: 6379, db: 0, tls: true }],
	["TLS", { REDIS_HOST: "h", REDIS_TLS: "1" }, { host: "h", port: 6379, db: 0, tls: true }],
	["a unix socket", { REDIS_URL: "unix:///run/my%20redis.sock?db=5" }, { path: "/run/my redis.sock", db: 5 }],
	["another spelling of it", { REDIS_URL: "redis+unix://:pw@/r.sock" }, { path: "/r.sock", db: 0, password: "pw" }],
	[
		"a password beside the URL's",
		{ REDIS_URL: "redis://u:one@h", REDIS_PASSWORD: "two" },
		{ host: "h", port: 6379, db: 0, username: "u", password: "two" },
	],
])("%s in the environment", (_, environment, expected) => {
	const { redis } = readConfig({ HOME: "/nonexistent", ...environment }, undefined);

	expect(redis === undefined ? undefined : flat(redis)).toEqual(expected);
});

test("sentinels and clusters are lists, in JSON too", async () => {
	const { worktree, environment } = await places({ project: { redis: { cluster: ["a:1", "b"] } } });

	const sentinel = readConfig(
		{ REDIS_SENTINELS: "a, b:7 ,[::1]:8", REDIS_SENTINEL_NAME: "team", REDIS_SENTINEL_PASSWORD: secret },
		undefined,
	).redis?.topology;
	expect(sentinel).toMatchObject({ kind: "sentinel", name: "team" });
	expect(sentinel?.kind === "sentinel" && sentinel.sentinels.map(({ host, port }) => [host, port])).toEqual([
		["a", 26_379],
		["b", 7],
		["::1", 8],
	]);
	expect(readConfig(environment, worktree).redis?.topology).toEqual({
		kind: "cluster",
		nodes: [
			{ kind: "tcp", host: "a", port: 1 },
			{ kind: "tcp", host: "b", port: 6379 },
		],
	});
});

test.each([
	["REDIS_PORT", { REDIS_PORT: "70000" }],
	["REDIS_PORT", { REDIS_PORT: "seven" }],
	["REDIS_DB", { REDIS_HOST: "h", REDIS_DB: "-1" }],
	["REDIS_HOST", { REDIS_HOST: "h h" }],
	["REDIS_HOST", { REDIS_HOST: "redis://h" }],
	["REDIS_URL", { REDIS_URL: "http://h" }],
	["REDIS_URL", { REDIS_URL: `redis://u:${secret}@h@i` }],
	["REDIS_URL", { REDIS_URL: `redis://u:${secret}/x@h` }],
	["REDIS_URL", { REDIS_URL: `redis://u:${secret}%@h` }],
	["REDIS_URL", { REDIS_URL: "redis://h/zero" }],
	["REDIS_URL", { REDIS_URL: "unix://socket" }],
	["REDIS_TLS", { REDIS_HOST: "h", REDIS_TLS: "maybe" }],
	["REDIS_TLS", { REDIS_URL: "unix:///s", REDIS_TLS: "1" }],
	["REDIS_TLS_CA", { REDIS_HOST: "h", REDIS_TLS_CA: "ca.pem" }],
	["/nonexistent/ca.pem", { REDIS_HOST: "h", REDIS_TLS_CA: "/nonexistent/ca.pem" }],
	["REDIS_TLS_CA", { REDIS_HOST: "h", REDIS_TLS_CA: import.meta.filename }],
	["REDIS_PASSWORD_FILE", { REDIS_HOST: "h", REDIS_PASSWORD_FILE: "pw" }],
	["REDIS_PASSWORD_FILE", { REDIS_HOST: "h", REDIS_PASSWORD_FILE: import.meta.filename }],
	["REDIS_USERNAME", { REDIS_HOST: "h", REDIS_USERNAME: "a b" }],
	["REDIS_SENTINEL_NAME", { REDIS_SENTINELS: "h" }],
	["REDIS_SENTINELS", { REDIS_SENTINELS: "h,", REDIS_SENTINEL_NAME: "n" }],
	["REDIS_CLUSTER", { REDIS_CLUSTER: "h:0" }],
	["REDIS_DB", { REDIS_CLUSTER: "h", REDIS_DB: "1" }],
	["REDIS_URL", { REDIS_URL: "redis://h", REDIS_HOST: "h" }],
	["REDIS_SENTINELS", { REDIS_CLUSTER: "h", REDIS_SENTINELS: "h", REDIS_SENTINEL_NAME: "n" }],
])("a wrong %s is refused by name, with the next command and without a password (%o)", (name, environment) => {
	const error = refusal(() => readConfig({ HOME: "/nonexistent", ...environment }, undefined));

	expect(error).toMatchObject({ code: "config_invalid", next: expect.stringMatching(/^(unset REDIS_|ls -ld)/) });
	expect(`${error.message} ${error.why}`).toContain(name);
	expect(inspect(error, { depth: 10 })).not.toContain(secret);
});

test.each([
	{ password: secret },
	{ sentinelPassword: secret },
	{ passwordFile: "/p" },
	{ url: `redis://:${secret}@h` },
])("a committed file may not hold a password, nor say which file has it (%o)", async (redis) => {
	const { worktree, environment } = await places({ project: { redis: { host: "h", ...redis } } });

	for (const outer of [{}, { REDIS_HOST: "mine" }]) {
		const error = refusal(() => readConfig({ ...environment, ...outer }, worktree));
		expect(error).toMatchObject({ code: "config_invalid", why: expect.stringContaining("everybody who has the repo") });
		expect(error.message).toContain("udo.config.json");
		expect(inspect(error, { depth: 10 })).not.toContain(secret);
	}
});

test("a password only goes to a server that is named where the password is", async () => {
	const { worktree, environment } = await places({ project: { redis: { host: "evil.example.org" } } });

	expect(readConfig(environment, worktree).redis).toMatchObject({ password: undefined });
	const error = refusal(() => readConfig({ ...environment, REDIS_PASSWORD: secret }, worktree));
	expect(error.message).toContain("wants your password sent to evil.example.org:6379");
	expect(inspect(error, { depth: 10 })).not.toContain(secret);
	const own = await places({
		project: { redis: { host: "redis.team", db: 2 } },
		user: { redis: { host: "redis.team", password: secret } },
	});
	expect(flat(readConfig(own.environment, own.worktree).redis)).toEqual({
		...{ host: "redis.team", port: 6379, db: 2, password: secret },
	});
});

test("what is committed counts for the committed server alone, and the environment wins", async () => {
	const { worktree, environment } = await places({
		project: { redis: { host: "redis.team", db: 2, username: "team", tls: true } },
		user: { redis: { host: "other", password: secret } },
	});
	const mine = { ...environment, REDIS_HOST: "mine" };

	expect(flat(readConfig(mine, worktree).redis)).toEqual({ host: "mine", port: 6379, db: 0, password: secret });
	expect(flat(readConfig({ ...mine, REDIS_PASSWORD: "p" }, worktree).redis)).toMatchObject({ password: "p" });
});

test("a password file has one line, and its end of line does not count", async () => {
	const { directory } = await places({});
	const file = join(directory, "password");
	await writeFile(file, `${secret}\n`);

	const { redis } = readConfig({ REDIS_HOST: "h", REDIS_PASSWORD_FILE: file }, undefined);
	expect(redis?.password?.reveal()).toBe(secret);
});

test("what is broken in the user's file is said without quoting it", async () => {
	const { directory, environment } = await places({});
	await writeFile(join(directory, "config", "udo", "config.json"), `{"redis": {"password": "${secret}" "host": "h"}}`);

	const error = refusal(() => readConfig(environment, undefined));
	expect(error.message).toContain("is not valid JSON");
	expect(inspect(error, { depth: 10 })).not.toContain(secret);
});

test("no password shows in the settings, however they are printed", async () => {
	const environment = { REDIS_URL: `rediss://u:${secret}@h`, REDIS_SENTINEL_PASSWORD: secret, HOME: "/nonexistent" };
	const config = readConfig(environment, undefined);
	const shown = showSettings(environment, undefined);

	expect(inspect(config, { depth: 10, showHidden: true })).not.toContain(secret);
	expect(`${JSON.stringify(config)} ${JSON.stringify(shown)} ${config.redis?.password}`).not.toContain(secret);
	expect(shown.find(({ key }) => key === "redis.url")).toMatchObject({ value: "h:6379", source: "environment" });
});

test("udo config shows where Redis is, where each value came from, and of a password that it is set", async () => {
	await using sandbox = await Sandbox.create();
	await writeFile(join(sandbox.repository, "udo.config.json"), '{"redis": {"host": "redis.team", "db": 3}}');
	const config = join(sandbox.directory, "home", ".config", "udo");
	await mkdir(config, { recursive: true });
	await writeFile(join(config, "config.json"), `{"redis": {"host": "redis.team", "password": "${secret}"}}`);
	await chmod(join(config, "config.json"), 0o600);

	const { code, stdout } = await sandbox.udo(["config"]);
	expect(code).toBe(0);
	expect(stdout).toMatch(/^redis\.host +redis\.team:6379 +udo\.config\.json +REDIS_HOST +the team's Redis$/m);
	expect(stdout).toMatch(/^redis\.db +3 +udo\.config\.json/m);
	expect(stdout).toMatch(/^redis\.password +\(set\) +user config/m);
	expect(stdout + (await sandbox.udo(["config", "--json"])).stdout).not.toContain(secret);
});

async function places(files: { readonly project?: unknown; readonly user?: unknown }) {
	const directory = await mkdtemp(join(tmpdir(), "udo-settings-"));
	onTestFinished(() => rm(directory, { recursive: true, force: true }));
	const worktree = join(directory, "work");
	await mkdir(join(directory, "config", "udo"), { recursive: true });
	await mkdir(worktree);
	if (files.project !== undefined) await writeFile(join(worktree, "udo.config.json"), JSON.stringify(files.project));
	if (files.user !== undefined)
		await writeFile(join(directory, "config", "udo", "config.json"), JSON.stringify(files.user));
	return { directory, worktree, environment: { HOME: directory, XDG_CONFIG_HOME: join(directory, "config") } };
}

function flat(redis: ReturnType<typeof readConfig>["redis"]) {
	if (redis?.topology.kind !== "standalone") throw new Error(`no address in ${inspect(redis)}`);
	const { kind, ...address } = redis.topology.address;
	return {
		...address,
		db: redis.db,
		...(redis.username !== undefined && { username: redis.username }),
		...(redis.password !== undefined && { password: redis.password.reveal() }),
		...(redis.tls !== undefined && { tls: true }),
	};
}

function refusal(read: () => unknown): UdoError {
	try {
		read();
	} catch (error) {
		if (error instanceof UdoError) return error;
		throw error;
	}
	throw new Error("it was not refused");
}
