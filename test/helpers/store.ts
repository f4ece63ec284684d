import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";
import { hasRedis } from "./redis-server.ts";
import { redisStores } from "./redis-store.ts";
import { SteppedClock } from "./stepped-clock.ts";
import type { StoreHarness } from "./store-harness.ts";

const local: StoreHarness = {
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
};

/** Every store that must keep the contract, as far as this machine can run it. */
export const stores: readonly StoreHarness[] = hasRedis ? [local, ...redisStores] : [local];

/** A new directory that nobody else uses. The caller removes it. */
export function temporaryDirectory(): Promise<string> {
	return mkdtemp(join(tmpdir(), "udo-store-"));
}

/** As temporaryDirectory, removed with all that is in it when it is disposed of. */
export async function disposableDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await temporaryDirectory();
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
