import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RequestId } from "../../coordination/lock.ts";
import { hearBell, removeBell, ringBell } from "./bell.ts";

/** What has become of a request. */
export type Fate = "granted" | "over";

/**
 * A bell for each request that somebody waits for or relies on. With one bell for all, every step of a busy queue would wake
 * all who wait in it: a hundred waiters took two cores and ten seconds to be served, or were not served at all.
 */
export class RequestBells {
	readonly #directory: string;

	constructor(stateDirectory: string) {
		this.#directory = join(stateDirectory, "bells");
	}

	/** Calls back soon after what has become of a request may have changed, until disposed. */
	listen(request: RequestId, listener: () => void): Disposable {
		const path = this.#pathOf(request);
		const bell = hearBell(path, listener);
		return {
			[Symbol.dispose]() {
				bell[Symbol.dispose]();
				removeBell(path);
			},
		};
	}

	ring(request: RequestId, fate: Fate): void {
		const path = this.#pathOf(request);
		if (fate === "granted") ringBell(path);
		else removeBell(path);
	}

	/** Forgets the bells of processes that are gone. */
	clear(): void {
		rmSync(this.#directory, { recursive: true, force: true });
	}

	#pathOf(request: RequestId): string {
		return join(this.#directory, createHash("sha256").update(request).digest("hex").slice(0, 32));
	}
}
