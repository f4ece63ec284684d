import { freePort, RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

const slots = 16_384;
const busOffset = 10_000;
const nodeTimeoutMs = 1500;

/** First slot, last slot, then the master's host and port. */
type SlotRange = readonly [number, number, readonly [string, number]];

/** A real Redis Cluster of masters on 127.0.0.1, each with so many replicas. */
export class RedisCluster implements AsyncDisposable {
	/** In the order of their slots. */
	readonly masters: readonly RedisServer[];
	/** The replicas of each master, all in one list. */
	readonly replicas: readonly RedisServer[];

	private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
		this.masters = masters;
		this.replicas = replicas;
	}

	/** Resolves when every node knows that the cluster is whole. */
	static async start(
		options: { readonly masters?: number; readonly replicasEach?: number } = {},
	): Promise<RedisCluster> {
		const { masters = 3, replicasEach = 0 } = options;
		const nodes: RedisServer[] = [];
		try {
			while (nodes.length < masters * (1 + replicasEach)) nodes.push(await startNode());
			const cluster = new RedisCluster(nodes.slice(0, masters), nodes.slice(masters));
			await cluster.#join();
			return cluster;
		} catch (error) {
			for (const node of nodes) await node[Symbol.asyncDispose]();
			throw error;
		}
	}

	get nodes(): readonly RedisServer[] {
		return [...this.masters, ...this.replicas];
	}

	/** `host:port,host:port`, as REDIS_CLUSTER has it. */
	get addresses(): string {
		return this.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
	}

	/** The node that serves a key now. */
	async ownerOf(key: string): Promise<RedisServer> {
		const slot = Number(await this.masters[0]?.command("CLUSTER", "KEYSLOT", key));
		for (const node of this.nodes) {
			const ranges = (await node.command("CLUSTER", "SLOTS").catch(() => [])) as SlotRange[];
			const range = ranges.find(([first, last]) => slot >= first && slot <= last);
			const owner = this.nodes.find(({ port }) => port === range?.[2][1]);
			if (owner !== undefined) return owner;
		}
		throw new Error(`no node serves ${key}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const node of this.nodes) await node[Symbol.asyncDispose]();
	}

	async #join(): Promise<void> {
		const [first] = this.masters;
		for (const [i, master] of this.masters.entries()) {
			const from = Math.floor((i * slots) / this.masters.length);
			const to = Math.floor(((i + 1) * slots) / this.masters.length) - 1;
			await master.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
			await master.command("CLUSTER", "ADDSLOTSRANGE", from, to);
		}
		for (const node of this.nodes) {
			if (node !== first) await first?.command("CLUSTER", "MEET", node.host, node.port, node.port + busOffset);
		}
		for (const [i, replica] of this.replicas.entries()) {
			const master = this.masters[i % this.masters.length];
			const id = String(await master?.command("CLUSTER", "MYID"));
			await until(async () => String(await replica.command("CLUSTER", "NODES")).includes(id));
			await replica.command("CLUSTER", "REPLICATE", id);
		}
		for (const node of this.nodes) {
			await until(
				async () => String(await node.command("CLUSTER", "INFO")),
				(info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${this.nodes.length}`),
			);
		}
		for (const replica of this.replicas) {
			await until(
				() => replica.info("master_link_status"),
				(status) => status === "up",
			);
		}
	}
}

async function startNode(): Promise<RedisServer> {
	return RedisServer.start({
		port: await freePort(busOffset),
		configuration: [
			"cluster-enabled yes",
			`cluster-node-timeout ${nodeTimeoutMs}`,
			"cluster-config-file nodes.conf",
			// A node that is alone for a moment need not take the others down.
			"cluster-require-full-coverage no",
		],
	});
}
