import type { Node } from "./node.ts";
import { showAddress, type TcpAddress } from "./settings.ts";

// More tags than any machine has projects and sessions; forgetting one costs a redirection.
const rememberedTags = 10_000;

/**
 * Which node of a cluster keeps a key, learnt from the nodes' own redirections (MOVED): whoever is asked first either keeps the
 * key or says who does. Thus a failover or a moved slot needs no watching.
 */
export class Cluster implements Disposable {
	readonly #openNode: (address: TcpAddress) => Node;
	readonly #nodes = new Map<string, Node>();
	readonly #seeds: readonly string[];
	/** Keys with the same part in braces are kept by the same node. */
	readonly #keepers = new Map<string, Node>();

	constructor(seeds: readonly TcpAddress[], openNode: (address: TcpAddress) => Node) {
		this.#openNode = openNode;
		this.#seeds = seeds.map(showAddress);
		for (const seed of seeds) this.#nodes.set(showAddress(seed), openNode(seed));
	}

	get nodes(): readonly Node[] {
		return [...this.#nodes.values()];
	}

	/** The node that keeps a key; it asks when it does not know. Rejects when none is up. */
	async nodeOf(key: string): Promise<Node> {
		const keeper = this.#keepers.get(tagOf(key));
		// A keeper that is away may have lost its slots to its replica, and the others will say so.
		if (keeper !== undefined && (keeper.isUp || keeper.trouble === undefined)) return keeper;
		const node = await this.anyNode((each) => each.client());
		try {
			const client = await node.client();
			await client.send("exists", [key]);
			this.#remember(key, node);
			return node;
		} catch (error) {
			const told = this.redirected(key, node, error);
			if (told === undefined) throw error;
			return told;
		}
	}

	/** Any node that is up, waiting for the first that `reach` reaches. */
	async anyNode(reach: (node: Node) => Promise<unknown>): Promise<Node> {
		return (
			this.nodes.find((node) => node.isUp) ??
			Promise.any(
				this.nodes.map(async (node) => {
					await reach(node);
					return node;
				}),
			)
		);
	}

	/** The keeper of a key that a failure at `node` names, if it names one: it is to be asked instead. */
	redirected(key: string, node: Node, error: unknown): Node | undefined {
		const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : "") ?? [];
		if (host === undefined) return undefined;
		// An empty host means the one that was asked.
		const address = { kind: "tcp", host: host === "" ? hostOf(node.name) : host, port: Number(port) } as const;
		const name = showAddress(address);
		const keeper = this.#nodes.get(name) ?? this.#openNode(address);
		this.#nodes.set(name, keeper);
		this.#remember(key, keeper);
		this.#forgetStrangers();
		return keeper;
	}

	[Symbol.dispose](): void {
		for (const node of this.#nodes.values()) node[Symbol.dispose]();
	}

	#remember(key: string, keeper: Node): void {
		if (this.#keepers.size >= rememberedTags) this.#keepers.clear();
		this.#keepers.set(tagOf(key), keeper);
	}

	// Nodes that left the cluster would be looked for until the process ends.
	#forgetStrangers(): void {
		const keepers = new Set(this.#keepers.values());
		for (const [name, node] of this.#nodes) {
			if (node.isUp || node.trouble === undefined || keepers.has(node) || this.#seeds.includes(name)) continue;
			node[Symbol.dispose]();
			this.#nodes.delete(name);
		}
	}
}

/** The part of a key that decides which node keeps it. */
function tagOf(key: string): string {
	return /\{([^}]+)\}/.exec(key)?.[1] ?? key;
}

function hostOf(name: string): string {
	return name.slice(0, name.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
