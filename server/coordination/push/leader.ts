import { machineClock } from "../clock.ts";
import type { RequestId } from "../lock.ts";
import { sweepLeftovers } from "./leftovers.ts";
import type { PushQueue } from "./queue.ts";
import type { PushRecord } from "./stored.ts";
import type { PushOutcome, PushTicket } from "./ticket.ts";

// Whoever pushes past the queue has to win so often in a row.
const mostTries = 5;
// Of what was tried and what became of it: more than ever matters, and little enough to be read at every push.
const mostRemembered = 50;

/** The remote's ref, and what a leader does to it. */
export interface PushRemote {
	/** Asks the remote what the ref is at, and gets it; undefined when there is no such ref. */
	fetch(): Promise<Reached<string | undefined>>;
	/** Leaves commits with the remote, for a leader on another machine. Answers the ref, or undefined when the remote refuses. */
	park(tip: string): Promise<string | undefined>;
	/** Removes from the remote what `park` left there. */
	unpark(refs: readonly string[]): Promise<void>;
	/** Removes what somebody parked so long ago that its push must be dead. */
	unparkAbandoned(): Promise<void>;
	/** Gets what others left with the remote. False when it is not there. */
	fetchParked(refs: readonly string[]): Promise<boolean>;
	/** Whether the ref, as it was fetched, contains this commit. */
	contains(commit: string): Promise<boolean>;
	/** Puts the tickets' commits on top of what was fetched. Changes nothing that anybody sees. */
	prepare(tickets: readonly PushTicket[]): Promise<Prepared>;
	/** Moves the ref to a prepared tip, provided that it is still at what was fetched; removes what was parked meanwhile. */
	push(tip: string, parked: readonly string[]): Promise<Pushed>;
}

/** What the remote answered, or why it could not be asked. */
export type Reached<Value> =
	| { readonly ok: true; readonly value: Value }
	| { readonly ok: false; readonly words: string };

/** What a batch would land, before anybody sees anything of it. */
export interface Prepared {
	/** What the ref would become; what it is at when nothing is to be pushed. */
	readonly tip: string | undefined;
	/** In the order of the tickets: what each has come to, once the tip has landed. */
	readonly outcomes: readonly PushOutcome[];
}

/** What the remote made of a push. */
export type Pushed =
	| { readonly kind: "landed" }
	/** The ref was not any more at what had been fetched. */
	| { readonly kind: "moved" }
	| { readonly kind: "refused"; readonly words: string }
	| { readonly kind: "unreachable"; readonly words: string };

/** What a leader is doing. */
export type PushPhase = "fetching" | "replaying" | "pushing";

/** How to lead, and whom to tell of it. */
export interface LeadOptions {
	readonly withOthers: boolean;
	readonly onPhase?: (phase: PushPhase, batch: number) => void;
	/** Told of each ticket that could not be placed because of a conflict; answers what to tell its owner. */
	readonly onConflict: (ticket: PushTicket, outcome: Conflicted) => Promise<PushOutcome>;
}

/** The outcome of a ticket whose commits do not fit on the ref. */
export type Conflicted = Extract<PushOutcome, { kind: "conflict" }>;

/**
 * Pushes what is in the line, in one go: fetched → replayed → pushed, and told to each. Whoever calls holds the queue's lock.
 * Before the push, what it would mean for each ticket is written down: should this process die, the next leader finds out
 * from the remote whether it landed. Answers the outcome of the leader's own ticket; `passed` when somebody else leads
 * meanwhile, because this process was stopped for too long: then nothing is written any more, the remote decides who was first.
 */
export async function lead(
	queue: PushQueue,
	remote: PushRemote,
	own: PushTicket,
	options: LeadOptions,
): Promise<PushOutcome | "passed"> {
	const startedAt = machineClock.now();
	let record = await queue.record();
	let leftovers: readonly string[] | undefined;
	for (let tries = 1; tries <= mostTries; ) {
		options.onPhase?.("fetching", 1);
		const [fetched] = await Promise.all([remote.fetch(), queue.note(own.request)]);
		if (!fetched.ok) return { kind: "unreachable", words: fetched.words };
		if (!(await queue.isLedBy(own.request))) return "passed";
		record = await settleLanded(queue, remote, record, own);
		const told = await queue.outcome(own.request);
		if (told !== undefined) return told;

		leftovers ??= await sweepLeftovers(queue, record);
		record = { ...record, taken: await chosen(queue, own, record, options.withOthers) };
		await queue.saveRecord(record);
		const tickets = await reachable(remote, own, await stillThere(queue, own, record.taken));
		options.onPhase?.("replaying", tickets.length);
		const { tip, outcomes } = await remote.prepare(tickets);
		const decided = await decide(tickets, outcomes, options);
		const lost = tickets.filter((ticket) => isLost(ticket, own, decided)).map(({ request }) => request);
		for (const request of lost) decided.delete(request);
		record = { ...record, alone: [...record.alone, ...lost].slice(-mostRemembered) };
		if (!(await queue.isLedBy(own.request))) return "passed";
		if (tip === undefined || tip === fetched.value) return finish(queue, record, decided, own, startedAt);

		const attempt = { tip, outcomes: Object.fromEntries(decided) };
		record = { ...record, attempts: [...record.attempts, attempt].slice(-mostRemembered) };
		await queue.saveRecord(record);
		options.onPhase?.("pushing", tickets.length);
		const parked = tickets.flatMap((ticket) => ticket.parked ?? []);
		const pushed = await remote.push(tip, [...parked, ...leftovers]);
		if (!(await queue.isLedBy(own.request))) return (pushed.kind === "landed" && decided.get(own.request)) || "passed";
		switch (pushed.kind) {
			case "landed":
				// Whatever else was tried cannot land any more: the ref is not where it expected it.
				return finish(queue, { ...record, attempts: [] }, decided, own, startedAt);
			case "moved":
				tries += 1;
				continue;
			case "unreachable":
				await queue.saveRecord({ ...record, taken: [] });
				return pushed;
			case "refused":
				record = { ...record, attempts: record.attempts.slice(0, -1), taken: [] };
				if (tickets.length === 1) {
					await queue.saveRecord(record);
					return pushed;
				}
				// One of them is at fault, and nobody can tell which: each for itself.
				record = { ...record, alone: tickets.map(({ request }) => request) };
		}
	}
	await queue.saveRecord({ ...record, taken: [] });
	return { kind: "outrun", tries: mostTries };
}

/** What a push of this ticket alone would come to now. Needs no lock, and moves nothing. */
export async function plan(remote: PushRemote, ticket: PushTicket): Promise<PushOutcome> {
	const fetched = await remote.fetch();
	if (!fetched.ok) return { kind: "unreachable", words: fetched.words };
	const [outcome] = (await remote.prepare([ticket])).outcomes;
	if (outcome?.kind !== "landed") return outcome ?? { kind: "missing" };
	return { kind: "planned", commits: outcome.commits, onto: fetched.value };
}

/** Tells the tickets of a leader who died: what it pushed is there, whether it lived to see that or not. */
async function settleLanded(
	queue: PushQueue,
	remote: PushRemote,
	record: PushRecord,
	own: PushTicket,
): Promise<PushRecord> {
	for (const attempt of [...record.attempts].reverse()) {
		if (!(await remote.contains(attempt.tip))) continue;
		const settled = { ...(await queue.settleAll(record, attempt.outcomes, own.request)), attempts: [], taken: [] };
		await queue.saveRecord(settled);
		return settled;
	}
	return record;
}

async function chosen(
	queue: PushQueue,
	own: PushTicket,
	record: PushRecord,
	withOthers: boolean,
): Promise<readonly RequestId[]> {
	if (!withOthers || own.isAlone || record.alone.includes(own.request)) return [own.request];
	const others = (await queue.line()).filter(
		(ticket) =>
			ticket.request !== own.request &&
			(ticket.host === own.host || ticket.parked !== undefined) &&
			ticket.address === own.address &&
			ticket.ref === own.ref &&
			!ticket.isAlone &&
			!record.alone.includes(ticket.request),
	);
	return [own.request, ...others.map(({ request }) => request)];
}

// Whoever left the line before it was written down that its ticket is taken believes that it is not.
async function stillThere(
	queue: PushQueue,
	own: PushTicket,
	taken: readonly RequestId[],
): Promise<readonly PushTicket[]> {
	if (taken.length === 1) return [own];
	const line = await queue.line();
	return [own, ...line.filter(({ request }) => request !== own.request && taken.includes(request))];
}

// Those of other machines come by way of the remote; without them when something of theirs is not there.
async function reachable(
	remote: PushRemote,
	own: PushTicket,
	tickets: readonly PushTicket[],
): Promise<readonly PushTicket[]> {
	const parked = tickets.flatMap(({ host, parked: ref }) => (host === own.host ? [] : (ref ?? [])));
	if (parked.length === 0 || (await remote.fetchParked(parked))) return tickets;
	return tickets.filter(({ host }) => host === own.host);
}

// What only cannot be read from here, in another container for instance, is for its own process to push.
function isLost(ticket: PushTicket, own: PushTicket, decided: ReadonlyMap<RequestId, PushOutcome>): boolean {
	return ticket.request !== own.request && decided.get(ticket.request)?.kind === "missing";
}

async function decide(
	tickets: readonly PushTicket[],
	outcomes: readonly PushOutcome[],
	{ onConflict }: LeadOptions,
): Promise<Map<RequestId, PushOutcome>> {
	const decided = new Map<RequestId, PushOutcome>();
	for (const [index, ticket] of tickets.entries()) {
		const outcome = outcomes[index];
		if (outcome === undefined) continue;
		decided.set(ticket.request, outcome.kind === "conflict" ? await onConflict(ticket, outcome) : outcome);
	}
	return decided;
}

async function finish(
	queue: PushQueue,
	record: PushRecord,
	decided: ReadonlyMap<RequestId, PushOutcome>,
	own: PushTicket,
	startedAt: number,
): Promise<PushOutcome> {
	const outcome = decided.get(own.request);
	if (outcome === undefined) throw new Error("a push without an outcome of its own");
	const others = Object.fromEntries([...decided].filter(([request]) => request !== own.request));
	const settled = await queue.settleAll(record, others, own.request);
	const alone = record.alone.filter((request) => !decided.has(request));
	await queue.saveRecord({ ...settled, taken: [], alone, tookMs: machineClock.now() - startedAt });
	return outcome;
}
