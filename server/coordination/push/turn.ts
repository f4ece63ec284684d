import { setTimeout as delay } from "node:timers/promises";
import { background } from "../background.ts";
import { type Claimed, claim, type Waiting } from "../claim.ts";
import { machineClock } from "../clock.ts";
import { thisProcess } from "../coordinator.ts";
import { Lease } from "../lease.ts";
import type { RequestId } from "../lock.ts";
import { pushRequest } from "../request-name.ts";
import { takeBranch, waitForBranch } from "./branch.ts";
import { type LeadOptions, lead, type PushRemote } from "./leader.ts";
import type { PushQueue } from "./queue.ts";
import type { PushOutcome, PushTicket } from "./ticket.ts";
import { PushWatch } from "./watch.ts";

// Renewed three times as often; a leader on another machine that is silent for so long is passed over.
const leaseMs = 60_000;
// What a leader who is at it may take to tell, once it is too late to leave the line.
const lastWordMs = 60_000;
const lookMs = 200;

/** How to stand in line, and how to lead when it comes to that. */
export interface TurnOptions extends LeadOptions {
	readonly waitMs: number;
	readonly signal: AbortSignal;
	/** Told whenever the place in line may have changed and every second, with a guess at how long it will take. */
	readonly onWaiting: (waiting: Waiting, estimateMs: number | undefined) => void;
}

type NoTurn = Extract<Claimed, { ok: false }>;

/** What standing in line came to: the outcome of the ticket, or why there is none. */
export type PushTurn =
	| { readonly ok: true; readonly outcome: PushOutcome }
	| { readonly ok: false; readonly claimed: NoTurn };

/**
 * Stands in the queue with a ticket until somebody who led it tells its outcome, or until it is this process's turn to lead.
 * Leaves nothing behind, however it ends; whoever is killed loses its place at once.
 */
export async function takeTurn(
	queue: PushQueue,
	remote: PushRemote,
	draft: Omit<PushTicket, "request">,
	options: TurnOptions,
): Promise<PushTurn> {
	const until = machineClock.now() + options.waitMs;
	for (;;) {
		const turn = await standInLine(queue, remote, draft, options, until);
		if (turn !== "blocked" && turn !== "stale") return turn;
		if (turn === "stale") continue;
		// Not in the queue: whoever has claimed the branch may want to push as well.
		using watch = new PushWatch(queue.coordinator, (waiting) => options.onWaiting(waiting, undefined));
		const claimed = await waitForBranch(queue.coordinator, draft.ref, {
			waitMs: Math.max(1, until - machineClock.now()),
			signal: options.signal,
			onWaiting: (waiting) => watch.see(waiting),
		});
		if (claimed !== undefined) return { ok: false, claimed };
	}
}

/** `blocked`: the branch is somebody else's. `stale`: the place ran out while this process was stopped. */
async function standInLine(
	queue: PushQueue,
	remote: PushRemote,
	draft: Omit<PushTicket, "request">,
	options: TurnOptions,
	until: number,
): Promise<PushTurn | "blocked" | "stale"> {
	const { coordinator } = queue;
	const request = pushRequest(machineClock.now());
	const ticket: PushTicket = { ...draft, request };
	const parking = new Parking(queue, remote, ticket);
	try {
		await queue.hand(ticket);
		const { tookMs } = await queue.record();
		using watch = new PushWatch(coordinator, (waiting) => options.onWaiting(waiting, estimate(waiting, tookMs)));
		const claimed = await claim(coordinator, [queue.resource], {
			request,
			owner: thisProcess(),
			isUncapped: true,
			ttlMs: leaseMs,
			waitMs: Math.max(1, until - machineClock.now()),
			signal: options.signal,
			onWaiting: (waiting) => {
				background(parking.onWaiting(waiting));
				background(queue.note(request));
				watch.see(waiting);
			},
		});
		watch.stop();
		if (!claimed.ok) {
			const outcome = await lastWord(queue, request);
			if (outcome !== undefined) return { ok: true, outcome };
			const isStale = claimed.refusal.reason === "finished" && until > machineClock.now() && !options.signal.aborted;
			return isStale ? "stale" : { ok: false, claimed };
		}
		await using lease = new Lease(coordinator, claimed.granted, claimed.sentAt);
		const turn = await takeLead(queue, remote, ticket, options, until);
		await lease.release();
		if (turn !== "blocked" && turn !== "stale") return turn;
		// Told by somebody who led meanwhile, or before that.
		const outcome = await queue.outcome(request);
		return outcome === undefined ? turn : { ok: true, outcome };
	} finally {
		await parking.end();
		await queue.forget(request);
	}
}

async function takeLead(
	queue: PushQueue,
	remote: PushRemote,
	ticket: PushTicket,
	options: TurnOptions,
	until: number,
): Promise<PushTurn | "blocked" | "stale"> {
	const told = await whenFirst(queue, ticket.request, options.signal, until);
	if (told === "late") {
		const refusal = { ok: false, reason: "held", queued: true, ahead: 1, blockers: [] } as const;
		return { ok: false, claimed: { ok: false, refusal, waitedMs: options.waitMs, aborted: options.signal.aborted } };
	}
	if (told !== "first") return { ok: true, outcome: told };
	const right = await takeBranch(queue.coordinator, ticket.ref);
	if (!right.ok) return "blocked";
	try {
		// Whoever claims a branch wants nobody else's commits on it.
		const withOthers = options.withOthers && !right.isClaimed;
		const outcome = await lead(queue, remote, ticket, { ...options, withOthers });
		return outcome === "passed" ? "stale" : { ok: true, outcome };
	} finally {
		await right.lease?.release();
	}
}

/** Resolves when no earlier push of the same session leads any more, or has told this one's outcome. */
async function whenFirst(
	queue: PushQueue,
	request: RequestId,
	signal: AbortSignal,
	until: number,
): Promise<PushOutcome | "first" | "late"> {
	for (;;) {
		const outcome = await queue.outcome(request);
		if (outcome !== undefined) return outcome;
		const [first] = await queue.holds();
		if (first === undefined || first >= request) return "first";
		if (machineClock.now() > until || signal.aborted) return "late";
		await queue.coordinator.reap();
		await delay(lookMs);
	}
}

// Out of the line, but perhaps in somebody's hands already.
async function lastWord(queue: PushQueue, request: RequestId): Promise<PushOutcome | undefined> {
	const until = machineClock.now() + lastWordMs;
	for (;;) {
		const outcome = await queue.outcome(request);
		if (outcome !== undefined) return outcome;
		const { taken } = await queue.record();
		const isOver = !taken.includes(request) || machineClock.now() > until || (await queue.holds()).length === 0;
		if (isOver) return queue.outcome(request);
		await queue.coordinator.reap();
		await delay(lookMs);
	}
}

// Whoever waits is not in the batch that is under way, but most probably in the next one.
function estimate({ blockers }: Waiting, tookMs: number): number | undefined {
	const leader = blockers.find(({ what }) => what === "lock");
	if (tookMs === 0 || leader === undefined) return undefined;
	return Math.max(0, tookMs - leader.ageMs) + tookMs;
}

/** Leaves a ticket's commits with the remote while somebody on another machine is in front. */
class Parking {
	readonly #queue: PushQueue;
	readonly #remote: PushRemote;
	readonly #ticket: PushTicket;
	#parked: Promise<string | undefined> | undefined;
	#swept: Promise<void> | undefined;

	constructor(queue: PushQueue, remote: PushRemote, ticket: PushTicket) {
		this.#queue = queue;
		this.#remote = remote;
		this.#ticket = ticket;
	}

	async onWaiting({ blockers }: Waiting): Promise<void> {
		const { host, isAlone, tip, request } = this.#ticket;
		if (isAlone || this.#parked !== undefined || blockers.every((blocker) => blocker.host === host)) return;
		this.#parked = this.#remote.park(tip);
		const parked = await this.#parked;
		// Not when its turn has come meanwhile.
		if (parked !== undefined && (await this.#queue.ticket(request)) !== undefined) {
			await this.#queue.hand({ ...this.#ticket, parked });
			this.#swept = this.#remote.unparkAbandoned();
		}
	}

	/** Whoever pushed the commits has removed them; nobody else does. */
	async end(): Promise<void> {
		const parked = await this.#parked;
		if (parked === undefined) return;
		await this.#swept?.catch(() => {});
		const outcome = await this.#queue.outcome(this.#ticket.request);
		if (outcome?.kind !== "landed") await this.#remote.unpark([parked]);
	}
}
