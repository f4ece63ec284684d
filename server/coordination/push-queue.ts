import { createHash } from "node:crypto";
import { machineClock } from "./clock.ts";
import type { Coordinator } from "./coordinator.ts";
import type { RequestId } from "./lock.ts";
import { type PushOutcome, type PushTicket, parseObject, parseTicket } from "./push-ticket.ts";
import { type Resource, resourceKey } from "./resource.ts";

/** One push that was tried, or is being tried: should it have landed, this is what it meant for each ticket. */
export interface PushAttempt {
	/** What the remote's ref was to become. */
	readonly tip: string;
	readonly outcomes: Readonly<Record<RequestId, PushOutcome>>;
}

/** What the queue's leaders tell each other. Only the leader writes it. */
export interface PushRecord {
	/** Tickets that are being pushed right now: it is too late for them to leave. */
	readonly taken: readonly RequestId[];
	readonly attempts: readonly PushAttempt[];
	/** Tickets of a batch that the remote refused as a whole: each has to go alone. */
	readonly alone: readonly RequestId[];
	/** How long the last batch took, in ms. */
	readonly tookMs: number;
	/** Who was told an outcome lately, and when: those who died meanwhile never read it. */
	readonly told: readonly { readonly request: RequestId; readonly at: number }[];
}

const emptyRecord: PushRecord = { taken: [], attempts: [], alone: [], tookMs: 0, told: [] };

// As long as the store remembers a request.
const outcomeMemoryMs = 600_000;

/**
 * The line of those who push to one ref of one remote: a lock whose waiters each leave a ticket and are told its outcome. All
 * spellings of one remote are one line.
 */
export class PushQueue {
	readonly coordinator: Coordinator;
	readonly resource: Resource;
	readonly #id: string;

	/** `remote` names the remote in whatever spelling leads to it; `ref` is the full name of the ref there. */
	constructor(coordinator: Coordinator, remote: string, ref: string) {
		this.coordinator = coordinator;
		this.#id = createHash("sha256").update(`${remote}\n${ref}`).digest("hex").slice(0, 12);
		const name = ref.replace(/^refs\/(heads\/)?/, "").slice(0, 100);
		this.resource = { kind: "database", id: `push ${this.#id} ${name}` };
	}

	/** Identifies a conflict over this ticket. */
	causeOf({ session, branch }: Pick<PushTicket, "session" | "branch">): string {
		return `push ${this.#id} ${session} ${branch}`;
	}

	async record(): Promise<PushRecord> {
		return { ...emptyRecord, ...parseObject(await this.#load(`push:${this.#id}`)) };
	}

	async saveRecord(record: PushRecord): Promise<void> {
		await this.#save(`push:${this.#id}`, JSON.stringify(record));
	}

	async hand(ticket: PushTicket): Promise<void> {
		await this.#save(ticketKey(ticket.request), JSON.stringify(ticket));
	}

	async ticket(request: RequestId): Promise<PushTicket | undefined> {
		return parseTicket(await this.#load(ticketKey(request)));
	}

	/** The tickets in line, first come first; without those whose process has not left one. */
	async line(): Promise<readonly PushTicket[]> {
		const { store, project } = this.coordinator;
		const key = resourceKey(this.resource);
		const waiting = (await store.waiters(project)).filter((waiter) => resourceKey(waiter.resources[0] ?? none) === key);
		const requests = [...(await this.holds()), ...waiting.map(({ request }) => ownName(request))];
		const tickets = await Promise.all([...new Set(requests)].map((request) => this.ticket(request)));
		return tickets.filter((ticket) => ticket !== undefined);
	}

	/**
	 * Who holds the queue's lock, the leader first. All are of one session, which may hold its lock several times: whoever came
	 * first leads, the others wait.
	 */
	async holds(): Promise<readonly RequestId[]> {
		const { store, project } = this.coordinator;
		const key = resourceKey(this.resource);
		const lock = (await store.locks(project)).find(({ resource }) => resourceKey(resource) === key);
		return (lock?.holds ?? []).map(({ request }) => ownName(request)).sort();
	}

	/** Tells whoever handed in the ticket what has become of it, and takes it out of the line. Once. */
	async settle(request: RequestId, outcome: PushOutcome): Promise<void> {
		if ((await this.#load(ticketKey(request))) === undefined) return;
		await this.#save(outcomeKey(request), JSON.stringify(outcome));
		await this.#save(ticketKey(request), undefined);
		await this.coordinator.store.cancel(this.coordinator.project, request, "cancelled");
	}

	/** Settles them all, and forgets what was told to others long ago. */
	async settleAll(record: PushRecord, outcomes: PushAttempt["outcomes"]): Promise<PushRecord> {
		const now = this.now();
		const requests = Object.keys(outcomes) as RequestId[];
		for (const request of requests) {
			const outcome = outcomes[request];
			if (outcome !== undefined) await this.settle(request, outcome);
		}
		const isOld = ({ at }: PushRecord["told"][number]): boolean => at > now || now - at > outcomeMemoryMs;
		for (const { request } of record.told.filter(isOld)) await this.#save(outcomeKey(request), undefined);
		const told = record.told.filter((each) => !isOld(each));
		return { ...record, told: [...told, ...requests.map((request) => ({ request, at: now }))] };
	}

	/** What has become of a ticket, if that is decided. */
	async outcome(request: RequestId): Promise<PushOutcome | undefined> {
		return parseObject(await this.#load(outcomeKey(request))) as PushOutcome | undefined;
	}

	/** Forgets a ticket and its outcome. */
	async forget(request: RequestId): Promise<void> {
		await this.#save(ticketKey(request), undefined);
		await this.#save(outcomeKey(request), undefined);
	}

	now(): number {
		return machineClock.now();
	}

	#load(key: string): Promise<string | undefined> {
		return this.coordinator.store.loadState(this.coordinator.project, key);
	}

	#save(key: string, value: string | undefined): Promise<void> {
		return this.coordinator.store.saveState(this.coordinator.project, key, value);
	}
}

const none: Resource = { kind: "database", id: "" };

// A team's store has a request under another name when it had to be made anew.
function ownName(request: RequestId): RequestId {
	return request.replace(/~\d+$/, "") as RequestId;
}

function ticketKey(request: RequestId): string {
	return `push-ticket:${request}`;
}

function outcomeKey(request: RequestId): string {
	return `push-outcome:${request}`;
}
