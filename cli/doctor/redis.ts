import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import type { RedisSettings, RedisTls, TcpAddress } from "../../server/store/redis/settings.ts";
import type { Finding } from "./finding.ts";

const oldestMajor = 7;
const pings = 5;

// Times are told in ms left, so that clocks only matter to people who compare logs.
const muchSkewMs = 2_000;
const muchLagS = 5;

/** Whether the team's Redis can be used by a project, is safe to keep locks in, and what happens while it cannot. */
export async function inspectRedis(settings: RedisSettings, project: string): Promise<readonly Finding[]> {
	const findings = await inspect(settings, project);
	const cli = cliOf(settings);
	return findings.map(({ next, ...finding }) => ({
		...finding,
		...(next !== undefined && { next: next.replaceAll(/\bredis-cli (?!-)/g, `${cli} `) }),
	}));
}

async function inspect(settings: RedisSettings, project: string): Promise<readonly Finding[]> {
	await using connection = RedisConnection.open(settings, { connectMs: 3_000, commandMs: 3_000, scripts: {} });
	const server = new Server(connection, `udo:project:{${project}}:boot`);
	try {
		await connection.ready();
		await server.ask("ping");
	} catch (error) {
		return [away(settings, error)];
	}
	const info = await server.tryAsk("info");
	if (info === undefined)
		return [
			await inspectAnswer(server, settings, undefined),
			forbidden(settings, "info", "its version, persistence and replicas"),
		];
	return [
		await inspectAnswer(server, settings, info),
		...inspectTopology(settings, info),
		...(await inspectPersistence(server, info)),
		...inspectEviction(info),
		...inspectReplicas(settings, info),
		await inspectClock(server, settings),
	];
}

/** The node that keeps the project, for commands that may not be allowed. */
class Server {
	readonly #connection: RedisConnection;
	readonly #key: string;

	constructor(connection: RedisConnection, key: string) {
		this.#connection = connection;
		this.#key = key;
	}

	get name(): string {
		return showText(this.#connection.server, 120);
	}

	ask(command: string, ...args: readonly string[]): Promise<unknown> {
		return this.#connection.ask(this.#key, command, ...args);
	}

	/** The answer as text, lines for a list; undefined when Redis does not let this user ask. */
	async tryAsk(command: string, ...args: readonly string[]): Promise<string | undefined> {
		try {
			const answer = await this.ask(command, ...args);
			return Array.isArray(answer) ? answer.join("\n") : String(answer);
		} catch (error) {
			if (error instanceof UdoError && /no permissions|unknown (sub)?command/i.test(error.why ?? "")) return undefined;
			throw error;
		}
	}
}

async function inspectAnswer(server: Server, settings: RedisSettings, info: string | undefined): Promise<Finding> {
	const version = info === undefined ? undefined : field(info, "redis_version");
	const tripMs = await roundTrip(server);
	const message = [
		`redis: ${server.name}`,
		...(version === undefined ? [] : [`Redis ${showText(version, 20)}`]),
		settings.topology.kind,
		`as ${showText(settings.username ?? "default", 60)}${settings.password === undefined ? " without a password" : ""}`,
		encryption(settings),
		`answers in ${tripMs.toFixed(1)} ms`,
	].join(", ");
	if (version === undefined || Number.parseInt(version, 10) >= oldestMajor) return ok(message);
	return { ...failure(`${message}: udo needs Redis ${oldestMajor}.0`), next: "install a newer Redis there" };
}

function encryption({ topology, tls }: RedisSettings): string {
	if (tls !== undefined) return "over TLS";
	return topology.kind === "standalone" && topology.address.kind === "unix" ? "over a unix socket" : "not encrypted";
}

async function roundTrip(server: Server): Promise<number> {
	const times: number[] = [];
	while (times.length < pings) {
		const start = performance.now();
		await server.ask("ping");
		times.push(performance.now() - start);
	}
	return times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
}

function inspectTopology({ topology }: RedisSettings, info: string): readonly Finding[] {
	const isCluster = field(info, "cluster_enabled") === "1";
	if (isCluster && topology.kind !== "cluster")
		return [{ ...failure("redis: it is a node of a cluster, which needs REDIS_CLUSTER"), next: "udo config" }];
	if (!isCluster && topology.kind === "cluster")
		return [{ ...failure("redis: it is no node of a cluster, but REDIS_CLUSTER names it"), next: "udo config" }];
	if (field(info, "role") === "master") return [];
	const master = `${field(info, "master_host")}:${field(info, "master_port")}`;
	return [
		{
			...failure(`redis: it is a replica of ${showText(master, 120)}: nothing can be locked there`),
			next: "udo config",
		},
	];
}

async function inspectPersistence(server: Server, info: string): Promise<readonly Finding[]> {
	if (field(info, "aof_enabled") !== "1") {
		return [
			{
				...warning("redis: it keeps no log on disk (appendonly no): when it crashes all locks are forgotten"),
				next: "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG SET appendfsync always",
			},
		];
	}
	if (field(info, "aof_last_write_status") === "err")
		return [{ ...failure("redis: it cannot write its log to disk"), next: "redis-cli INFO persistence" }];
	const sync = (await server.tryAsk("config", "get", "appendfsync"))?.split("\n")[1];
	if (sync === undefined) return [ok("redis: keeps a log on disk; how often it is synced may not be asked (CONFIG)")];
	if (sync === "always") return [ok("redis: keeps a log on disk, synced at every write")];
	const lost = sync === "everysec" ? "the last second's locks" : "the last locks";
	return [
		{
			level: sync === "everysec" ? "ok" : "warning",
			check: "redis",
			message: `redis: keeps a log on disk, appendfsync ${showText(sync, 20)}: a power cut forgets ${lost}`,
			...(sync !== "everysec" && { next: "redis-cli CONFIG SET appendfsync everysec" }),
		},
	];
}

function inspectEviction(info: string): readonly Finding[] {
	const policy = field(info, "maxmemory_policy");
	if (policy === undefined || policy === "noeviction") return [];
	return [
		{
			...warning(`redis: it may throw locks away when memory is short (maxmemory-policy ${showText(policy, 30)})`),
			next: "redis-cli CONFIG SET maxmemory-policy noeviction",
		},
	];
}

function inspectReplicas({ topology }: RedisSettings, info: string): readonly Finding[] {
	const written = Number(field(info, "master_repl_offset") ?? 0);
	const replicas = [...info.matchAll(/^slave\d+:(.*)$/gm)].map(([, text = ""]) => ({
		state: /state=(\w+)/.exec(text)?.[1],
		lagS: Number(/lag=(\d+)/.exec(text)?.[1] ?? 0),
		behind: Math.max(0, written - Number(/offset=(\d+)/.exec(text)?.[1] ?? 0)),
	}));
	if (replicas.length === 0) {
		if (topology.kind !== "sentinel") return [];
		return [
			{ ...warning("redis: the master has no replica that could take over"), next: "redis-cli INFO replication" },
		];
	}
	const bytes = Math.max(...replicas.map(({ behind }) => behind));
	const lagS = Math.max(...replicas.map(({ lagS }) => lagS));
	const offline = replicas.filter(({ state }) => state !== "online").length;
	const message = `redis: ${replicas.length === 1 ? "1 replica" : `${replicas.length} replicas`}, at most ${bytes} bytes behind, heard of ${lagS} s ago`;
	if (offline === 0 && lagS <= muchLagS) return [ok(message)];
	const why = offline > 0 ? `${offline} still being filled` : "not following";
	return [
		{ ...warning(`${message}, ${why}: branch and database locks wait for them`), next: "redis-cli INFO replication" },
	];
}

async function inspectClock(server: Server, settings: RedisSettings): Promise<Finding> {
	const start = Date.now();
	const [seconds, microseconds] = (await server.tryAsk("time"))?.split("\n").map(Number) ?? [];
	if (seconds === undefined || microseconds === undefined) return forbidden(settings, "time", "its clock");
	const skewMs = Math.round((start + Date.now()) / 2 - (seconds * 1000 + microseconds / 1000));
	const amount = Math.abs(skewMs) < 1000 ? `${Math.abs(skewMs)} ms` : `${(Math.abs(skewMs) / 1000).toFixed(1)} s`;
	const message = `redis: the clock here is ${amount} ${skewMs < 0 ? "behind" : "ahead of"} its`;
	if (Math.abs(skewMs) <= muchSkewMs) return ok(message);
	return { ...warning(`${message}; times in the log will confuse people`), next: "timedatectl status" };
}

function away(settings: RedisSettings, error: unknown): Finding {
	if (!(error instanceof UdoError)) throw error;
	const meanwhile =
		"until it is back, file and project locks hold on this machine only, branch, database and exclusive locks are refused";
	return {
		...failure(`redis: ${error.message}: ${(error.why ?? "").replace(/\.$/, "")}; ${meanwhile}`),
		next: error.next === undefined || error.next === "udo doctor" ? probe(settings) : error.next,
	};
}

function probe({ topology, tls }: RedisSettings): string {
	switch (topology.kind) {
		case "standalone":
			return "redis-cli PING";
		case "sentinel":
			return `${cliAt(topology.sentinels[0], tls)} SENTINEL get-master-addr-by-name ${shellWord(topology.name)}`;
		case "cluster":
			return "redis-cli CLUSTER INFO";
	}
}

// The server that is meant, not whichever listens on this machine; behind sentinels it is for the reader to find.
function cliOf({ topology, tls }: RedisSettings): string {
	switch (topology.kind) {
		case "standalone":
			return topology.address.kind === "unix"
				? `redis-cli -s ${shellWord(topology.address.path)}`
				: cliAt(topology.address, tls);
		case "sentinel":
			return "redis-cli";
		case "cluster":
			return cliAt(topology.nodes[0], tls);
	}
}

// Without the password: redis-cli asks for it with --askpass.
function cliAt(address: TcpAddress | undefined, tls: RedisTls | undefined): string {
	if (address === undefined) return "redis-cli";
	const ca = tls?.ca === undefined ? "" : ` --cacert ${shellWord(tls.ca.path)}`;
	return `redis-cli -h ${shellWord(address.host)} -p ${address.port}${tls === undefined ? "" : ` --tls${ca}`}`;
}

function forbidden({ username }: RedisSettings, command: string, what: string): Finding {
	return {
		...warning(`redis: ${what} may not be asked: its user has no right to ${command.toUpperCase()}`),
		next: `redis-cli ACL SETUSER ${shellWord(username ?? "default")} +${command}`,
	};
}

function field(info: string, name: string): string | undefined {
	return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1];
}

function ok(message: string): Finding {
	return { check: "redis", level: "ok", message };
}

function warning(message: string): Finding {
	return { check: "redis", level: "warning", message };
}

function failure(message: string): Finding {
	return { check: "redis", level: "failure", message };
}
