import { machineClock } from "./clock.ts";
import { type AcquireOptions, type Coordinator, isDead, newRequestId } from "./coordinator.ts";
import type { Acquired, Blocker, Granted, RequestId } from "./lock.ts";
import type { Resource } from "./resource.ts";

// A blocker's process is looked at this often: one /proc read, so that nothing stays with the dead for a second.
const lookMs = 250;
// Notifications are hints; this is what a lost one costs. It also keeps the place in line alive.
const askAgainMs = 1500;

export interface ClaimOptions extends AcquireOptions {
	/** How long to wait in line, in ms; 0 asks once and takes no place. */
	readonly waitMs: number;
	/** Gives up the place in line. */
	readonly signal?: AbortSignal;
	/** Told whenever the place in line may have changed. */
	readonly onWaiting?: (waiting: Waiting) => void;
}

export interface Waiting {
	readonly ahead: number;
	readonly blockers: readonly Blocker[];
	readonly waitedMs: number;
	readonly leftMs: number;
}

export type Claimed =
	/** `sentAt`: machine clock before the request that got it was sent, from which its deadline counts. */
	| { readonly ok: true; readonly granted: Granted; readonly sentAt: number; readonly waitedMs: number }
	| { readonly ok: false; readonly refusal: Refusal; readonly waitedMs: number; readonly aborted: boolean };

export type Refusal = Extract<Acquired, { ok: false }>;

/**
 * Acquires, and waits its turn when somebody else is first. Whatever ends the wait (time, abort, an error) also gives up the
 * place in line and anything that was granted meanwhile: a claim that did not succeed leaves nothing behind.
 */
export async function claim(
	coordinator: Coordinator,
	resources: readonly Resource[],
	options: ClaimOptions,
): Promise<Claimed> {
	const request = options.request ?? newRequestId();
	const acquire = { ...options, request, queue: options.waitMs > 0 };
	const started = machineClock.now();
	try {
		for (;;) {
			const sentAt = machineClock.now();
			const answer = await coordinator.acquire(resources, acquire);
			const waitedMs = machineClock.now() - started;
			if (answer.ok) return { ok: true, granted: answer, sentAt, waitedMs };
			const leftMs = options.waitMs - waitedMs;
			const aborted = options.signal?.aborted === true;
			if (answer.reason !== "held" || leftMs <= 0 || aborted) {
				if (answer.reason === "held" && answer.queued) await leaveQueue(coordinator, request);
				return { ok: false, refusal: answer, waitedMs, aborted };
			}
			options.onWaiting?.({ ahead: answer.ahead, blockers: answer.blockers, waitedMs, leftMs });
			await turn(coordinator, request, answer.blockers, Math.min(leftMs, askAgainMs), options.signal);
		}
	} catch (error) {
		await leaveQueue(coordinator, request).catch(() => {});
		throw error;
	}
}

async function leaveQueue(coordinator: Coordinator, request: RequestId): Promise<void> {
	await coordinator.store.cancel(coordinator.project, request, "cancelled");
}

/** Resolves when asking again is worth it: the request is no longer waiting, a blocker died, time passed, or abort. */
function turn(
	coordinator: Coordinator,
	request: RequestId,
	blockers: readonly Blocker[],
	forMs: number,
	signal: AbortSignal | undefined,
): Promise<void> {
	return new Promise((resolve, reject) => {
		const shortestLease = Math.min(...blockers.filter(({ what }) => what === "lock").map(({ leftMs }) => leftMs + 1));
		const bell = coordinator.store.onChange(look);
		const looking = setInterval(() => {
			if (blockers.some(isDead)) done();
		}, lookMs);
		const timer = setTimeout(done, Math.min(forMs, shortestLease));
		signal?.addEventListener("abort", done);
		look();

		function look(): void {
			coordinator.store.peek(coordinator.project, request).then((state) => {
				if (state !== "waiting") done();
			}, fail);
		}
		function done(): void {
			stop();
			resolve();
		}
		function fail(error: unknown): void {
			stop();
			reject(error);
		}
		function stop(): void {
			bell[Symbol.dispose]();
			clearInterval(looking);
			clearTimeout(timer);
			signal?.removeEventListener("abort", done);
		}
	});
}
