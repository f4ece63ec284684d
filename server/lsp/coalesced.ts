import { background } from "../coordination/background.ts";

/** Work that is asked for often and done once: soon after the first asking, never twice at a time. */
export class Coalesced {
	readonly #work: () => Promise<void>;
	readonly #restMs: number;
	/** When the work ended the last few times, oldest first; as many as may follow each other without a rest. */
	readonly #ended: number[];
	#timer: NodeJS.Timeout | undefined;
	#dueAt = 0;
	#running: Promise<void> | undefined;
	#isDueAgain = false;
	#isStopped = false;

	/** `restMs`: the least time from the end of the work to its next start, on average over `burst` times. */
	constructor(work: () => Promise<void>, restMs = 0, burst = 1) {
		this.#work = work;
		this.#restMs = restMs * burst;
		this.#ended = new Array<number>(burst).fill(Number.NEGATIVE_INFINITY);
	}

	/** Does the work in `inMs`, or after the rest; an earlier asking stands. Does not keep the process alive. */
	ask(inMs: number): void {
		if (this.#isStopped) return;
		const now = performance.now();
		const [firstEnded = 0] = this.#ended;
		const dueAt = Math.max(now + inMs, firstEnded + this.#restMs);
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
			this.#ended.shift();
			this.#ended.push(performance.now());
			if (this.#isDueAgain) this.ask(0);
			this.#isDueAgain = false;
		});
		background(this.#running);
	}
}
