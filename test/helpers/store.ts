import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../server/coordination/clock.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";

/** A kind of store as the contract's tests see it: empty when opened. */
export interface StoreHarness {
	readonly name: string;
	/** A store whose time stands still, except when it is told to pass. */
	open(): Promise<SteppedStore>;
	/** A store in real time that several may connect to, as processes do. */
	openLive(): Promise<LiveStore>;
}

export interface SteppedStore extends AsyncDisposable {
	readonly store: Store;
	advance(ms: number): Promise<void>;
}

export interface LiveStore extends AsyncDisposable {
	/** Another connection to the same truth; closed with it. */
	connect(): Promise<Store>;
}

/** Every store that must keep the contract. */
export const stores: readonly StoreHarness[] = [
	{
		name: "local",
		async open() {
			const directory = await temporaryDirectory();
			const clock = new SteppedClock();
			const store = await openLocalStore({ directory, clock });
			return {
				store,
				async advance(ms) {
					clock.advance(ms);
				},
				async [Symbol.asyncDispose]() {
					await store[Symbol.asyncDispose]();
					await rm(directory, { recursive: true, force: true });
				},
			};
		},
		async openLive() {
			const directory = await temporaryDirectory();
			const connections: Store[] = [];
			return {
				async connect() {
					const store = await openLocalStore({ directory });
					connections.push(store);
					return store;
				},
				async [Symbol.asyncDispose]() {
					for (const store of connections) await store[Symbol.asyncDispose]();
					await rm(directory, { recursive: true, force: true });
				},
			};
		},
	},
];

/** A new directory that nobody else uses. The caller removes it. */
export function temporaryDirectory(): Promise<string> {
	return mkdtemp(join(tmpdir(), "udo-store-"));
}

/** Stands still unless it is told to go on. */
export class SteppedClock implements Clock {
	#now = 1000;

	now(): number {
		return this.#now;
	}

	advance(ms: number): void {
		this.#now += ms;
	}
}
