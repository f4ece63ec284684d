import type { Client } from "./client.ts";
import { Lifeline } from "./lifeline.ts";
import { within } from "./within.ts";

// Redis works on one command at a time, so that a second connection only helps when the first has a long queue.
const crowd = 256;

const spareIdleMs = 5_000;

interface Spare {
	readonly client: Client;
	isTaken: boolean;
	usedAt: number;
}

export interface NodeTerms {
	readonly open: () => Promise<Client>;
	/** How long a command waits for a connection. */
	readonly openMs: number;
	/** Whether there may be one connection more. */
	readonly mayGrow: () => boolean;
	/** Called when `isUp` or `trouble` may have changed. */
	readonly onChange: () => void;
}

/** The connections to one server: one that is kept open, and spare ones while there is much to do. */
export class Node implements Disposable {
	/** `host:port` as the settings or the cluster call it. */
	readonly name: string;
	readonly #terms: NodeTerms;
	readonly #lifeline: Lifeline;
	readonly #runIds = new WeakMap<Client, Promise<string>>();
	#spares: Spare[] = [];
	#opening = 0;
	#sweeper: NodeJS.Timeout | undefined;

	constructor(name: string, terms: NodeTerms) {
		this.name = name;
		this.#terms = terms;
		this.#lifeline = new Lifeline(terms.open, terms.openMs, () => {
			this.#closeSparesElsewhere();
			terms.onChange();
		});
	}

	get isUp(): boolean {
		return this.#lifeline.client !== undefined;
	}

	get trouble(): unknown {
		return this.#lifeline.trouble;
	}

	/** `host:port` of the server that answers: another one after a failover; undefined while there is none. */
	get peer(): string | undefined {
		return this.#lifeline.client?.peer;
	}

	/** How many connections there are, those being opened included. */
	get size(): number {
		return 1 + this.#spares.length + this.#opening;
	}

	/** Begins to connect. */
	start(): void {
		this.#lifeline.start();
	}

	/** Waits until it is up, trying now. */
	async connect(): Promise<void> {
		await this.#lifeline.connect();
	}

	/** The connection with the least to do. Rejects at once while the server is known to be away. */
	async client(): Promise<Client> {
		let least = await this.#lifeline.use();
		for (const spare of this.#spares) {
			if (spare.isTaken || spare.client.inFlight >= least.inFlight) continue;
			least = spare.client;
			spare.usedAt = performance.now();
		}
		if (least.inFlight >= crowd && this.#opening === 0 && this.#terms.mayGrow()) this.#grow().catch(() => {});
		return least;
	}

	/** Lends a connection on which nothing else is sent meanwhile; the common one when no more can be opened. */
	async alone<Result>(body: (client: Client) => Promise<Result>): Promise<Result> {
		const common = await this.#lifeline.use();
		const free = this.#spares.find(({ client, isTaken }) => !isTaken && client.inFlight === 0);
		const spare = free ?? (this.#terms.mayGrow() ? await within(this.#terms.openMs, this.#grow()) : undefined);
		if (spare === undefined) return body(common);
		spare.isTaken = true;
		try {
			return await body(spare.client);
		} finally {
			spare.isTaken = false;
			spare.usedAt = performance.now();
		}
	}

	/** The run id of the server that a connection leads to, asked once. */
	async runId(client: Client): Promise<string> {
		let asked = this.#runIds.get(client);
		if (asked === undefined) {
			asked = client.send("info", ["server"]).then((text) => /^run_id:(\w+)/m.exec(String(text))?.[1] ?? "");
			asked.catch(() => this.#runIds.delete(client));
			this.#runIds.set(client, asked);
		}
		return asked;
	}

	/** Drops all its connections, such as those to a master that has become a replica, and looks for the server anew. */
	reset(reason: Error): void {
		for (const { client } of this.#spares) client.close(reason);
		this.#lifeline.client?.close(reason);
	}

	[Symbol.dispose](): void {
		clearInterval(this.#sweeper);
		this.#lifeline[Symbol.dispose]();
		for (const { client } of this.#spares) client.close();
	}

	async #grow(): Promise<Spare> {
		this.#opening += 1;
		try {
			const client = await this.#terms.open();
			const spare = { client, isTaken: false, usedAt: performance.now() };
			this.#spares.push(spare);
			client.onEnd(() => {
				this.#spares = this.#spares.filter((each) => each !== spare);
			});
			// The newer connection knows where the master is now.
			if (this.#lifeline.client !== undefined && this.#lifeline.client.peer !== client.peer)
				this.#lifeline.client.close();
			this.#sweeper ??= setInterval(() => this.#sweep(), spareIdleMs).unref();
			return spare;
		} finally {
			this.#opening -= 1;
		}
	}

	#sweep(): void {
		for (const { client, isTaken, usedAt } of this.#spares) {
			if (!isTaken && client.inFlight === 0 && performance.now() - usedAt >= spareIdleMs) client.close();
		}
		if (this.#spares.length > 0) return;
		clearInterval(this.#sweeper);
		this.#sweeper = undefined;
	}

	#closeSparesElsewhere(): void {
		const peer = this.#lifeline.client?.peer;
		if (peer === undefined) return;
		for (const { client } of this.#spares) if (client.peer !== peer) client.close();
	}
}
