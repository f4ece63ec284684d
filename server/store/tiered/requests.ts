import type { Clock } from "../../coordination/clock.ts";
import type { Acquired, AcquireRequest, Granted, RequestId } from "../../coordination/lock.ts";
import { describeResource, resourceKey } from "../../coordination/resource.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { type Entry, type Held, standsAlone } from "../local/ledger.ts";
import type { LocalStore } from "../local.ts";
import type { Reach } from "./reach.ts";
import { lockDelayMs } from "./settle.ts";

/**
 * What a machine that is out of touch with its team may lock for itself: files and directories; all, since somebody said so,
 * which is recorded; or all, since it is only for the moment that git needs.
 */
export type Alone = "files" | "overridden" | "briefly";

export interface TeamRequestsOptions {
	readonly local: LocalStore;
	readonly reach: Reach;
	readonly clock: Clock;
	readonly alone: Alone;
}

type Refusal = Extract<Acquired, { reason: "held" }>;

/**
 * Requests on both tiers: this machine's store decides first, so that only one of its sessions asks the team for the same thing
 * at a time; what it grants counts once the team has granted it too.
 */
export class TeamRequests {
	readonly #options: TeamRequestsOptions;
	readonly #refusals = new Map<RequestId, Refusal>();

	constructor(options: TeamRequestsOptions) {
		this.#options = options;
	}

	/** See Store.acquire. */
	async acquire(wanted: AcquireRequest): Promise<Acquired> {
		const { local, reach } = this.#options;
		const closed = await reach.whyClosed();
		if (
			closed !== undefined &&
			!this.#mayStandAlone(wanted) &&
			(await local.ledger.find(wanted.request)) === undefined
		) {
			throw this.#refusedAlone(wanted, closed);
		}
		if (wanted.steal !== undefined && closed === undefined) return this.#steal(wanted);
		const { answer, entry } = await local.acquireForTeam(wanted);
		if (answer.ok) return this.#confirm(wanted, answer, entry);
		if (answer.reason === "finished" && entry !== undefined) await this.#settleDebt(entry);
		if (answer.reason !== "held") return answer;
		const blockers = await this.#checked(answer.blockers);
		return blockers === "gone" ? this.acquire(wanted) : { ...answer, blockers };
	}

	/** See Store.renew. A lock that only the team can give is not renewed without it: its deadline stands. */
	async renew(project: ProjectId, request: RequestId): Promise<boolean> {
		const { local, reach, clock } = this.#options;
		const entry = await local.ledger.find(request);
		const sentAt = clock.now();
		if (!(await local.renew(project, request))) return false;
		if (entry?.stage !== "granted") return true;
		const reached = await reach.ask((remote) => remote.renew(project, entry.name));
		if (reached.ok && !reached.value) return this.#lost(entry);
		const held = await this.#heldBy(entry);
		if (reached.ok) {
			if (held !== undefined) await local.ledger.renewed(request, sentAt + held.ttlMs);
			return held !== undefined;
		}
		if (held === undefined) return false;
		if (held.resources.every(standsAlone)) return true;
		if (entry.until > clock.now()) throw reached.error;
		await local.ledger.end(request, { cause: "expired" }, false);
		return false;
	}

	/** See Store.renewClaims. Each by itself, since what was taken from the session elsewhere must not live on here. */
	async renewClaims(project: ProjectId, session: SessionId): Promise<void> {
		const { local } = this.#options;
		await local.renewClaims(project, session);
		const claims = await local.ledger.claimsOf(project, session);
		await Promise.all(claims.map(({ entry }) => entry && this.#renewClaim(entry)));
	}

	/** See Store.release. The team first: whoever waits on this machine finds it free there. */
	async release(project: ProjectId, request: RequestId, cause: "released" | "died"): Promise<boolean> {
		const { local, reach } = this.#options;
		const entry = await local.ledger.find(request);
		if (entry === undefined || entry.stage === "lining") return local.release(project, request, cause);
		const reached = await reach.ask((remote) =>
			entry.stage === "granted"
				? remote.release(project, entry.name, cause)
				: remote.cancel(project, entry.name, cause === "died" ? "died" : "cancelled").then(() => true),
		);
		const wasHeld = await local.ledger.end(entry.request, { cause }, !reached.ok);
		return reached.ok && entry.stage === "granted" ? reached.value : wasHeld;
	}

	/** See Store.cancel. */
	async cancel(project: ProjectId, request: RequestId, cause: "cancelled" | "died"): Promise<void> {
		const { local, reach } = this.#options;
		this.#refusals.delete(request);
		// Who stood in the way is dead: what is known of it is of no use any more.
		for (const [each, { blockers }] of this.#refusals) {
			if (blockers.some((blocker) => blocker.request === request)) this.#refusals.delete(each);
		}
		const entry = await local.ledger.find(request);
		if (entry === undefined || entry.stage === "lining") {
			await local.cancel(project, request, cause);
			if (entry !== undefined) await local.ledger.forget([entry.request]);
			// It may be another machine's, or one that this machine has forgotten.
			else await reach.ask((remote) => remote.cancel(project, request, cause));
			return;
		}
		const reached = await reach.ask((remote) => remote.cancel(project, entry.name, cause));
		await local.ledger.end(entry.request, { cause: cause === "died" ? "died" : "released" }, !reached.ok);
	}

	/** See Store.peek. */
	async peek(project: ProjectId, request: RequestId): Promise<"waiting" | "granted" | "gone"> {
		const { local, reach, clock } = this.#options;
		const here = await local.peek(project, request);
		const entry = here === "granted" ? await local.ledger.find(request) : undefined;
		if (entry?.stage !== "waiting" && entry?.stage !== "granted") return here;
		const reached = await reach.ask((remote) => remote.peek(project, entry.name));
		// Whatever else has become of a place in line: asking again tells.
		if (entry.stage === "waiting") {
			return (reached.ok ? reached.value === "waiting" : this.#isTaken(entry)) ? "waiting" : "granted";
		}
		if (reached.ok) return reached.value === "granted" || (await this.#lost(entry)) ? "granted" : "gone";
		if (entry.until > clock.now()) return "granted";
		const held = await this.#heldBy(entry);
		if (held?.resources.every(standsAlone)) return "granted";
		await local.ledger.end(entry.request, { cause: "expired" }, false);
		return "gone";
	}

	/** Ends what the team granted for a time that is over and what cannot stand on this machine alone; there it ends by itself. */
	async endLapsed(project: ProjectId): Promise<void> {
		const { local, clock } = this.#options;
		for (const request of await local.ledger.lapsed(project, clock.now())) {
			await local.ledger.end(request, { cause: "expired" }, false);
		}
	}

	async #confirm(
		wanted: AcquireRequest,
		here: Granted,
		entry: Entry | undefined,
		isLastTry = false,
	): Promise<Acquired> {
		const { local, reach, clock } = this.#options;
		if (entry === undefined) throw new Error(`nothing was noted of request ${wanted.request}`);
		const floor = await local.ledger.fence();
		const sentAt = clock.now();
		const reached = await reach.ask((remote) =>
			remote.acquire({ ...wanted, request: entry.name, ttlMs: wanted.ttlMs + lockDelayMs, floor }),
		);
		if (!reached.ok) return this.#waitingOn(entry) ?? this.#standAlone(wanted, here, entry, reached.error);
		const answer = reached.value;
		this.#refusals.delete(wanted.request);
		if (answer.ok) {
			const until = sentAt + wanted.ttlMs;
			if (await local.ledger.granted(entry, { token: answer.token, here: here.token, until })) {
				return { ...here, token: answer.token };
			}
			// Given up while it was asked for.
			await reach.ask((remote) => remote.cancel(wanted.project, entry.name, "cancelled"));
			return { ok: false, reason: "finished" };
		}
		switch (answer.reason) {
			case "held":
				if (entry.stage === "here") return { ...here, isLocalOnly: true };
				if (answer.queued) await this.#wait(entry, answer, sentAt);
				else await local.ledger.undo(entry.request, false);
				return answer;
			case "recovering":
				if (!this.#mayStandAlone(wanted)) break;
				if (this.#isTaken(entry)) return this.#waitingOn(entry) ?? answer;
				await local.ledger.mark(entry.request, "here");
				await this.#record(wanted);
				return { ...here, isLocalOnly: true };
			case "finished":
				await local.ledger.end(entry.request, { cause: "expired" }, false);
				return answer;
			case "no-session":
				// It has one here, so the team's store has lost its data.
				if (isLastTry) break;
				await local.team.doubt(wanted.project);
				if (await reach.settle()) return this.#confirm(wanted, here, entry, true);
				break;
			case "limit":
		}
		await local.ledger.undo(entry.request, false);
		return answer;
	}

	async #wait(entry: Entry, refusal: Refusal, sentAt: number): Promise<void> {
		const locks = refusal.blockers.filter(({ what }) => what === "lock");
		const until = sentAt + Math.max(0, ...locks.map(({ leftMs }) => leftMs));
		await this.#options.local.ledger.mark(entry.request, "waiting", until);
		this.#refusals.set(entry.request, refusal);
	}

	// What somebody else held a moment ago does not become free because the team's store cannot be asked.
	#isTaken({ stage, until }: Entry): boolean {
		return stage === "waiting" && until > this.#options.clock.now();
	}

	#waitingOn(entry: Entry): Refusal | undefined {
		return this.#isTaken(entry) ? this.#refusals.get(entry.request) : undefined;
	}

	async #standAlone(
		wanted: AcquireRequest,
		here: Granted,
		entry: Entry,
		error: StoreUnavailableError,
	): Promise<Acquired> {
		const { local, reach, clock } = this.#options;
		const leftMs = entry.until - clock.now();
		if (entry.stage === "granted" && leftMs > 0) return { ...here, leftMs };
		if (!this.#mayStandAlone(wanted)) {
			await local.ledger.undo(entry.request, true);
			throw this.#refusedAlone(wanted, error);
		}
		if (!(await local.team.standAlone(entry.project, entry.request, reach.isAlone)))
			return this.#confirm(wanted, here, entry);
		await this.#record(wanted);
		return { ...here, isLocalOnly: true };
	}

	async #record(wanted: AcquireRequest): Promise<void> {
		const { local, alone } = this.#options;
		if (alone !== "overridden" || wanted.resources.every(standsAlone)) return;
		const resources = wanted.resources.map(resourceKey);
		const from = { session: wanted.session, actor: undefined };
		await local.append(wanted.project, from, { type: "team_overridden", request: wanted.request, resources });
	}

	// The team first: a steal that it refuses has then taken nothing from anybody here.
	async #steal(wanted: AcquireRequest): Promise<Acquired> {
		const { local, reach, clock } = this.#options;
		await local.ledger.announce(wanted);
		const floor = await local.ledger.fence();
		const sentAt = clock.now();
		const reached = await reach.ask((remote) =>
			remote.acquire({ ...wanted, ttlMs: wanted.ttlMs + lockDelayMs, floor }),
		);
		if (!reached.ok && !this.#mayStandAlone(wanted)) {
			await local.ledger.mark(wanted.request, "ending");
			throw this.#refusedAlone(wanted, reached.error);
		}
		if (reached.ok && !reached.value.ok && reached.value.reason !== "recovering") {
			await local.ledger.forget([wanted.request]);
			return reached.value;
		}
		const { answer, entry } = await local.acquireForTeam(wanted);
		if (!answer.ok || entry === undefined) {
			await this.cancel(wanted.project, wanted.request, "cancelled");
			return answer;
		}
		if (!reached.ok) return this.#standAlone(wanted, answer, entry, reached.error);
		if (!reached.value.ok) return this.#confirm(wanted, answer, entry);
		const { token } = reached.value;
		await local.ledger.granted(entry, { token, here: answer.token, until: sentAt + wanted.ttlMs });
		return { ...answer, token };
	}

	// A lock here that the team took away or let run out stands in nobody's way; who waits there himself only waits.
	async #checked(blockers: Refusal["blockers"]): Promise<typeof blockers | "gone"> {
		const { local, reach } = this.#options;
		const entries = await local.ledger.entries(blockers.map(({ request }) => request));
		for (const entry of entries.values()) {
			if (entry.stage !== "granted") continue;
			const reached = await reach.ask((remote) => remote.peek(entry.project, entry.name));
			if (!reached.ok) break;
			if (reached.value !== "granted" && !(await this.#lost(entry))) return "gone";
		}
		return blockers.map((blocker) =>
			entries.get(blocker.request)?.stage === "waiting" ? { ...blocker, what: "waiter" } : blocker,
		);
	}

	async #renewClaim(entry: Entry): Promise<void> {
		try {
			await this.renew(entry.project, entry.request);
		} catch (error) {
			if (!(error instanceof StoreUnavailableError)) throw error;
		}
	}

	// The team's store does not know a lock that it had granted: it has lost its data, or has given the lock to somebody else.
	async #lost(entry: Entry): Promise<boolean> {
		const { local, reach } = this.#options;
		const reached = await reach.ask((remote) => remote.rejoin(entry.project));
		if (!reached.ok || reached.value.recoveringMs > 0) {
			await local.team.doubt(entry.project);
			await reach.settle();
			return (await this.#heldBy(entry)) !== undefined;
		}
		await local.ledger.end(entry.request, { cause: "expired" }, false);
		return false;
	}

	async #settleDebt(entry: Entry): Promise<void> {
		const reached = await this.#options.reach.ask((remote) => remote.cancel(entry.project, entry.name, "cancelled"));
		if (reached.ok) await this.#options.local.ledger.forget([entry.request]);
	}

	#heldBy(entry: Entry): Promise<Held | undefined> {
		return this.#options.local.ledger.heldBy(entry.request);
	}

	#mayStandAlone({ resources }: AcquireRequest): boolean {
		return this.#options.alone !== "files" || resources.every(standsAlone);
	}

	#refusedAlone({ resources }: AcquireRequest, away: StoreUnavailableError): StoreUnavailableError {
		const names = resources.filter((resource) => !standsAlone(resource)).map(describeResource);
		return new StoreUnavailableError(`${names.join(", ")} cannot be locked without the team's store`, {
			why: `${away.message}; a lock on this machine alone would keep nobody else out.`,
			next: "udo doctor, or UDO_LOCAL=1 to lock on this machine only",
			retryable: true,
			cause: away,
		});
	}
}
