import { background } from "./background.ts";
import { type Claimed, claim, type Waiting } from "./claim.ts";
import { thisProcess } from "./coordinator.ts";
import { Lease } from "./lease.ts";
import type { RequestId } from "./lock.ts";
import { takeBranch, waitForBranch } from "./push-branch.ts";
import { type LeadOptions, lead, type PushRemote } from "./push-leader.ts";
import type { PushQueue } from "./push-queue.ts";
import { newPushRequest, type PushOutcome, type PushTicket } from "./push-ticket.ts";

const shortestLeaseMs = 60_000;
// What a leader who is at it may take to tell, once it is too late to leave the line.
const lastWordMs = 60_000;
const lookMs = 200;

export interface TurnOptions extends LeadOptions {
	readonly waitMs: number;
	readonly signal: AbortSignal;
	/** Told whenever the place in line may have changed, with a guess at how long it will take. */
	readonly onWaiting: (waiting: Waiting, estimateMs: number | undefined) => void;
}

type NoTurn = Extract<Claimed, { ok: false }>;

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
	const until = queue.now() + options.waitMs;
	for (;;) {
		const turn = await standInLine(queue, remote, draft, options, until);
		if (turn !== "blocked" && turn !== "stale") return turn;
		if (turn === "stale") continue;
		// Not in the queue: whoever has claimed the branch may want to push as well.
		const claimed = await waitForBranch(queue.coordinator, draft.ref, {
			waitMs: Math.max(1, until - queue.now()),
			signal: options.signal,
			onWaiting: (waiting) => options.onWaiting(waiting, undefined),
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
	const request = newPushRequest(queue.now());
	const ticket: PushTicket = { ...draft, request };
	const parking = new Parking(queue, remote, ticket);
	try {
		await queue.hand(ticket);
		const tell = await tellWaiting(queue, options);
		const claimed = await claim(coordinator, [queue.resource], {
			request,
			owner: thisProcess(),
			isUncapped: true,
			ttlMs: Math.max(shortestLeaseMs, coordinator.config.lockTtlMs),
			waitMs: Math.max(1, until - queue.now()),
			signal: options.signal,
			onWaiting: (waiting) => {
				background(parking.onWaiting(waiting));
				tell(waiting);
			},
		});
		if (!claimed.ok) {
			const outcome = await lastWord(queue, request);
			if (outcome !== undefined) return { ok: true, outcome };
			const isStale = claimed.refusal.reason === "finished" && until > queue.now() && !options.signal.aborted;
			return isStale ? "stale" : { ok: false, claimed };
		}
		await using lease = new Lease(coordinator, claimed.granted, claimed.sentAt);
		const turn = await takeLead(queue, remote, ticket, options, until);
		await lease.release();
		return turn;
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
): Promise<PushTurn | "blocked"> {
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
		return { ok: true, outcome: await lead(queue, remote, ticket, { ...options, withOthers }) };
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
		if (queue.now() > until || signal.aborted) return "late";
		await queue.coordinator.reap();
		await new Promise((resolve) => setTimeout(resolve, lookMs));
	}
}

// Out of the line, but perhaps in somebody's hands already.
async function lastWord(queue: PushQueue, request: RequestId): Promise<PushOutcome | undefined> {
	const until = queue.now() + lastWordMs;
	for (;;) {
		const outcome = await queue.outcome(request);
		if (outcome !== undefined) return outcome;
		const { taken } = await queue.record();
		const isOver = !taken.includes(request) || queue.now() > until || (await queue.holds()).length === 0;
		if (isOver) return queue.outcome(request);
		await queue.coordinator.reap();
		await new Promise((resolve) => setTimeout(resolve, lookMs));
	}
}

// Whoever waits is not in the batch that is under way, but most probably in the next one.
async function tellWaiting(queue: PushQueue, { onWaiting }: TurnOptions): Promise<(waiting: Waiting) => void> {
	const { tookMs } = await queue.record();
	return (waiting) => onWaiting(waiting, tookMs === 0 ? undefined : Math.max(500, 1.5 * tookMs - waiting.waitedMs));
}

/** Leaves a ticket's commits with the remote while somebody on another machine is in front. */
class Parking {
	readonly #queue: PushQueue;
	readonly #remote: PushRemote;
	readonly #ticket: PushTicket;
	#parked: Promise<string | undefined> | undefined;

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
		}
	}

	/** Whoever pushed the commits has removed them; nobody else does. */
	async end(): Promise<void> {
		const parked = await this.#parked;
		if (parked === undefined) return;
		const outcome = await this.#queue.outcome(this.#ticket.request);
		if (outcome?.kind !== "landed") await this.#remote.unpark([parked]);
	}
}
