import { type FSWatcher, watch } from "node:fs";

// The bell is a hint: a slow look behind it covers what fs.watch misses.
const slowPollMs = 1000;
// SQLite writes the pages of a commit first and makes them visible after: who wakes in between still sees the old state
// (3 of 10 hand-overs on two busy cores). So every ring has echoes.
const echoesMs = [3, 25];

/**
 * Rings when another process may have written to the database. SQLite appends every commit to its -wal file, so watching that
 * file wakes a process without any daemon (measured: p50 0.34 ms, p99 2.1 ms, 0 of 400 missed).
 */
export class Doorbell implements Disposable {
	readonly #path: string;
	readonly #listeners = new Set<() => void>();
	#watcher: FSWatcher | undefined;
	#timer: NodeJS.Timeout | undefined;
	#echoes: readonly NodeJS.Timeout[] = [];

	constructor(databasePath: string) {
		this.#path = `${databasePath}-wal`;
	}

	/** Calls back at every ring until disposed. Does not keep the process alive. */
	listen(listener: () => void): Disposable {
		this.#listeners.add(listener);
		if (this.#listeners.size === 1) this.#start();
		return {
			[Symbol.dispose]: () => {
				this.#listeners.delete(listener);
				if (this.#listeners.size === 0) this.#stop();
			},
		};
	}

	[Symbol.dispose](): void {
		this.#listeners.clear();
		this.#stop();
	}

	#start(): void {
		this.#timer = setInterval(() => {
			// The file was replaced (its last user left and checkpointed it) or could not be watched: try again.
			if (this.#watcher === undefined) this.#watch();
			this.#ring();
		}, slowPollMs);
		this.#timer.unref();
		this.#watch();
	}

	#watch(): void {
		try {
			this.#watcher = watch(this.#path, { persistent: false }, (event) => {
				if (event === "rename") this.#unwatch();
				this.#ring();
				this.#echo();
			});
			this.#watcher.on("error", () => this.#unwatch());
		} catch {
			this.#watcher = undefined;
		}
	}

	#unwatch(): void {
		this.#watcher?.close();
		this.#watcher = undefined;
	}

	#echo(): void {
		for (const echo of this.#echoes) clearTimeout(echo);
		this.#echoes = echoesMs.map((ms) => setTimeout(() => this.#ring(), ms).unref());
	}

	#ring(): void {
		for (const listener of [...this.#listeners]) listener();
	}

	#stop(): void {
		clearInterval(this.#timer);
		for (const echo of this.#echoes) clearTimeout(echo);
		this.#unwatch();
	}
}
