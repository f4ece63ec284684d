import { createHash } from "node:crypto";
import { StoreUnavailableError } from "../../errors.ts";
import type { Client, ClientTerms } from "./client.ts";
import { Cluster } from "./cluster.ts";
import { explainFailure, LinkError } from "./failure.ts";
import { Node } from "./node.ts";
import { locateMaster } from "./sentinel.ts";
import { type Address, type RedisSettings, showAddress, showServer } from "./settings.ts";
import { Subscriber } from "./subscriber.ts";
import { within } from "./within.ts";

export interface ConnectionOptions {
	/** How long connecting may take; 800 unless told. */
	readonly connectMs?: number;
	/** How long a command may take; 800 unless told. */
	readonly commandMs?: number;
	/** Lua texts by name. */
	readonly scripts: Readonly<Record<string, string>>;
}

/** The key that a step is about is kept by another server than its caller relies on. Nothing was done. */
export class OtherServerError extends Error {
	override readonly name = "OtherServerError";

	constructor() {
		super("another server keeps the key now");
	}
}

/** Of one process, the subscriber's included. */
const mostConnections = 50;

// How long a master is believed to be the master without asking the sentinels, which takes some milliseconds.
const masterTrustMs = 1000;
const promptMs = 200;

// A key moves at most from the node that was asked to its keeper, and once more when a failover happens in between.
const mostRedirections = 3;

/** A team's Redis, wherever it is now: one server, the master that the sentinels name, or the nodes of a cluster. */
export class RedisConnection implements AsyncDisposable {
	/** `redis.example.org:6379`, without secrets. */
	readonly server: string;
	readonly #settings: RedisSettings;
	readonly #terms: Omit<ClientTerms, "address">;
	readonly #scripts: ReadonlyMap<string, { readonly text: string; readonly sha: string }>;
	readonly #place:
		| { readonly kind: "single"; readonly node: Node }
		| { readonly kind: "cluster"; readonly nodes: Cluster };
	readonly #linkListeners = new Set<() => void>();
	#subscriber: Subscriber | undefined;
	#masterSeenAt = 0;
	#checking: Promise<void> | undefined;
	#wasUp = false;

	private constructor(settings: RedisSettings, options: ConnectionOptions) {
		const { topology, db, username, password, tls } = settings;
		this.server = showServer(topology);
		this.#settings = settings;
		this.#terms = {
			db,
			username,
			password,
			tls,
			connectMs: options.connectMs ?? 800,
			commandMs: options.commandMs ?? 800,
		};
		this.#scripts = new Map(
			Object.entries(options.scripts).map(([name, text]) => [
				name,
				{ text, sha: createHash("sha1").update(text).digest("hex") },
			]),
		);
		this.#place =
			topology.kind === "cluster"
				? {
						kind: "cluster",
						nodes: new Cluster(topology.nodes, (address) => this.#nodeAt(showAddress(address), async () => address)),
					}
				: { kind: "single", node: this.#nodeAt(this.server, () => this.#addressNow()) };
	}

	/** Starts to connect, and goes on trying. Does not wait for the server and never rejects because it is away: the first use does. */
	static open(settings: RedisSettings, options: ConnectionOptions): RedisConnection {
		const connection = new RedisConnection(settings, options);
		for (const node of connection.#nodes) node.start();
		return connection;
	}

	/** Whether commands can be sent now; to some node of a cluster. */
	get isUp(): boolean {
		return this.#nodes.some((node) => node.isUp);
	}

	/** Why not, for people (sanitised, without secrets). */
	get trouble(): string | undefined {
		if (this.isUp) return undefined;
		const failure = this.#nodes.map(({ trouble }) => trouble).find((trouble) => trouble !== undefined);
		if (failure === undefined) return undefined;
		const explained = this.#explained(failure);
		return explained instanceof StoreUnavailableError && explained.why !== undefined
			? explained.why.replace(/\.$/, "")
			: explained.message;
	}

	/** Tries now. Resolves when up, or rejects with StoreUnavailableError after at most connectMs. */
	async ready(): Promise<void> {
		try {
			if (this.#place.kind === "single") await this.#place.node.connect();
			else await this.#place.nodes.anyNode((node) => node.connect());
		} catch (error) {
			throw this.#explained(error);
		}
	}

	/**
	 * Runs a script by name at the node that keeps `key`; arguments as ARGV. Rejects with StoreUnavailableError when that node cannot
	 * be used, in time or at all; then the script may have run or not. `isReplicated`: rejects as well when the replicas, if there
	 * are any, did not confirm in time that they have it. `server`: rejects with OtherServerError, and runs nothing, when another
	 * server keeps the key by now.
	 */
	async run(
		script: string,
		key: string,
		args: readonly (string | number | Uint8Array)[],
		options: { readonly isReplicated?: boolean; readonly server?: string } = {},
	): Promise<unknown> {
		const { text, sha } = this.#script(script);
		const evaluate = async (client: Client, leftMs: () => number): Promise<unknown> => {
			const words = [1, key, ...args];
			try {
				return await client.send("evalsha", [sha, ...words], { patienceMs: leftMs() });
			} catch (error) {
				if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
				return client.send("eval", [text, ...words], { patienceMs: leftMs() });
			}
		};
		return this.#at(key, async (node, leftMs) => {
			const checked = async (client: Client) => {
				if (options.server !== undefined && options.server !== (await node.runId(client))) throw new OtherServerError();
				return evaluate(client, leftMs);
			};
			if (options.isReplicated !== true) return checked(await node.client());
			return node
				.alone((client) => replicated(client, leftMs, () => checked(client)))
				.catch((error: unknown) => {
					// In the middle of a failover one connection may lead to the old master and another one to the new.
					if (error instanceof OtherServerError) node.reset(new LinkError("closed", "the master has changed"));
					throw error;
				});
		});
	}

	/** One plain command, at the node of `key`, which comes first in it. */
	async command(name: string, key: string, ...args: (string | number)[]): Promise<unknown> {
		return this.ask(key, name, key, ...args);
	}

	/** One that answers bytes. */
	async commandBuffer(name: string, key: string, ...args: (string | number)[]): Promise<Buffer | null> {
		const answer = await this.#at(key, async (node, leftMs) => {
			const client = await node.client();
			return client.send(name, [key, ...args], { isBinary: true, patienceMs: leftMs() });
		});
		return Buffer.isBuffer(answer) ? answer : null;
	}

	/** One command without a key of its own, such as INFO, at the node of `key`. */
	async ask(key: string, name: string, ...args: (string | number)[]): Promise<unknown> {
		return this.#at(key, async (node, leftMs) => {
			const client = await node.client();
			return client.send(name, args, { patienceMs: leftMs() });
		});
	}

	/** The run id of the server that keeps `key` now, asked once per connection: another one after a restart or a failover. */
	async serverOf(key: string): Promise<string> {
		return this.#at(key, async (node) => node.runId(await node.client()));
	}

	/**
	 * Messages on the given channels. `onGap` is called whenever listening has just begun, for the first time or after the
	 * connection was lost: what was said before may have been missed.
	 */
	listen(
		channels: readonly string[],
		onMessage: (channel: string, message: string) => void,
		onGap: () => void,
	): Disposable {
		this.#subscriber ??= new Subscriber(async () => this.#openClient(await this.#addressNow()), this.#terms.connectMs);
		return this.#subscriber.listen({ channels, onMessage, onGap });
	}

	/** Called whenever isUp changes. */
	onLink(listener: () => void): Disposable {
		this.#linkListeners.add(listener);
		return {
			[Symbol.dispose]: () => {
				this.#linkListeners.delete(listener);
			},
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#linkListeners.clear();
		this.#subscriber?.[Symbol.dispose]();
		if (this.#place.kind === "single") this.#place.node[Symbol.dispose]();
		else this.#place.nodes[Symbol.dispose]();
	}

	get #nodes(): readonly Node[] {
		return this.#place.kind === "single" ? [this.#place.node] : this.#place.nodes.nodes;
	}

	#script(name: string): { readonly text: string; readonly sha: string } {
		const script = this.#scripts.get(name);
		if (script === undefined) throw new Error(`no script is called ${name}`);
		return script;
	}

	// Whatever has to be done for it (connecting, another node, a script that the server forgot), all of it has one deadline.
	async #at<Result>(key: string, body: (node: Node, leftMs: () => number) => Promise<Result>): Promise<Result> {
		const patienceMs = Math.max(this.#terms.connectMs, this.#terms.commandMs);
		const deadline = performance.now() + patienceMs;
		const leftMs = () => Math.min(this.#terms.commandMs, Math.max(1, Math.ceil(deadline - performance.now())));
		try {
			if (this.#place.kind === "single") {
				await this.#checkMaster(this.#place.node);
				return await body(this.#place.node, leftMs);
			}
			return await within(
				patienceMs,
				directed(this.#place.nodes, key, (node) => body(node, leftMs)),
			);
		} catch (error) {
			if (error instanceof OtherServerError) throw error;
			if (isReplica(error)) this.#resetSingle(error);
			throw this.#explained(error);
		}
	}

	// A master that was stopped or cut off, and comes back after its replica was promoted, takes commands for seconds until the
	// sentinels tell it: whoever did not notice that it was away would be granted what somebody else holds.
	async #checkMaster(node: Node): Promise<void> {
		const { topology } = this.#settings;
		if (topology.kind !== "sentinel" || node.peer === undefined) return;
		if (performance.now() - this.#masterSeenAt < masterTrustMs) return;
		this.#checking ??= this.#addressNow()
			.then((address) => {
				this.#masterSeenAt = performance.now();
				const isElsewhere = node.peer !== undefined && node.peer !== showAddress(address);
				if (isElsewhere) node.reset(new LinkError("closed", "the sentinels name another master now"));
			})
			// Without the sentinels there is no failover either.
			.catch(() => {})
			.finally(() => {
				this.#checking = undefined;
			});
		await this.#checking;
	}

	#resetSingle(reason: Error): void {
		if (this.#place.kind === "single") this.#place.node.reset(reason);
	}

	#nodeAt(name: string, locate: () => Promise<Address>): Node {
		return new Node(name, {
			open: async () => {
				const askedAt = performance.now();
				const client = await this.#openClient(await locate());
				// One that took its time to let us in may have been stopped meanwhile, and be the master no more.
				this.#masterSeenAt = performance.now() - askedAt < promptMs ? askedAt : 0;
				return client;
			},
			openMs: this.#terms.connectMs,
			mayGrow: () => this.#size < mostConnections,
			onChange: () => this.#linkChanged(),
		});
	}

	get #size(): number {
		return this.#nodes.reduce((sum, node) => sum + node.size, 1);
	}

	async #addressNow(): Promise<Address> {
		const { topology } = this.#settings;
		if (topology.kind === "standalone") return topology.address;
		if (topology.kind === "sentinel") {
			// A sentinel that stands still must leave enough time to go where the others say.
			const half = Math.ceil(this.#terms.connectMs / 2);
			return locateMaster(topology, { tls: this.#terms.tls, connectMs: half, commandMs: half }, openClient);
		}
		// Every node of a cluster hands every message on.
		const up = this.#nodes.find((node) => node.isUp)?.name;
		const among = topology.nodes.filter((node) => showAddress(node) === up);
		const candidates = among.length > 0 ? among : topology.nodes;
		return candidates[Math.floor(Math.random() * candidates.length)] ?? raise("a cluster without nodes");
	}

	// A little less than whoever waits for it has, who then hears what it was that took so long.
	#openClient(address: Address): Promise<Client> {
		return openClient({ ...this.#terms, address, connectMs: Math.ceil(this.#terms.connectMs * 0.9) });
	}

	#linkChanged(): void {
		if (this.isUp === this.#wasUp) return;
		this.#wasUp = !this.#wasUp;
		for (const listener of [...this.#linkListeners]) listener();
	}

	#explained(error: unknown): Error {
		return explainFailure(error, { settings: this.#settings, server: this.server });
	}
}

async function directed<Result>(nodes: Cluster, key: string, body: (node: Node) => Promise<Result>): Promise<Result> {
	let node = await nodes.nodeOf(key);
	for (let redirections = 0; ; redirections++) {
		try {
			return await body(node);
		} catch (error) {
			const next = nodes.redirected(key, node, error);
			if (next === undefined || redirections === mostRedirections) throw error;
			node = next;
		}
	}
}

// ioredis takes longer to load than a command takes: whoever has no team never loads it.
async function openClient(terms: ClientTerms): Promise<Client> {
	const { Client } = await import("./client.ts");
	return Client.open(terms);
}

/**
 * Runs `body`, then waits until as many replicas have what it wrote as make a majority together with the master: whichever
 * replica a failover promotes, it has been compared with one that knows.
 */
async function replicated(client: Client, leftMs: () => number, body: () => Promise<unknown>): Promise<unknown> {
	const [answer, replication] = await Promise.all([body(), client.send("info", ["replication"])]);
	// Those that are still being filled count, too: they may be promoted before the master knows that they are complete.
	const replicas = Number(/^connected_slaves:(\d+)/m.exec(String(replication))?.[1] ?? 0);
	if (replicas === 0) return answer;
	const needed = Math.floor((replicas + 1) / 2);
	// The answer, also when it is no, has to come before the caller gives up.
	const waitMs = Math.max(1, Math.floor(leftMs() * 0.7));
	const confirmed = Number(await client.send("wait", [needed, waitMs], { patienceMs: leftMs() }));
	if (confirmed >= needed) return answer;
	throw new LinkError("unconfirmed", `${confirmed} of ${replicas} replicas have it after ${waitMs} ms, ${needed} must`);
}

function isReplica(error: unknown): error is Error {
	return error instanceof Error && /^-?(READONLY|MASTERDOWN)/.test(error.message);
}

function raise(message: string): never {
	throw new Error(message);
}
