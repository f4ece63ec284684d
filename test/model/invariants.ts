import { equal, ok } from "node:assert/strict";
import type { Lock, Waiter } from "../../server/coordination/lock.ts";
import { resourceKey } from "../../server/coordination/resource.ts";
import type { ProjectId, Session } from "../../server/coordination/session.ts";
import type { Store } from "../../server/store/store.ts";
import { exclude, isCovered } from "./model.ts";

/**
 * What must hold after every step whatever the history: checked on a store's own answers, so that a mistake which the model
 * shares is still found.
 */
export class Invariants {
	readonly #projects: readonly string[];
	readonly #newest = new Map<string, number>();
	readonly #tokens = new Map<string, string>();
	#waiting: Queue = new Map();
	#held = new Set<string>();

	constructor(projects: readonly string[]) {
		this.#projects = projects;
	}

	/** Looks at a store after a step. `mayPass`: the step was a steal, which alone may pass the queue. */
	async check(store: Store, mayPass: boolean): Promise<void> {
		const locks = new Map<string, Lock>();
		const queue: Queue = new Map();
		for (const project of this.#projects as readonly ProjectId[]) {
			for (const lock of await store.locks(project)) locks.set(lockKey(lock), lock);
			addToQueue(queue, await store.waiters(project));
			onePrimary(await store.sessions(project));
		}
		oneHolder([...locks.values()]);
		nobodyForgotten([...locks.values()], queue);
		this.#tokensRise([...locks.values()]);
		if (!mayPass) this.#firstComeFirstServed([...locks.values()], queue);
		this.#waiting = queue;
		this.#held = new Set([...locks.values()].flatMap(({ holds }) => holds.map(({ request }) => request)));
	}

	#tokensRise(locks: readonly Lock[]): void {
		const fresh = locks.filter((lock) => this.#tokens.get(lockKey(lock)) !== `${lock.session} ${lock.token}`);
		for (const { project, token, resource } of fresh) {
			const newest = this.#newest.get(project) ?? 0;
			ok(token > newest, `${resourceKey(resource)} got token ${token} after ${newest} was given`);
		}
		for (const { project, token } of fresh) this.#newest.set(project, Math.max(token, this.#newest.get(project) ?? 0));
		this.#tokens.clear();
		for (const lock of locks) this.#tokens.set(lockKey(lock), `${lock.session} ${lock.token}`);
	}

	// Who was waiting before this step and still waits must not have been passed by anybody.
	#firstComeFirstServed(locks: readonly Lock[], queue: Queue): void {
		const passed = [...this.#waiting.values()].filter(({ waiter }) => queue.has(waiter.request));
		for (const lock of locks) {
			const fresh = lock.holds.filter(({ request }) => !this.#held.has(request));
			if (fresh.length === 0 || fresh.length < lock.count) continue;
			const own = locks.filter((other) => other !== lock && other.session === lock.session);
			if (isCovered(own, lock, lock.resource)) continue;
			const places = fresh.flatMap(({ request }) => this.#waiting.get(request) ?? []);
			for (const { waiter } of passed) {
				// The first of them opened the way for the others, which go deeper into what the session has then.
				const wasFirst = places.some(({ earlier }) => !earlier.has(waiter));
				if (waiter.session === lock.session || wasFirst) continue;
				const clash = waiter.resources.some((wanted) => exclude(lock.project, lock.resource, waiter.project, wanted));
				ok(!clash, `${lock.session} got ${resourceKey(lock.resource)} past ${waiter.request} of ${waiter.session}`);
			}
		}
	}
}

/** Who waits, and who stood before them in a queue. */
type Queue = Map<string, { readonly waiter: Waiter; readonly earlier: Set<Waiter> }>;

// An exclusive request stands in the queue of every project.
function addToQueue(queue: Queue, waiters: readonly Waiter[]): void {
	const places = waiters.map((waiter) => queue.get(waiter.request) ?? { waiter, earlier: new Set<Waiter>() });
	for (const [index, place] of places.entries()) {
		queue.set(place.waiter.request, place);
		for (const earlier of places.slice(0, index)) place.earlier.add(earlier.waiter);
	}
}

function oneHolder(locks: readonly Lock[]): void {
	for (const [index, a] of locks.entries()) {
		equal(a.count, a.holds.length, `${resourceKey(a.resource)} counts ${a.count} holds`);
		ok(a.leftMs > 0, `${resourceKey(a.resource)} has ${a.leftMs} ms left`);
		for (const b of locks.slice(index + 1)) {
			const clash = a.session !== b.session && exclude(a.project, a.resource, b.project, b.resource);
			ok(!clash, `${a.session} has ${resourceKey(a.resource)} while ${b.session} has ${resourceKey(b.resource)}`);
		}
	}
}

function nobodyForgotten(locks: readonly Lock[], queue: Queue): void {
	for (const { waiter, earlier } of queue.values()) {
		const needed = waiter.resources.filter((resource) => !isCovered(locks, waiter, resource));
		const stands = (project: string, session: string, theirs: Lock["resource"]) =>
			session !== waiter.session && needed.some((wanted) => exclude(waiter.project, wanted, project, theirs));
		const blocked =
			locks.some((lock) => stands(lock.project, lock.session, lock.resource)) ||
			[...earlier].some((other) => other.resources.some((theirs) => stands(other.project, other.session, theirs)));
		ok(blocked, `${waiter.request} of ${waiter.session} waits for what is free`);
	}
}

function onePrimary(sessions: readonly Session[]): void {
	const roles = sessions.map(({ role }) => role);
	const expected = sessions.map((_, index) => (index === 0 ? "primary" : "secondary"));
	equal(roles.join(), expected.join(), "the oldest session is the only primary");
}

function lockKey({ project, resource }: Lock): string {
	return `${project} ${resourceKey(resource)}`;
}
