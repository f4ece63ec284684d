import { randomUUID } from "node:crypto";
import type { Config } from "../config.ts";
import { UdoError } from "../errors.ts";
import type { Author, Store } from "../store/store.ts";
import type { EventBody } from "./event.ts";
import type { Acquired, AcquireRequest, Blocker, LockLimits, Origin, RequestId } from "./lock.ts";
import { identifyProcess, livenessOf, type ProcessIdentity } from "./process.ts";
import type { Resource } from "./resource.ts";
import type { ProjectId, Session, SessionEntry } from "./session.ts";

/** What to acquire and how; the rest of a request comes from the session and the configuration. */
export interface AcquireOptions {
	readonly origin?: Origin;
	readonly ttlMs?: number;
	readonly queue?: boolean;
	readonly steal?: { readonly reason: string };
	/** Ties the lock to this process instead of to the session. */
	readonly owner?: ProcessIdentity;
	readonly request?: RequestId;
	/** Does not count against the caps: for the few short locks that udo takes itself. */
	readonly isUncapped?: boolean;
}

/** One session's view of one project in a store: every step udo takes there goes through here. */
export class Coordinator {
	readonly store: Store;
	readonly config: Config;
	#entry: SessionEntry;

	constructor(store: Store, config: Config, entry: SessionEntry) {
		this.store = store;
		this.config = config;
		this.#entry = entry;
	}

	get project(): ProjectId {
		return this.#entry.project;
	}

	get session(): SessionEntry {
		return this.#entry;
	}

	/** As the log names this session. */
	get author(): Author {
		return { session: this.#entry.id, actor: this.#entry.actor };
	}

	/** Registers the session, or proves that it lives; its own claims get a new lease. */
	async arrive(): Promise<Session> {
		const terms = { ttlMs: this.config.sessionTtlMs, most: this.config.sessionsPerProject };
		let opened = await this.store.openSession(this.#entry, terms);
		if (!opened.ok && (await this.reap()) > 0) opened = await this.store.openSession(this.#entry, terms);
		if (!opened.ok) {
			throw new UdoError(`this project already has ${opened.most} sessions`, {
				code: "too_many_sessions",
				next: "end some, or raise session.perProject (udo config)",
			});
		}
		await this.store.renewClaims(this.project, this.#entry.id);
		return opened.session;
	}

	/** The working tree is on another branch now. */
	async moveTo(branch: string | undefined): Promise<void> {
		this.#entry = { ...this.#entry, branch };
		await this.arrive();
	}

	/**
	 * Acquires all resources or none, without waiting. A lock whose holder died on this machine is freed on the way.
	 * Rejects with StoreUnavailableError.
	 */
	async acquire(resources: readonly Resource[], options: AcquireOptions = {}): Promise<Acquired> {
		const wanted: AcquireRequest = {
			request: options.request ?? newRequestId(),
			project: this.project,
			session: this.#entry.id,
			resources,
			origin: options.origin ?? "claim",
			ttlMs: options.ttlMs ?? this.config.lockTtlMs,
			queue: options.queue ?? false,
			limits: options.isUncapped === true ? noLimits : this.#limits,
			...(options.steal && { steal: options.steal }),
			...(options.owner && { owner: options.owner }),
		};
		let hasArrived = false;
		for (let reaped = -1; ; ) {
			const answer = await this.store.acquire(wanted);
			if (!answer.ok && answer.reason === "no-session" && !hasArrived) {
				await this.arrive();
				hasArrived = true;
				continue;
			}
			// Another process may have freed it meanwhile, so it is worth asking again even when nothing was found.
			const isDue = !answer.ok && answer.reason === "held" && reaped !== 0 && answer.blockers.some(isDead);
			if (!isDue) return answer;
			reaped = (await this.#bury(answer.blockers)) + (await this.reap());
		}
	}

	get #limits(): LockLimits {
		return { perSession: this.config.locksPerSession, perProject: this.config.locksPerProject };
	}

	// What stands against an exclusive lock may be in another project, where `reap` does not look for dead owners.
	async #bury(blockers: readonly Blocker[]): Promise<number> {
		const dead = blockers.filter(({ owner }) => owner !== undefined && livenessOf(owner) === "dead");
		for (const { project, request } of dead) await this.store.cancel(project, request, "died");
		return dead.length;
	}

	/** Frees what dead processes of this machine left behind, in this project; answers how many it found. */
	async reap(): Promise<number> {
		const dead = (await this.store.sessions()).filter((session) => livenessOf(session.process) === "dead");
		let found = dead.length === 0 ? 0 : await this.store.closeSessions([...new Set(dead.map(({ id }) => id))], "died");
		const waiters = await this.store.waiters(this.project);
		const locks = await this.store.locks(this.project);
		const owned = [...waiters, ...locks.flatMap(({ project, holds }) => holds.map((hold) => ({ project, ...hold })))];
		for (const { project, request, owner } of owned) {
			if (owner === undefined || livenessOf(owner) !== "dead") continue;
			await this.store.cancel(project, request, "died");
			found += 1;
		}
		return found;
	}

	/** Writes an entry of this session to the log. */
	async log(body: EventBody): Promise<void> {
		await this.store.append(this.project, this.author, body);
	}

	/** Ends this session here: its locks go to whoever waits for them. */
	async leave(): Promise<void> {
		await this.store.closeSessions([this.#entry.id], "closed", this.project);
	}
}

const noLimits: LockLimits = { perSession: Number.MAX_SAFE_INTEGER, perProject: Number.MAX_SAFE_INTEGER };

/** Whether what stands in the way belongs to a process of this machine that is gone. */
export function isDead({
	process,
	owner,
}: {
	readonly process: ProcessIdentity;
	readonly owner: ProcessIdentity | undefined;
}): boolean {
	return livenessOf(process) === "dead" || (owner !== undefined && livenessOf(owner) === "dead");
}

/** A name for one acquire that nobody else will ever use. */
export function newRequestId(): RequestId {
	return randomUUID() as RequestId;
}

/** This process, as the owner of a lock. */
export function thisProcess(): ProcessIdentity {
	const identity = identifyProcess(process.pid);
	if (identity === undefined) throw new Error("this process cannot find itself in the process table");
	return identity;
}
