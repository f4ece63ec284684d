import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../server/coordination/clock.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";

/** A kind of store as the contract's tests see it: empty when opened, and its time passes when they say so. */
export interface StoreHarness {
	readonly name: string;
	open(): Promise<OpenedStore>;
}

export interface OpenedStore extends AsyncDisposable {
	readonly store: Store;
	advance(ms: number): Promise<void>;
}

const localStore: StoreHarness = {
	name: "local",
	async open() {
		const directory = await mkdtemp(join(tmpdir(), "udo-store-"));
		const clock = new TestClock();
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
};

/** Every store that must keep the contract. */
export const stores: readonly StoreHarness[] = [localStore];

/** Stands still unless it is told to go on. */
export class TestClock implements Clock {
	#now = 1000;

	now(): number {
		return this.#now;
	}

	advance(ms: number): void {
		this.#now += ms;
	}
}
