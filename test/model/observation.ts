import { resourceKey } from "../../server/coordination/resource.ts";
import type { ProjectId } from "../../server/coordination/session.ts";
import type { Store } from "../../server/store/store.ts";
import { isPrimary, settle, type World } from "./model.ts";

/** What can be seen of one project from outside, in a form in which a model and a store must agree. */
export interface Observation {
	/** Oldest first, with the oldest as primary. */
	readonly sessions: readonly ObservedSession[];
	/** Sorted by age and resource. */
	readonly locks: readonly ObservedLock[];
	/** In the order in which they will be served. */
	readonly waiters: readonly ObservedWaiter[];
}

export interface ObservedSession {
	readonly id: string;
	readonly branch: string | undefined;
	readonly role: string;
	readonly ageMs: number;
	readonly sinceHeartbeatMs: number;
}

export interface ObservedLock {
	readonly project: string;
	readonly resource: string;
	readonly session: string;
	readonly origin: string;
	readonly count: number;
	readonly ageMs: number;
	readonly leftMs: number;
	readonly holds: readonly string[];
	/** The token's place among the tokens seen here: stores may count differently, but must agree on the order. */
	readonly rank: number;
}

export interface ObservedWaiter {
	readonly project: string;
	readonly request: string;
	readonly session: string;
	readonly resources: readonly string[];
	readonly origin: string;
	readonly owned: boolean;
	readonly ageMs: number;
}

export async function observeStore(store: Store, project: string): Promise<Observation> {
	const id = project as ProjectId;
	const locks = await store.locks(id);
	return {
		sessions: (await store.sessions(id)).map((session) => ({
			id: session.id,
			branch: session.branch,
			role: session.role,
			ageMs: session.ageMs,
			sinceHeartbeatMs: session.sinceHeartbeatMs,
		})),
		locks: ranked(
			locks.map(({ resource, token, holds, ...lock }) => ({
				project: lock.project,
				resource: resourceKey(resource),
				session: lock.session,
				origin: lock.origin,
				count: lock.count,
				ageMs: lock.ageMs,
				leftMs: lock.leftMs,
				holds: holds.map(describeHold).sort(),
				rank: token,
			})),
			project,
		),
		waiters: (await store.waiters(id)).map((waiter) => ({
			project: waiter.project,
			request: waiter.request,
			session: waiter.session,
			resources: waiter.resources.map(resourceKey).sort(),
			origin: waiter.origin,
			owned: waiter.owner !== undefined,
			ageMs: waiter.ageMs,
		})),
	};
}

export function observeModel(world: World, project: string): Observation {
	settle(world);
	const keys = [...new Set(world.holds.map((hold) => `${hold.project} ${resourceKey(hold.resource)}`))];
	const locks = keys.flatMap((key) => {
		const holds = world.holds.filter((hold) => key === `${hold.project} ${resourceKey(hold.resource)}`);
		const [first] = holds;
		if (first === undefined || (first.project !== project && first.resource.kind !== "exclusive")) return [];
		return {
			project: first.project,
			resource: resourceKey(first.resource),
			session: first.session,
			origin: holds.some(({ origin }) => origin === "claim") ? "claim" : "edit",
			count: holds.length,
			ageMs: world.now - Math.min(...holds.map(({ since }) => since)),
			leftMs: Math.max(...holds.map(({ expires }) => expires)) - world.now,
			holds: holds.map(({ owned, ...hold }) => describeHold({ ...hold, owner: owned || undefined })).sort(),
			rank: first.token,
		};
	});
	const waiters = world.queue.filter(
		(place) => place.project === project || place.resources.some(({ kind }) => kind === "exclusive"),
	);
	return {
		sessions: world.sessions
			.filter((session) => session.project === project)
			.map((session) => ({
				id: session.id,
				branch: session.branch,
				role: isPrimary(world, session) ? "primary" : "secondary",
				ageMs: world.now - session.since,
				sinceHeartbeatMs: world.now - session.beat,
			})),
		locks: ranked(locks, project),
		waiters: waiters.map((place) => ({
			project: place.project,
			request: place.request,
			session: place.session,
			resources: place.resources.map(resourceKey).sort(),
			origin: place.origin,
			owned: place.owned,
			ageMs: world.now - place.since,
		})),
	};
}

function describeHold(hold: { readonly request: string; readonly origin: string; readonly owner: unknown }): string {
	return `${hold.request} ${hold.origin} ${hold.owner === undefined ? "of the session" : "of a process"}`;
}

// Tokens are per project: those of exclusive locks elsewhere are not comparable.
function ranked(locks: readonly ObservedLock[], project: string): ObservedLock[] {
	const tokens = locks.filter((lock) => lock.project === project).map(({ rank }) => rank);
	const order = [...new Set(tokens)].sort((a, b) => a - b);
	return locks
		.map((lock) => ({ ...lock, rank: lock.project === project ? order.indexOf(lock.rank) : -1 }))
		.sort((a, b) => b.ageMs - a.ageMs || (`${a.project} ${a.resource}` < `${b.project} ${b.resource}` ? -1 : 1));
}
