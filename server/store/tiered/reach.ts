import { setTimeout as delay } from "node:timers/promises";
import { background } from "../../coordination/background.ts";
import type { Clock } from "../../coordination/clock.ts";
import { showDuration } from "../../coordination/describe.ts";
import type { Link } from "../../coordination/link.ts";
import type { ProjectId } from "../../coordination/session.ts";
import { StoreUnavailableError } from "../../errors.ts";
import type { Outage, TeamRecords } from "../local/team-records.ts";
import type { Boot } from "../redis/steps.ts";
import type { RedisStore } from "../redis.ts";

// How soon it is worth asking again: at once after a hiccup, in the end often enough that nobody waits ten seconds.
const firstPauseMs = 100;
const longestPauseMs = 4000;
// A process that died while it settled must not keep the others from doing so.
const settlingMs = 10_000;
// The connection knows better why there is no answer, and says so after `patienceMs`.
const graceMs = 100;

export interface ReachOptions {
	readonly project: ProjectId;
	readonly remote: RedisStore;
	readonly records: TeamRecords;
	readonly clock: Clock;
	/** How long one step may take before the team's store counts as away. */
	readonly patienceMs: number;
	/** What runs too long for this process, a git hook, may still be soon enough for others: they are not told. */
	readonly isHurried: boolean;
	/** Tells the team's store what happened meanwhile; rejects with StoreUnavailableError. Answers which requests it tried. */
	readonly settle: () => Promise<ReadonlySet<string>>;
	/** Until when a lock that the team granted to this machine still runs, by the clock. */
	readonly lastDeadline: () => Promise<number>;
}

/** What the team's store answered, or that it could not be asked. */
export type Reached<T> =
	| { readonly ok: true; readonly value: T }
	| { readonly ok: false; readonly error: StoreUnavailableError };

/**
 * The way to the team's store. When it does not answer, all processes of this machine know, so that none of them waits for it
 * again; one of them asks now and then, and settles what happened meanwhile before anybody uses it again.
 */
export class Reach implements AsyncDisposable {
	readonly #options: ReachOptions;
	#outage: Outage | undefined;
	#gaveUp: StoreUnavailableError | undefined;
	#deadline = 0;
	#lookedAt: number | undefined;
	#returning: Promise<boolean> | undefined;
	#settling: Promise<boolean> | undefined;
	#timer: NodeJS.Timeout | undefined;
	#recovery: NodeJS.Timeout | undefined;
	#isDisposed = false;
	#boot: Boot | undefined;
	#booting: Promise<void> = Promise.resolve();
	#recoveringUntil = 0;
	readonly #listening: readonly Disposable[];

	constructor(options: ReachOptions) {
		this.#options = options;
		const { remote } = options;
		this.#listening = [
			remote.onBoot((project, boot) => this.#booted(project, boot)),
			remote.connection.onLink(() => this.#inBackground(this.#linkChanged())),
		];
	}

	/** How the team's store is doing, as this process last saw it. */
	get link(): Link {
		const { clock } = this.#options;
		const server = this.#server;
		const recoveringMs = Math.max(0, this.#recoveringUntil - clock.now());
		const outage = this.#outage;
		if (outage === undefined) {
			const why = this.#gaveUp?.message;
			return { state: why === undefined ? "connected" : "local", server, why, recoveringMs };
		}
		const now = clock.now();
		const state = outage.isReturning ? "reconciling" : this.#deadline > now ? "jeopardy" : "local";
		return { state, server, why: outage.why, recoveringMs, awayMs: Math.max(0, now - outage.since) };
	}

	/** Whether this process has given the team's store up, though others may still reach it. */
	get isAlone(): boolean {
		return this.#gaveUp !== undefined;
	}

	/** Asks, unless it is known to be away. Rejects only with what is not an outage. */
	async ask<T>(body: (remote: RedisStore) => Promise<T>): Promise<Reached<T>> {
		const closed = await this.whyClosed();
		if (closed !== undefined) return { ok: false, error: closed };
		const sentAt = this.#options.clock.now();
		let value: T;
		try {
			value = await this.#inTime(body);
		} catch (error) {
			if (!(error instanceof StoreUnavailableError)) throw error;
			await this.#fell(error, sentAt);
			return { ok: false, error };
		}
		// That this machine cannot write it down is not Redis' failure.
		await this.#noteBoot();
		return { ok: true, value };
	}

	/** Why it cannot be asked now, without trying; undefined when it can. */
	async whyClosed(): Promise<StoreUnavailableError | undefined> {
		if (this.#gaveUp !== undefined) return this.#gaveUp;
		const known = await this.#options.records.outage(this.#options.project);
		this.#outage = known;
		if (known === undefined || (await this.#comeBack(known))) return undefined;
		const outage = this.#outage ?? known;
		this.#deadline = await this.#options.lastDeadline();
		this.#watch(outage.askAt);
		return this.#unavailable(outage);
	}

	/** Settles what is open between this machine and the team's store. False when that has to be done later. */
	settle(): Promise<boolean> {
		this.#settling ??= this.#settle().finally(() => {
			this.#settling = undefined;
		});
		return this.#settling;
	}

	/** Asks no more. What is being settled may come to its end, or others would have to wait until that is given up. */
	async [Symbol.asyncDispose](): Promise<void> {
		for (const each of this.#listening) each[Symbol.dispose]();
		clearTimeout(this.#timer);
		clearTimeout(this.#recovery);
		const settling = Promise.allSettled([this.#booting, this.#settling]);
		await Promise.race([settling, delay(this.#options.patienceMs, undefined, { ref: false })]);
		this.#isDisposed = true;
		clearTimeout(this.#timer);
	}

	// Another process may have been wrong about it: one whose connection is up looks for itself, once in each outage.
	async #comeBack({ askAt, since }: Outage): Promise<boolean> {
		const isUp = this.#options.remote.connection.isUp && this.#lookedAt !== since;
		if (!isUp && this.#options.clock.now() < askAt) return false;
		this.#lookedAt = since;
		return this.#return(isUp);
	}

	// Whoever only listens, such as an editor, is to know as soon as there is something to know.
	async #linkChanged(): Promise<void> {
		if (this.#isDisposed || this.#gaveUp !== undefined) return;
		const { remote, records, project } = this.#options;
		if (!remote.connection.isUp) await this.ask((team) => team.lastEvent(project));
		else if ((await records.outage(project)) !== undefined) await this.#return(true);
	}

	#return(isUp: boolean): Promise<boolean> {
		this.#returning ??= this.#askAgain(isUp).finally(() => {
			this.#returning = undefined;
		});
		return this.#returning;
	}

	async #askAgain(isUp: boolean): Promise<boolean> {
		const { records, clock, remote, project } = this.#options;
		const now = clock.now();
		const until = now + this.#options.patienceMs + firstPauseMs;
		if (!(await records.mayAsk(project, { now, until, isUp }))) return this.#isBack();
		const sentAt = clock.now();
		try {
			await this.#inTime(() => remote.lastEvent(project));
		} catch (error) {
			if (!(error instanceof StoreUnavailableError)) throw error;
			await this.#fell(error, sentAt);
			return false;
		}
		return this.settle();
	}

	async #settle(): Promise<boolean> {
		const { records, clock, project } = this.#options;
		if (!(await records.maySettle(project, clock.now(), clock.now() + settlingMs))) return this.#isBack();
		this.#outage = await records.outage(project);
		try {
			const tried = new Set<string>();
			do {
				for (const each of await this.#options.settle()) tried.add(each);
			} while (!(await records.over(project, tried)));
			this.#outage = undefined;
			return true;
		} catch (error) {
			if (!(error instanceof StoreUnavailableError)) throw error;
			await this.#fell(error, clock.now());
			return false;
		} finally {
			if (!this.#isDisposed) await records.settled(project);
		}
	}

	async #isBack(): Promise<boolean> {
		this.#outage = await this.#options.records.outage(this.#options.project);
		return this.#outage === undefined;
	}

	async #fell(error: StoreUnavailableError, sentAt: number): Promise<void> {
		const { records, clock, isHurried, project } = this.#options;
		// Closing the connection ends what is under way on it.
		if (this.#isDisposed) return;
		if (isHurried && error.cause === overtime) {
			this.#gaveUp = error;
			return;
		}
		const now = clock.now();
		this.#outage = await records.fell(project, { server: this.#server, why: whyOf(error), now }, (tries) =>
			pauseMs(tries, now - sentAt),
		);
		this.#lookedAt = this.#outage.since;
		this.#deadline = await this.#options.lastDeadline();
		this.#watch(this.#outage.askAt);
	}

	#unavailable({ since, why }: Outage): StoreUnavailableError {
		return new StoreUnavailableError(`Redis ${this.#server} is away (${why})`, {
			why: `since ${showDuration(this.#options.clock.now() - since)}.`,
			next: "udo doctor",
			retryable: true,
		});
	}

	// Whatever lives long asks again by itself, so that an editor or a waiting command is connected again without a command.
	#watch(askAt: number): void {
		if (this.#isDisposed) return;
		clearTimeout(this.#timer);
		const inMs = Math.max(0, askAt - this.#options.clock.now()) + Math.random() * firstPauseMs;
		this.#timer = setTimeout(() => this.#inBackground(this.whyClosed()), inMs).unref();
	}

	// A store that has lost its data takes back at once what this machine holds, and anything else when that time is over.
	#booted(project: ProjectId, boot: Boot): void {
		if (project !== this.#options.project) return;
		this.#recoveringUntil = this.#options.clock.now() + boot.recoveringMs;
		this.#boot = boot;
		this.#booting = this.#noteBoot();
		this.#inBackground(this.#booting);
		if (boot.recoveringMs === 0 || this.#isDisposed) return;
		clearTimeout(this.#recovery);
		const inMs = boot.recoveringMs + Math.random() * firstPauseMs;
		this.#recovery = setTimeout(() => this.#inBackground(this.settle()), inMs).unref();
		this.#inBackground(
			this.#booting.then(async () => {
				// The end of an outage settles anyway.
				if (this.#outage === undefined && (await this.#options.records.doubts(project)) > 0) await this.settle();
			}),
		);
	}

	// Once more until it is written down.
	async #noteBoot(): Promise<void> {
		const boot = this.#boot;
		if (boot === undefined) return;
		await this.#options.records.booted(this.#options.project, boot);
		if (this.#boot === boot) this.#boot = undefined;
	}

	// What is still under way when the stores are closed fails for that reason.
	#inBackground(work: Promise<unknown>): void {
		background(
			work.catch((error: unknown) => {
				if (!this.#isDisposed) throw error;
			}),
		);
	}

	get #server(): string {
		return this.#options.remote.connection.server;
	}

	#inTime<T>(body: (remote: RedisStore) => Promise<T>): Promise<T> {
		const { patienceMs, isHurried, remote } = this.#options;
		let isLate = false;
		const work = async (): Promise<T> => {
			// Its own pause between two attempts may have begun before the server was back.
			if (!remote.connection.isUp) await remote.connection.ready();
			if (isLate) throw this.#late();
			return body(remote);
		};
		return new Promise((resolve, reject) => {
			const timer = setTimeout(
				// When this process itself was busy for so long, the answer is in the socket: it is read before this.
				() =>
					setImmediate(() => {
						isLate = true;
						reject(this.#late());
					}),
				isHurried ? patienceMs : patienceMs + graceMs,
			);
			work()
				.then(resolve, reject)
				.finally(() => clearTimeout(timer));
		});
	}

	#late(): StoreUnavailableError {
		const message = `no answer from ${this.#server} within ${this.#options.patienceMs} ms`;
		return new StoreUnavailableError(message, { cause: overtime, next: "udo doctor", retryable: true });
	}
}

const overtime = Symbol("overtime");

// Random, so that a hundred machines do not come back in the same instant. What was waited for in vain is not tried soon again.
function pauseMs(tries: number, waitedMs: number): number {
	const longest = Math.min(longestPauseMs, Math.max(firstPauseMs * 2 ** tries, 8 * waitedMs));
	return Math.round(longest * (0.5 + Math.random() / 2));
}

function whyOf({ message, why }: StoreUnavailableError): string {
	return (why ?? message).replace(/\.$/, "");
}
