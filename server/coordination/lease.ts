import { background } from "./background.ts";
import { machineClock } from "./clock.ts";
import type { Coordinator } from "./coordinator.ts";
import type { FencingToken, Granted } from "./lock.ts";

const retryMs = 500;

/**
 * A granted lock that is kept for as long as this object lives. It renews the lease; `signal` aborts as soon as the lock is
 * lost (stolen, expired, or not renewable until its deadline) and it is never acquired again behind the owner's back.
 */
export class Lease implements AsyncDisposable {
	readonly granted: Granted;
	readonly #coordinator: Coordinator;
	readonly #lost = new AbortController();
	readonly #watching: Disposable;
	#deadline: number;
	#timer: NodeJS.Timeout | undefined;
	#released = false;

	/** `sentAt`: machine clock before the acquire was sent. The deadline counts from there, not from the answer. */
	constructor(coordinator: Coordinator, granted: Granted, sentAt: number) {
		this.#coordinator = coordinator;
		this.granted = granted;
		this.#deadline = sentAt + granted.leftMs;
		this.#watching = coordinator.store.onChange(() => background(this.#look()));
		this.#schedule(granted.leftMs / 3);
	}

	get token(): FencingToken {
		return this.granted.token;
	}

	/** Aborts when the lock is lost; its reason says why. Never aborts because of `release`. */
	get signal(): AbortSignal {
		return this.#lost.signal;
	}

	/** Gives the lock back; whoever waits first gets it in the same step. */
	async release(): Promise<void> {
		if (this.#released) return;
		this.#stop();
		await this.#coordinator.store.release(this.#coordinator.project, this.granted.request, "released");
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.release();
	}

	#schedule(inMs: number): void {
		clearTimeout(this.#timer);
		const untilDeadline = this.#deadline - machineClock.now();
		this.#timer = setTimeout(() => background(this.#renew()), Math.max(1, Math.min(inMs, untilDeadline)));
		this.#timer.unref();
	}

	async #renew(): Promise<void> {
		const sentAt = machineClock.now();
		try {
			const { project, store } = this.#coordinator;
			if (!(await store.renew(project, this.granted.request))) return this.#lose("somebody else has the lock now");
			this.#deadline = sentAt + this.granted.leftMs;
			if (!this.#released) this.#schedule(this.granted.leftMs / 3);
		} catch (error) {
			if (machineClock.now() >= this.#deadline) return this.#lose("its lease could not be renewed in time", error);
			this.#schedule(retryMs);
		}
	}

	async #look(): Promise<void> {
		if (this.#released) return;
		const { project, store } = this.#coordinator;
		const state = await store.peek(project, this.granted.request);
		if (state !== "granted" && !this.#released) this.#lose("it was stolen or its lease ran out");
	}

	#lose(why: string, cause?: unknown): void {
		if (this.#released || this.#lost.signal.aborted) return;
		this.#stop();
		this.#lost.abort(new Error(`the lock is lost: ${why}`, { cause }));
	}

	#stop(): void {
		this.#released = true;
		clearTimeout(this.#timer);
		this.#watching[Symbol.dispose]();
	}
}
