import { background } from "../background.ts";
import type { Waiting } from "../claim.ts";
import { machineClock } from "../clock.ts";
import type { Coordinator } from "../coordinator.ts";
import type { Blocker } from "../lock.ts";
import { isStopped, type ProcessIdentity } from "../process.ts";
import { isPush } from "../request-name.ts";

const lookMs = 1000;
/** How long a push may be stopped (Ctrl-Z, SIGSTOP) before those behind it go on without it. */
export const stoppedPatienceMs = 5000;

/**
 * Looks after a process that waits to push: says every second where it stands, and passes over a push that has been stopped.
 * The remote's compare-and-swap keeps that safe: whatever was stopped in the middle fails when it goes on, or lands first.
 */
export class PushWatch implements Disposable {
	readonly #coordinator: Coordinator;
	readonly #onWaiting: (waiting: Waiting) => void;
	readonly #timer: NodeJS.Timeout;
	#seen: { readonly waiting: Waiting; readonly at: number } | undefined;
	#stopped: { readonly owner: ProcessIdentity; readonly since: number } | undefined;
	#lookedAt = machineClock.now();

	constructor(coordinator: Coordinator, onWaiting: (waiting: Waiting) => void) {
		this.#coordinator = coordinator;
		this.#onWaiting = onWaiting;
		this.#timer = setInterval(() => background(this.#look()), lookMs);
	}

	/** The place in line has changed. */
	see(waiting: Waiting): void {
		this.#seen = { waiting, at: machineClock.now() };
		this.#onWaiting(waiting);
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#seen = undefined;
	}

	[Symbol.dispose](): void {
		this.stop();
	}

	async #look(): Promise<void> {
		if (this.#seen === undefined) return;
		const now = machineClock.now();
		const sinceMs = now - this.#seen.at;
		const { waiting } = this.#seen;
		const blockers = waiting.blockers.map((blocker) => ({ ...blocker, ageMs: blocker.ageMs + sinceMs }));
		const { waitedMs, leftMs } = waiting;
		this.#onWaiting({ ...waiting, blockers, waitedMs: waitedMs + sinceMs, leftMs: Math.max(0, leftMs - sinceMs) });
		// Whoever was stopped itself has not seen what others did meanwhile.
		if (now - this.#lookedAt > 3 * lookMs) this.#stopped = undefined;
		this.#lookedAt = now;
		const owner = waiting.blockers.find(isStoppedPush)?.owner;
		if (owner === undefined) this.#stopped = undefined;
		else if (this.#stopped === undefined || !isSame(this.#stopped.owner, owner)) this.#stopped = { owner, since: now };
		else if (now - this.#stopped.since >= stoppedPatienceMs) await this.#passOver(owner);
	}

	/** Takes its place and its branches from a push: it stands in line again when it goes on. */
	async #passOver(owner: ProcessIdentity): Promise<void> {
		const { store, project } = this.#coordinator;
		for (const { holds } of await store.locks(project)) {
			for (const hold of holds.filter((each) => isPush(each.request) && isSame(each.owner, owner))) {
				await store.cancel(project, hold.request, "died");
			}
		}
	}
}

/** Whether what stands in the way is a push of this machine whose process has been stopped. */
export function isStoppedPush(blocker: Blocker): boolean {
	return blocker.what === "lock" && isPush(blocker.request) && blocker.owner !== undefined && isStopped(blocker.owner);
}

function isSame(one: ProcessIdentity | undefined, other: ProcessIdentity): boolean {
	return (
		one?.pid === other.pid && one.started === other.started && one.boot === other.boot && one.space === other.space
	);
}
