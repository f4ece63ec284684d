import type { AcquireRequest, Origin } from "../../server/coordination/lock.ts";
import type { Resource } from "../../server/coordination/resource.ts";

/**
 * The executable specification of locks, queues and sessions: what the contract in server/store/store.ts says, in the
 * simplest form that could be right. Every store must answer as it does. Times in ms, on the world's own clock.
 */
export interface World {
	now: number;
	/** Oldest first. */
	sessions: OpenSession[];
	holds: Hold[];
	/** First come first. */
	queue: Place[];
	/** Requests that are over, and until when that is remembered. */
	finished: Map<string, number>;
	fence: number;
}

export interface OpenSession {
	readonly id: string;
	readonly project: string;
	readonly since: number;
	branch: string | undefined;
	beat: number;
	expires: number;
}

export interface Hold extends Wanted {
	readonly resource: Resource;
	readonly token: number;
	readonly since: number;
	expires: number;
}

export interface Place extends Wanted {
	readonly since: number;
	expires: number;
}

/** What a request asks for, however often it is sent. */
export interface Wanted {
	readonly request: string;
	readonly project: string;
	readonly session: string;
	readonly resources: readonly Resource[];
	readonly origin: Origin;
	readonly ttlMs: number;
	readonly owned: boolean;
}

export type Answer =
	| { readonly ok: true; readonly leftMs: number; readonly token: number; readonly resources: readonly Resource[] }
	| { readonly ok: false; readonly reason: "held"; readonly queued: boolean; readonly standing: Standing }
	| {
			readonly ok: false;
			readonly reason: "limit";
			readonly limit: string;
			readonly most: number;
			readonly held: number;
	  }
	| { readonly ok: false; readonly reason: "no-session" | "finished" };

export interface Standing {
	readonly holds: readonly Hold[];
	readonly waiters: readonly Place[];
}

const placeLeaseMs = 10_000;
const memoryMs = 600_000;

export function newWorld(): World {
	return { now: 0, sessions: [], holds: [], queue: [], finished: new Map(), fence: 0 };
}

/** Lets go whatever is due and hands it on. Every step and every look begins with it. */
export function settle(world: World): void {
	for (const [request, expires] of world.finished) if (expires <= world.now) world.finished.delete(request);
	const places = world.queue.filter(({ expires }) => expires <= world.now);
	const holds = world.holds.filter(({ expires }) => expires <= world.now);
	const sessions = world.sessions.filter(({ expires }) => expires <= world.now);
	removePlaces(world, places);
	removeHolds(world, holds);
	for (const session of sessions) end(world, session);
	serve(world);
}

export function openSession(
	world: World,
	{ id, project, branch }: { id: string; project: string; branch: string | undefined },
	{ ttlMs, most }: { ttlMs: number; most: number },
): boolean {
	const known = find(world, project, id);
	if (known !== undefined) {
		Object.assign(known, { beat: world.now, expires: world.now + ttlMs, branch });
		return true;
	}
	if (world.sessions.filter((session) => session.project === project).length >= most) return false;
	world.sessions.push({ id, project, branch, since: world.now, beat: world.now, expires: world.now + ttlMs });
	return true;
}

export function beat(world: World, ids: readonly string[], ttlMs: number): void {
	for (const session of world.sessions) {
		if (ids.includes(session.id)) Object.assign(session, { beat: world.now, expires: world.now + ttlMs });
	}
}

export function closeSessions(world: World, ids: readonly string[], project: string | undefined): number {
	const ended = world.sessions.filter(
		(session) => ids.includes(session.id) && (project === undefined || session.project === project),
	);
	for (const session of ended) end(world, session);
	serve(world);
	return ended.length;
}

/** Whether a session is the oldest of its project. */
export function isPrimary(world: World, session: OpenSession): boolean {
	return world.sessions.find(({ project }) => project === session.project) === session;
}

export function acquire(world: World, sent: AcquireRequest): Answer {
	const known = answerAgain(world, sent.request);
	if (known !== undefined) return known;
	if (find(world, sent.project, sent.session) === undefined) return { ok: false, reason: "no-session" };
	const wanted: Wanted = {
		request: sent.request,
		project: sent.project,
		session: sent.session,
		resources: distinct(sent.resources),
		origin: sent.origin,
		ttlMs: sent.ttlMs,
		owned: sent.owner !== undefined,
	};
	const excess = overLimit(world, wanted, sent.limits);
	if (excess !== undefined) return excess;
	const standing = against(world, wanted, world.queue);
	if (sent.steal !== undefined) {
		removeHolds(world, standing.holds);
		const granted = grant(world, wanted, wanted.ttlMs);
		serve(world);
		return granted;
	}
	if (isFree(standing)) return grant(world, wanted, wanted.ttlMs);
	if (sent.queue) world.queue.push({ ...wanted, since: world.now, expires: world.now + placeLeaseMs });
	return { ok: false, reason: "held", queued: sent.queue, standing };
}

export function renew(world: World, request: string): boolean {
	const holds = holdsOf(world, request);
	if (!isWhole(holds)) return false;
	for (const hold of holds) hold.expires = world.now + hold.ttlMs;
	return true;
}

export function renewClaims(world: World, project: string, session: string): void {
	for (const hold of claims(world, project, session)) hold.expires = world.now + hold.ttlMs;
}

export function release(world: World, request: string): boolean {
	const holds = holdsOf(world, request);
	removeHolds(world, holds);
	serve(world);
	return holds.length > 0;
}

export function releaseClaims(
	world: World,
	project: string,
	session: string,
	resources: readonly Resource[] | undefined,
): readonly Resource[] {
	const holds = claims(world, project, session).filter(
		({ resource }) => resources === undefined || resources.some((other) => same(resource, other)),
	);
	removeHolds(world, holds);
	serve(world);
	return distinct(holds.map(({ resource }) => resource));
}

export function cancel(world: World, request: string): void {
	removePlaces(
		world,
		world.queue.filter((place) => place.request === request),
	);
	removeHolds(world, holdsOf(world, request));
	world.finished.set(request, world.now + memoryMs);
	serve(world);
}

export function peek(world: World, request: string): "waiting" | "granted" | "gone" {
	if (isWhole(holdsOf(world, request))) return "granted";
	return world.queue.some((place) => place.request === request) ? "waiting" : "gone";
}

/** Whether two sessions cannot have these at the same time. */
export function exclude(project: string, resource: Resource, otherProject: string, other: Resource): boolean {
	const reach = project === otherProject || resource.kind === "exclusive" || other.kind === "exclusive";
	return reach && (contains(resource, other) || contains(other, resource));
}

/** Whether a session may have `resource` because of something that it has. */
export function isCovered(
	holds: readonly { readonly project: string; readonly session: string; readonly resource: Resource }[],
	{ project, session }: { readonly project: string; readonly session: string },
	resource: Resource,
): boolean {
	return holds.some(
		(hold) =>
			hold.session === session &&
			(hold.project === project || hold.resource.kind === "exclusive") &&
			contains(hold.resource, resource),
	);
}

function contains(outer: Resource, inner: Resource): boolean {
	if (outer.kind === "exclusive") return true;
	if (outer.kind === "project") return inner.kind !== "exclusive";
	if (outer.kind !== inner.kind) return false;
	if (outer.id === inner.id) return true;
	return outer.kind === "file" && outer.id.endsWith("/") && `${inner.id}/`.startsWith(outer.id);
}

function answerAgain(world: World, request: string): Answer | undefined {
	const holds = holdsOf(world, request);
	const [hold] = holds;
	if (hold !== undefined && renew(world, request)) {
		const token = Math.max(...holds.map((each) => each.token));
		return { ok: true, leftMs: hold.ttlMs, token, resources: hold.resources };
	}
	if (hold !== undefined || world.finished.has(request)) return { ok: false, reason: "finished" };
	const at = world.queue.findIndex((place) => place.request === request);
	const place = world.queue[at];
	if (place === undefined) return undefined;
	place.expires = world.now + placeLeaseMs;
	return { ok: false, reason: "held", queued: true, standing: against(world, place, world.queue.slice(0, at)) };
}

// Places in the queue count, since they become locks without anybody asking again; what one has already does not count twice.
function overLimit(world: World, wanted: Wanted, limits: AcquireRequest["limits"]): Answer | undefined {
	const held = world.holds.filter(({ project }) => project === wanted.project);
	const queued = world.queue.filter(({ project }) => project === wanted.project);
	const mine = held.filter(({ session }) => session === wanted.session);
	const fresh = wanted.resources.filter((resource) => !mine.some((hold) => same(hold.resource, resource))).length;
	const used = {
		perSession: size(
			mine,
			queued.filter(({ session }) => session === wanted.session),
		),
		perProject: size(held, queued),
	};
	for (const limit of ["perSession", "perProject"] as const) {
		if (fresh > 0 && used[limit] + fresh > limits[limit]) {
			return { ok: false, reason: "limit", limit, most: limits[limit], held: used[limit] };
		}
	}
	return undefined;
}

function size(holds: readonly Hold[], places: readonly Place[]): number {
	const locks = distinct(holds.map(({ resource }) => resource)).length;
	return places.reduce((sum, { resources }) => sum + resources.length, locks);
}

function against(world: World, wanted: Wanted, earlier: readonly Place[]): Standing {
	const needed = wanted.resources.filter((resource) => !isCovered(world.holds, wanted, resource));
	const clash = (project: string, theirs: Resource) =>
		needed.some((resource) => exclude(wanted.project, resource, project, theirs));
	return {
		holds: world.holds.filter((hold) => hold.session !== wanted.session && clash(hold.project, hold.resource)),
		waiters: earlier.filter(
			(place) => place.session !== wanted.session && place.resources.some((theirs) => clash(place.project, theirs)),
		),
	};
}

function isFree({ holds, waiters }: Standing): boolean {
	return holds.length === 0 && waiters.length === 0;
}

function grant(world: World, wanted: Wanted, leaseMs: number): Answer {
	const tokens = wanted.resources.map(
		(resource) =>
			world.holds.find(
				(hold) => hold.project === wanted.project && hold.session === wanted.session && same(hold.resource, resource),
			)?.token,
	);
	if (tokens.includes(undefined)) world.fence += 1;
	const given = tokens.map((token) => token ?? world.fence);
	for (const [index, resource] of wanted.resources.entries()) {
		const token = given[index] ?? world.fence;
		world.holds.push({ ...wanted, resource, token, since: world.now, expires: world.now + leaseMs });
	}
	return { ok: true, leftMs: leaseMs, token: Math.max(...given), resources: wanted.resources };
}

/** In order of arrival, every waiter that no lock and no earlier waiter stands against gets its locks. */
function serve(world: World): void {
	for (const place of [...world.queue]) {
		if (!isFree(against(world, place, world.queue.slice(0, world.queue.indexOf(place))))) continue;
		world.queue.splice(world.queue.indexOf(place), 1);
		const { since: _since, expires: _expires, ...wanted } = place;
		grant(world, wanted, Math.min(placeLeaseMs, wanted.ttlMs));
	}
}

function end(world: World, session: OpenSession): void {
	const belongs = (each: Wanted) => each.session === session.id && each.project === session.project;
	removePlaces(world, world.queue.filter(belongs));
	removeHolds(world, world.holds.filter(belongs));
	world.sessions = world.sessions.filter((each) => each !== session);
}

function removeHolds(world: World, gone: readonly Hold[]): void {
	world.holds = world.holds.filter((hold) => !gone.includes(hold));
	for (const { request } of gone) {
		if (holdsOf(world, request).length === 0) world.finished.set(request, world.now + memoryMs);
	}
}

function removePlaces(world: World, gone: readonly Place[]): void {
	world.queue = world.queue.filter((place) => !gone.includes(place));
	for (const { request } of gone) world.finished.set(request, world.now + memoryMs);
}

function holdsOf(world: World, request: string): Hold[] {
	return world.holds.filter((hold) => hold.request === request);
}

// A request is granted as long as none of what it got was taken away.
function isWhole(holds: readonly Hold[]): boolean {
	return holds.length > 0 && holds.length === holds[0]?.resources.length;
}

function claims(world: World, project: string, session: string): Hold[] {
	return world.holds.filter(
		(hold) => hold.project === project && hold.session === session && hold.origin === "claim" && !hold.owned,
	);
}

function find(world: World, project: string, id: string): OpenSession | undefined {
	return world.sessions.find((session) => session.project === project && session.id === id);
}

function distinct(resources: readonly Resource[]): Resource[] {
	return resources.filter((resource, index) => resources.findIndex((other) => same(resource, other)) === index);
}

function same(a: Resource, b: Resource): boolean {
	return a.kind === b.kind && a.id === b.id;
}
