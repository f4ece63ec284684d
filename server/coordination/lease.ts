import { background } from "./background.ts";
import { machineClock } from "./clock.ts";
import type { Coordinator } from "./coordinator.ts";
import type { FencingToken, Granted } from "./lock.ts";

const retryMs = 500;
// However long the lease: timers cannot wait for longer than 24 days, and a forgotten one is noticed sooner.
const longestPauseMs = 3_600_000;
const longestTimerMs = 2 ** 31 - 1;

/**
 * A granted lock that is kept for as long as this object lives. It renews the lease; `signal` aborts as soon as the lock is
 * lost (stolen, expired, or not renewed until its deadline) and it is never acquired again behind the owner's back.
 */
export class Lease implements AsyncDisposable {
	readonly granted: Granted;
	readonly #coordinator: Coordinator;
	readonly #lost = new AbortController();
	readonly #watching: Disposable;
	#renewal: NodeJS.Timeout | undefined;
	#deadline: NodeJS.Timeout | undefined;
	#failure: unknown;
	#isOver = false;
	#isReleased = false;

	/** `sentAt`: machine clock before the acquire was sent. The deadline counts from there, not from the answer. */
	constructor(coordinator: Coordinator, granted: Granted, sentAt: number) {
		this.#coordinator = coordinator;
		this.granted = granted;
		const look = () => background(this.#look());
		this.#watching = coordinator.store.onRequestChange(coordinator.project, granted.request, look);
		this.#extend(sentAt);
	}

	get token(): FencingToken {
		return this.granted.token;
	}

	/** Aborts when the lock is lost; its reason says why. Never aborts because of `release`. */
	get signal(): AbortSignal {
		return this.#lost.signal;
	}

	/** Gives the lock back, or what is left of it; whoever waits first gets it in the same step. */
	async release(): Promise<void> {
		this.#stop();
		if (this.#isReleased) return;
		this.#isReleased = true;
		await this.#coordinator.store.release(this.#coordinator.project, this.granted.request, "released");
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.release();
	}

	#extend(sentAt: number): void {
		const leftMs = sentAt + this.granted.leftMs - machineClock.now();
		clearTimeout(this.#deadline);
		this.#deadline = setTimeout(
			() => this.#lose("its lease could not be renewed in time", this.#failure),
			Math.min(leftMs, longestTimerMs),
		).unref();
		this.#renewIn(Math.min(this.granted.leftMs / 3, longestPauseMs));
	}

	#renewIn(ms: number): void {
		clearTimeout(this.#renewal);
		this.#renewal = setTimeout(() => background(this.#renew()), ms).unref();
	}

	async #renew(): Promise<void> {
		const { project, store } = this.#coordinator;
		const sentAt = machineClock.now();
		try {
			const isHeld = await store.renew(project, this.granted.request);
			if (this.#isOver) return;
			if (isHeld) this.#extend(sentAt);
			else this.#lose("it was stolen or its lease ran out");
		} catch (error) {
			this.#failure = error;
			if (!this.#isOver) this.#renewIn(retryMs);
		}
	}

	async #look(): Promise<void> {
		if (this.#isOver) return;
		const { project, store } = this.#coordinator;
		try {
			const state = await store.peek(project, this.granted.request);
			if (state !== "granted") this.#lose("it was stolen or its lease ran out");
		} catch (error) {
			// Given back meanwhile, and the store with it.
			if (!this.#isOver) throw error;
		}
	}

	#lose(why: string, cause?: unknown): void {
		if (this.#isOver) return;
		this.#stop();
		this.#lost.abort(new Error(`the lock is lost: ${why}`, { cause }));
	}

	#stop(): void {
		this.#isOver = true;
		clearTimeout(this.#renewal);
		clearTimeout(this.#deadline);
		this.#watching[Symbol.dispose]();
	}
}
