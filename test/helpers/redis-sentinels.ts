import { freePort, RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

/** Two real servers, one a replica of the other, and three sentinels that promote it when the first is away for a second. */
export class RedisSentinels implements AsyncDisposable {
	readonly name = "team";
	readonly servers: readonly [RedisServer, RedisServer];
	readonly sentinels: readonly RedisServer[];

	private constructor(servers: readonly [RedisServer, RedisServer], sentinels: readonly RedisServer[]) {
		this.servers = servers;
		this.sentinels = sentinels;
	}

	/** Resolves when the replica follows and the sentinels know of it and of each other. */
	static async start(options: { readonly downAfterMs?: number } = {}): Promise<RedisSentinels> {
		const { downAfterMs = 1000 } = options;
		const started: RedisServer[] = [];
		try {
			const start = async (server: Promise<RedisServer>) => {
				started.push(await server);
				return server;
			};
			const master = await start(RedisServer.start({ tcp: true }));
			const replica = await start(RedisServer.start({ tcp: true, replicaOf: master }));
			const configuration = [
				`sentinel monitor team ${master.host} ${master.port} 2`,
				`sentinel down-after-milliseconds team ${downAfterMs}`,
				"sentinel failover-timeout team 4000",
				"sentinel parallel-syncs team 1",
			];
			const sentinels: RedisServer[] = [];
			while (sentinels.length < 3)
				sentinels.push(await start(RedisServer.start({ mode: "sentinel", port: await freePort(), configuration })));
			const group = new RedisSentinels([master, replica], sentinels);
			await group.whole();
			return group;
		} catch (error) {
			for (const server of started) await server[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** `host:port,host:port`, as REDIS_SENTINELS has it. */
	get addresses(): string {
		return this.sentinels.map(({ host, port }) => `${host}:${port}`).join(",");
	}

	/** The server that the sentinels call the master now. */
	async master(): Promise<RedisServer> {
		const [sentinel] = this.sentinels;
		const address = await sentinel?.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", this.name);
		const port = Array.isArray(address) ? address[1] : undefined;
		const master = this.servers.find((server) => server.port === Number(port));
		if (master === undefined) throw new Error(`the sentinels name an unknown master: ${port}`);
		return master;
	}

	/**
	 * Resolves when the other server follows the master, and the sentinels could replace it. A killed master that comes back
	 * is made to follow after ten seconds.
	 */
	async whole(): Promise<void> {
		// A sentinel that makes a server a replica also ends its connections.
		await until(
			() => this.#state().catch(String),
			(state) => state === "whole",
			60_000,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const server of [...this.sentinels, ...this.servers]) await server[Symbol.asyncDispose]();
	}

	async #state(): Promise<string> {
		for (const sentinel of this.sentinels) {
			const info = String(await sentinel.command("INFO", "sentinel"));
			if (!/status=ok,.*slaves=1,sentinels=3/.test(info)) return info;
		}
		const master = await this.master();
		const replica = this.servers.find((server) => server !== master);
		const state = `${await replica?.info("role")} ${await replica?.info("master_link_status")}`;
		return state === "slave up" ? "whole" : state;
	}
}
