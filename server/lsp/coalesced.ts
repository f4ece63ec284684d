import { background } from "../coordination/background.ts";

/** Work that is asked for often and done once: soon after the first asking, never twice at a time. */
export class Coalesced {
	readonly #work: () => Promise<void>;
	readonly #restMs: number;
	#restsUntil = 0;
	#timer: NodeJS.Timeout | undefined;
	#dueAt = 0;
	#running: Promise<void> | undefined;
	#isDueAgain = false;
	#isStopped = false;

	/** `restMs`: the least time from the end of the work to its next start. */
	constructor(work: () => Promise<void>, restMs = 0) {
		this.#work = work;
		this.#restMs = restMs;
	}

	/** Does the work in `inMs`, or after the rest; an earlier asking stands. Does not keep the process alive. */
	ask(inMs: number): void {
		if (this.#isStopped) return;
		const now = performance.now();
		const dueAt = Math.max(now + inMs, this.#restsUntil);
		if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
		clearTimeout(this.#timer);
		this.#dueAt = dueAt;
		this.#timer = setTimeout(() => this.#start(), dueAt - now);
		this.#timer.unref();
	}

	/** Resolves when what runs now is done; afterwards nothing is done any more. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		clearTimeout(this.#timer);
		await this.#running?.catch(() => {});
	}

	#start(): void {
		this.#timer = undefined;
		if (this.#running !== undefined) {
			this.#isDueAgain = true;
			return;
		}
		this.#running = this.#work().finally(() => {
			this.#running = undefined;
			this.#restsUntil = performance.now() + this.#restMs;
			if (this.#isDueAgain) this.ask(0);
			this.#isDueAgain = false;
		});
		background(this.#running);
	}
}
