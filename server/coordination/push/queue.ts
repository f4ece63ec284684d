import { createHash } from "node:crypto";
import { machineClock } from "../clock.ts";
import type { Coordinator } from "../coordinator.ts";
import type { RequestId } from "../lock.ts";
import { type Resource, resourceKey } from "../resource.ts";
import { type PushAttempt, type PushRecord, parseOutcome, parseRecord } from "./stored.ts";
import { type PushOutcome, type PushTicket, parseObject, parseTicket } from "./ticket.ts";

// More than ever stand in line for one branch; whoever is not noted is only not cleaned up after.
const mostNoted = 500;
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
		this.resource = { kind: "database", id: `push ${this.#id} ${shortName(ref)}` };
	}

	/** Identifies a conflict over this ticket. */
	causeOf({ session, branch }: Pick<PushTicket, "session" | "branch">): string {
		return `push ${this.#id} ${session} ${branch}`;
	}

	/** What the leaders before have noted; an empty record for a queue that nobody has led yet. */
	async record(): Promise<PushRecord> {
		return parseRecord(await this.#load(recordKey(this.#id)));
	}

	/** Only for whoever leads. */
	async saveRecord(record: PushRecord): Promise<void> {
		await this.#save(recordKey(this.#id), JSON.stringify(record));
	}

	/** Leaves a ticket, or another one in its place, for whoever leads. */
	async hand(ticket: PushTicket): Promise<void> {
		await this.#save(ticketKey(ticket.request), JSON.stringify(ticket));
	}

	/** A ticket; undefined when there is none, or what is there is not one. */
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

	/** Whether this request leads: whoever was passed over meanwhile must not write what leaders write. */
	async isLedBy(request: RequestId): Promise<boolean> {
		return (await this.holds())[0] === request;
	}

	/** Notes a ticket, so that it is found when its process has died. */
	async note(request: RequestId): Promise<void> {
		const noted = await this.noted();
		if (!noted.includes(request)) await this.saveNoted([...noted, request].slice(-mostNoted));
	}

	/** Tickets that were in line. Several write it without asking each other: one that was lost is noted again while it waits. */
	async noted(): Promise<readonly RequestId[]> {
		const { requests } = { requests: [], ...parseObject(await this.#load(notedKey(this.#id))) };
		return Array.isArray(requests) ? requests.filter((each) => typeof each === "string") : [];
	}

	/** Notes just these. */
	async saveNoted(requests: readonly RequestId[]): Promise<void> {
		await this.#save(notedKey(this.#id), requests.length === 0 ? undefined : JSON.stringify({ requests }));
	}

	/** Tells whoever handed in the ticket what has become of it, and takes it out of the line. Once. */
	async settle(request: RequestId, outcome: PushOutcome): Promise<void> {
		if (!(await this.#tell(request, outcome))) return;
		await this.coordinator.store.cancel(this.coordinator.project, request, "cancelled");
	}

	async #tell(request: RequestId, outcome: PushOutcome): Promise<boolean> {
		if ((await this.#load(ticketKey(request))) === undefined) return false;
		await this.#save(outcomeKey(request), JSON.stringify(outcome));
		await this.#save(ticketKey(request), undefined);
		return true;
	}

	/**
	 * Settles them all, and forgets what was told to others long ago. The leader's own keeps the lock: nobody else may lead
	 * before all are told and the record says so.
	 */
	async settleAll(record: PushRecord, outcomes: PushAttempt["outcomes"], leader: RequestId): Promise<PushRecord> {
		const now = machineClock.now();
		const requests = Object.keys(outcomes) as RequestId[];
		for (const request of requests) {
			const outcome = outcomes[request];
			if (outcome === undefined) continue;
			if (request === leader) await this.#tell(request, outcome);
			else await this.settle(request, outcome);
		}
		const isOld = ({ at }: PushRecord["told"][number]): boolean => at > now || now - at > outcomeMemoryMs;
		for (const { request } of record.told.filter(isOld)) await this.#save(outcomeKey(request), undefined);
		const told = record.told.filter((each) => !isOld(each));
		return { ...record, told: [...told, ...requests.map((request) => ({ request, at: now }))] };
	}

	/** What has become of a ticket, if that is decided. */
	async outcome(request: RequestId): Promise<PushOutcome | undefined> {
		return parseOutcome(await this.#load(outcomeKey(request)));
	}

	/** Forgets a ticket whose owner is gone. */
	async forgetTicket(request: RequestId): Promise<void> {
		await this.#save(ticketKey(request), undefined);
	}

	/** Forgets a ticket and its outcome. */
	async forget(request: RequestId): Promise<void> {
		await this.#save(ticketKey(request), undefined);
		await this.#save(outcomeKey(request), undefined);
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

function shortName(ref: string): string {
	return ref.replace(/^refs\/(heads\/)?/, "").slice(0, 100);
}

/** Whether a resource is the queue of those who push to this ref, of whatever remote. */
export function leadsTo(resource: Resource, ref: string): boolean {
	return queueOf(resource) !== undefined && resource.id.replace(/^push \w+ /, "") === shortName(ref);
}

/** The queue that a resource locks, or undefined. */
export function queueOf({ kind, id }: Resource): string | undefined {
	return kind === "database" ? /^push ([0-9a-f]{12}) /.exec(id)?.[1] : undefined;
}

/** Under which name a queue's record is stored. */
export function recordKey(queue: string): string {
	return `push:${queue}`;
}

/** Under which name a ticket is stored. */
export function ticketKey(request: RequestId): string {
	return `push-ticket:${request}`;
}

function notedKey(queue: string): string {
	return `push-noted:${queue}`;
}

function outcomeKey(request: RequestId): string {
	return `push-outcome:${request}`;
}
