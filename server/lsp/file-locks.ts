import { background } from "../coordination/background.ts";
import { type Claimed, claim, type Waiting } from "../coordination/claim.ts";
import { type Coordinator, thisProcess } from "../coordination/coordinator.ts";
import { showSession, showText } from "../coordination/describe.ts";
import { Lease } from "../coordination/lease.ts";
import type { Origin, RequestId } from "../coordination/lock.ts";
import type { Resource } from "../coordination/resource.ts";
import type { SessionId } from "../coordination/session.ts";

export interface TakeOptions {
	/** 0 asks once. */
	readonly waitMs: number;
	readonly steal?: { readonly reason: string };
	readonly signal?: AbortSignal;
	readonly onWaiting?: (waiting: Waiting) => void;
}

/**
 * The locks that this language server holds on one file: one because it is being edited, one because somebody asked for it.
 * Both belong to this process and are renewed while they are here.
 */
export class FileLocks {
	readonly #coordinator: Coordinator;
	readonly #resource: Resource;
	readonly #onLost: (why: string) => void;
	readonly #leases = new Map<Origin, Lease>();
	readonly #ended = new AbortController();
	#waiting: AbortController | undefined;

	/** `onLost` is told, as the rest of "the lock is lost: …", when a lock was lost without being given back. */
	constructor(coordinator: Coordinator, resource: Resource, onLost: (why: string) => void) {
		this.#coordinator = coordinator;
		this.#resource = resource;
		this.#onLost = onLost;
	}

	has(origin: Origin): boolean {
		return this.#leases.has(origin);
	}

	/** Whether it stands in line for the lock. */
	get isWaiting(): boolean {
		return this.#waiting !== undefined;
	}

	/** Takes the lock, waiting as long as told. One that is here already is granted again as it is. */
	async take(origin: Origin, options: TakeOptions): Promise<Claimed> {
		const { store, project } = this.#coordinator;
		const before = await store.lastEvent(project);
		const claimed = await this.#claim(origin, options);
		if (!claimed.ok) return claimed;
		const lease = new Lease(this.#coordinator, claimed.granted, claimed.sentAt);
		// Meanwhile the document was closed, or another command took it as well.
		if (this.#ended.signal.aborted || this.#leases.has(origin)) {
			await lease.release();
			return claimed;
		}
		this.#leases.set(origin, lease);
		lease.signal.addEventListener("abort", () => background(this.#lose(origin, lease, before)));
		return claimed;
	}

	/** Gives it back; whoever waits first has it then. */
	async release(origin: Origin): Promise<void> {
		const lease = this.#leases.get(origin);
		this.#leases.delete(origin);
		await lease?.release();
	}

	/** Gives all back and leaves the line; false when there was nothing to give up. */
	async giveUp(): Promise<boolean> {
		const hadAny = this.#leases.size > 0 || this.#waiting !== undefined;
		this.#waiting?.abort();
		await Promise.all([this.release("edit"), this.release("claim")]);
		return hadAny;
	}

	/** Gives all back for good, also what is being granted right now. */
	async end(): Promise<void> {
		this.#ended.abort();
		await this.giveUp();
	}

	async #claim(origin: Origin, options: TakeOptions): Promise<Claimed> {
		const waiting = new AbortController();
		if (options.waitMs > 0) this.#waiting = waiting;
		const signals = [this.#ended.signal, waiting.signal, ...(options.signal === undefined ? [] : [options.signal])];
		try {
			return await claim(this.#coordinator, [this.#resource], {
				...options,
				origin,
				owner: thisProcess(),
				signal: AbortSignal.any(signals),
			});
		} finally {
			if (this.#waiting === waiting) this.#waiting = undefined;
		}
	}

	async #lose(origin: Origin, lease: Lease, before: number): Promise<void> {
		if (this.#leases.get(origin) === lease) this.#leases.delete(origin);
		let why = "its lease could not be renewed in time";
		try {
			why = (await this.#causeOf(lease.granted.request, before)) ?? why;
		} finally {
			if (!this.#ended.signal.aborted) this.#onLost(why);
		}
	}

	async #causeOf(request: RequestId, before: number): Promise<string | undefined> {
		const { store, project } = this.#coordinator;
		for (let after = before; ; ) {
			const events = await store.events({ project, after, limit: 1000, types: ["lock_released"] });
			for (const event of events) {
				if (event.type !== "lock_released" || event.request !== request) continue;
				if (event.cause === "expired") return "its lease ran out";
				if (event.cause !== "stolen" || event.by === undefined) return "its session ended";
				return `taken over by ${await this.#nameOf(event.by)}: ${showText(event.reason ?? "", 100)}`;
			}
			const last = events.at(-1);
			if (last === undefined) return undefined;
			after = last.seq;
		}
	}

	async #nameOf(session: SessionId): Promise<string> {
		const sessions = await this.#coordinator.store.sessions();
		return showSession({ session, actor: sessions.find(({ id }) => id === session)?.actor ?? "another session" });
	}
}
