import { setTimeout as delay } from "node:timers/promises";
import type { ReadStream } from "node:tty";

/** Single keys from a terminal, as they are pressed. */
export class Keys implements Disposable {
	readonly #input: ReadStream;
	readonly #pressed: string[] = [];
	#isEnded = false;
	#wake: () => void = () => {};

	constructor(input: ReadStream) {
		this.#input = input;
		input.setEncoding("utf8").on("data", this.#hear).on("end", this.#end).on("close", this.#end);
		input.setRawMode(true);
		input.resume();
	}

	/** The next key; undefined for Ctrl-C, Ctrl-D and a terminal that is gone. Ctrl-Z stops all of this job, and is answered afterwards. */
	async next(): Promise<string | undefined> {
		for (;;) {
			const key = this.#pressed.shift();
			if (key === "\u001a") {
				await this.lend(stop);
				return key;
			}
			if (key !== undefined) return key === "\u0003" || key === "\u0004" ? undefined : key;
			if (this.#isEnded) return undefined;
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}

	/** Leaves the terminal to somebody else, such as an editor. */
	async lend<Result>(body: () => Promise<Result>): Promise<Result> {
		this.#input.setRawMode(false);
		this.#input.pause();
		try {
			return await body();
		} finally {
			this.#input.setRawMode(true);
			this.#input.resume();
		}
	}

	[Symbol.dispose](): void {
		this.#input.off("data", this.#hear).off("end", this.#end).off("close", this.#end);
		this.#input.setRawMode(false);
		this.#input.pause();
	}

	// Arrows and their like come as one chunk that starts with an escape; they mean nothing here.
	readonly #hear = (text: string): void => {
		if (!text.startsWith("\u001b")) this.#pressed.push(...text);
		this.#wake();
	};

	readonly #end = (): void => {
		this.#isEnded = true;
		this.#wake();
	};
}

// As the terminal does it for others. The signal stops this process within the time; where nobody could continue it, it is passed over.
async function stop(): Promise<void> {
	process.kill(0, "SIGTSTP");
	await delay(50);
}
