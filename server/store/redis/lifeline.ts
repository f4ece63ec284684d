import type { Client } from "./client.ts";
import { LinkError } from "./failure.ts";
import { within } from "./within.ts";

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/**
 * Keeps one connection open: opens it, and again whenever it was lost, after pauses that grow from 50 ms to 2 s and are random,
 * so that a thousand processes do not come back in one instant. Does not keep the process alive.
 */
export class Lifeline implements Disposable {
	readonly #open: () => Promise<Client>;
	readonly #patienceMs: number;
	readonly #onChange: () => void;
	#client: Client | undefined;
	#attempt: Promise<Client> | undefined;
	#timer: NodeJS.Timeout | undefined;
	#failures = 0;
	#trouble: unknown;
	#isClosed = false;

	/** Whoever needs the connection waits so long for it; `onChange` is called whenever `client` or `trouble` has changed. */
	constructor(open: () => Promise<Client>, patienceMs: number, onChange: () => void) {
		this.#open = open;
		this.#patienceMs = patienceMs;
		this.#onChange = onChange;
	}

	/** The connection, while there is one. */
	get client(): Client | undefined {
		return this.#client;
	}

	/** Why there is none; undefined also while nothing has failed yet. */
	get trouble(): unknown {
		return this.#trouble;
	}

	/** The connection; waits for an attempt that is under way, and rejects at once with the last failure between two attempts. */
	async use(): Promise<Client> {
		if (this.#client !== undefined) return this.#client;
		if (this.#attempt === undefined && this.#timer !== undefined) throw this.#trouble;
		return this.connect();
	}

	/** Begins to try, if need be, without anybody waiting for it. */
	start(): void {
		if (this.#client === undefined) this.#attemptNow().catch(() => {});
	}

	/** The connection; without one it tries now, whatever the pause. */
	async connect(): Promise<Client> {
		if (this.#isClosed) throw new LinkError("closed", "the connection was closed here");
		if (this.#client !== undefined) return this.#client;
		return within(this.#patienceMs, this.#attemptNow());
	}

	[Symbol.dispose](): void {
		this.#isClosed = true;
		clearTimeout(this.#timer);
		this.#client?.close();
		this.#client = undefined;
	}

	#attemptNow(): Promise<Client> {
		this.#attempt ??= this.#try();
		return this.#attempt;
	}

	async #try(): Promise<Client> {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		try {
			const client = await this.#open();
			if (this.#isClosed) {
				client.close();
				throw new LinkError("closed", "the connection was closed here");
			}
			this.#client = client;
			this.#trouble = undefined;
			this.#attempt = undefined;
			const openedAt = performance.now();
			client.onEnd((error) => this.#lost(error, performance.now() - openedAt));
			this.#onChange();
			return client;
		} catch (error) {
			this.#attempt = undefined;
			this.#failed(error);
			throw error;
		}
	}

	#lost(error: Error, aliveMs: number): void {
		this.#client = undefined;
		if (this.#isClosed) return;
		// One that is lost as soon as it is open must not be opened in a tight loop.
		if (aliveMs < longestPauseMs) {
			this.#failed(error);
			return;
		}
		this.#failures = 0;
		this.#trouble = error;
		// Most losses are a killed connection or a restart: whoever needs it next waits for this attempt.
		this.#attemptNow().catch(() => {});
		this.#onChange();
	}

	#failed(error: unknown): void {
		if (this.#isClosed) return;
		this.#trouble = error;
		this.#failures += 1;
		const pauseMs = Math.min(firstPauseMs * 2 ** (this.#failures - 1), longestPauseMs);
		this.#timer = setTimeout(
			() => {
				this.#attemptNow().catch(() => {});
			},
			pauseMs * (0.5 + Math.random() / 2),
		).unref();
		this.#onChange();
	}
}
