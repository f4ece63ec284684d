import { machineClock } from "./clock.ts";
import { type AcquireOptions, type Coordinator, isDead, newRequestId, thisProcess } from "./coordinator.ts";
import type { Acquired, Blocker, Granted, RequestId } from "./lock.ts";
import { reportWaitInVain } from "./lock-conflict.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Resource } from "./resource.ts";

// A blocker's process is looked at this often: one /proc read, so that nothing stays with the dead for a second.
const lookMs = 150;
// Each time costs a step and keeps the place in line, which lapses after ten seconds; of its turn a waiter is told before.
const askAgainMs = 3000;

/** How to acquire, and how long to wait for it. */
export interface ClaimOptions extends AcquireOptions {
	/** How long to wait in line, in ms; 0 asks once and takes no place. */
	readonly waitMs: number;
	/** Gives up the place in line. */
	readonly signal?: AbortSignal;
	/** Told whenever the place in line may have changed. */
	readonly onWaiting?: (waiting: Waiting) => void;
}

/** A place in line, as it was at one moment; times in ms. */
export interface Waiting {
	/** Earlier waiters that must be served first. */
	readonly ahead: number;
	readonly blockers: readonly Blocker[];
	readonly waitedMs: number;
	readonly leftMs: number;
}

/** What a claim came to. */
export type Claimed =
	/** `sentAt`: machine clock before the request that got it was sent, from which its deadline counts. */
	| { readonly ok: true; readonly granted: Granted; readonly sentAt: number; readonly waitedMs: number }
	| { readonly ok: false; readonly refusal: Refusal; readonly waitedMs: number; readonly aborted: boolean };

/** Why a lock was not granted. */
export type Refusal = Extract<Acquired, { ok: false }>;

/**
 * Acquires, and waits its turn when somebody else is first. Whatever ends the wait (time, abort, an error, the death of this
 * process) also gives up the place in line and anything that was granted meanwhile: a claim that did not succeed leaves
 * nothing behind.
 */
export async function claim(
	coordinator: Coordinator,
	resources: readonly Resource[],
	options: ClaimOptions,
): Promise<Claimed> {
	const started = machineClock.now();
	if (options.waitMs > 0 && options.owner !== undefined) {
		return reported(await waitInLine(coordinator, resources, { ...options, owner: options.owner }, started));
	}
	const asked = await askOnce(coordinator, resources, options, started);
	if (asked.ok || asked.refusal.reason !== "held" || options.waitMs <= 0) return asked;

	// The lock will be the session's, but the place in line is this process's and must die with it.
	const { request: _request, ...waiting } = { ...options, owner: thisProcess() };
	const waited = await waitInLine(coordinator, resources, waiting, started);
	if (!waited.ok) return reported(waited);
	try {
		return await askOnce(coordinator, resources, options, started);
	} finally {
		await coordinator.store.release(coordinator.project, waited.granted.request, "released");
	}

	// The short locks that udo takes for itself are nobody's wish.
	async function reported(claimed: Claimed): Promise<Claimed> {
		if (claimed.ok || claimed.aborted || options.isUncapped === true) return claimed;
		await reportWaitInVain(coordinator, resources, claimed);
		return claimed;
	}
}

async function askOnce(
	coordinator: Coordinator,
	resources: readonly Resource[],
	options: ClaimOptions,
	started: number,
): Promise<Claimed> {
	const sentAt = machineClock.now();
	const answer = await coordinator.acquire(resources, { ...options, queue: false });
	const waitedMs = machineClock.now() - started;
	if (answer.ok) return { ok: true, granted: answer, sentAt, waitedMs };
	return { ok: false, refusal: answer, waitedMs, aborted: options.signal?.aborted === true };
}

async function waitInLine(
	coordinator: Coordinator,
	resources: readonly Resource[],
	options: ClaimOptions & { readonly owner: ProcessIdentity },
	started: number,
): Promise<Claimed> {
	const { signal, waitMs } = options;
	let request = options.request ?? newRequestId();
	try {
		for (;;) {
			const sentAt = machineClock.now();
			const answer = await coordinator.acquire(resources, { ...options, request, queue: true });
			const waitedMs = machineClock.now() - started;
			if (answer.ok) return { ok: true, granted: answer, sentAt, waitedMs };
			const leftMs = waitMs - waitedMs;
			if (answer.reason === "finished" && options.request === undefined && leftMs > 0 && !signal?.aborted) {
				// This process was stopped for so long that its place expired: to the end of the line.
				request = newRequestId();
				continue;
			}
			if (answer.reason !== "held") return { ok: false, refusal: answer, waitedMs, aborted: false };
			if (leftMs > 0 && !signal?.aborted) {
				options.onWaiting?.({ ahead: answer.ahead, blockers: answer.blockers, waitedMs, leftMs });
				await turn(coordinator, request, answer.blockers, Math.min(leftMs, askAgainMs), signal);
				if (!signal?.aborted) continue;
			}
			await leaveLine(coordinator, request);
			return { ok: false, refusal: answer, waitedMs, aborted: signal?.aborted === true };
		}
	} catch (error) {
		await leaveLine(coordinator, request).catch(() => {});
		throw error;
	}
}

async function leaveLine(coordinator: Coordinator, request: RequestId): Promise<void> {
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
		const bell = coordinator.store.onRequestChange(coordinator.project, request, look);
		const looking = setInterval(() => {
			if (blockers.some(isDead)) done();
		}, lookMs);
		const timer = setTimeout(done, Math.min(forMs, shortestLease));
		signal?.addEventListener("abort", done);
		if (signal?.aborted) done();
		else look();

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
