import { Bell, hearBell } from "./bell.ts";

// Under load a listener is called so often at most: a hundred of them must not spend the machine on being told.
const restMs = 20;

/** Rings when the database has changed, in this or another process. */
export class Doorbell implements Disposable {
	readonly #path: string;
	readonly #bell: Bell;
	readonly #version: () => string | undefined;
	readonly #listeners = new Set<() => void>();
	#hearing: Disposable | undefined;
	#rest: NodeJS.Timeout | undefined;
	#seen: string | undefined;

	/** `version` answers something else after every commit of any process; undefined when it cannot tell. */
	constructor(path: string, version: () => string | undefined) {
		this.#path = path;
		this.#bell = new Bell(path);
		this.#version = version;
	}

	/** Tells the listeners in all processes that something was committed. */
	ring(): void {
		this.#bell.ring();
	}

	/** Calls back after every change until disposed, several changes in a row together. Does not keep the process alive. */
	listen(listener: () => void): Disposable {
		this.#listeners.add(listener);
		if (this.#listeners.size === 1) {
			this.#seen = this.#version();
			this.#hear();
		}
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
		this.#bell[Symbol.dispose]();
	}

	#hear(): void {
		this.#hearing = hearBell(this.#path, () => this.#look());
		this.#look();
	}

	// While it rests it does not watch either: being woken is most of what a ring costs.
	#look(): void {
		const version = this.#version();
		if (version === undefined || version === this.#seen) return;
		this.#seen = version;
		this.#stop();
		this.#rest = setTimeout(() => this.#hear(), restMs).unref();
		for (const listener of [...this.#listeners]) listener();
	}

	#stop(): void {
		clearTimeout(this.#rest);
		this.#hearing?.[Symbol.dispose]();
		this.#hearing = undefined;
	}
}
