import type {
	Acquired,
	AcquireRequest,
	Blocker,
	FencingToken,
	Hold,
	Lock,
	Origin,
	RequestId,
	Waiter,
} from "../../coordination/lock.ts";
import type { ProcessIdentity } from "../../coordination/process.ts";
import { resourceKey, resourceOf } from "../../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../../coordination/session.ts";

/** A request as the scripts keep it; see lua/requests.lua. Empty lists never occur. */
export interface RequestRecord {
	readonly session: SessionId;
	readonly origin: Origin;
	/** JSON, or empty. */
	readonly owner: string;
	readonly ttl: number;
	readonly resources: readonly string[];
	readonly tokens?: readonly number[];
	readonly home?: ProjectId;
	/** What a request of another project, of which this is a part, wants in all. */
	readonly asked?: readonly string[];
}

/** A request and its times as of now. */
export interface SeenRequest {
	readonly request: RequestId;
	readonly record: RequestRecord;
	readonly age: number;
	readonly left: number;
	readonly ticket: number;
}

/** What stands in the way, as the scripts say it. `own` counts the waiters of the project that was asked. */
export interface HeldReply {
	readonly ahead: number;
	readonly own: number;
	readonly blockers: readonly RawBlocker[] | Record<string, never>;
}

interface RawBlocker {
	readonly what: "lock" | "waiter";
	readonly resource: string;
	readonly request: RequestId;
	readonly project: ProjectId;
	readonly session: SessionId;
	readonly origin: Origin;
	readonly owner: string;
	readonly age: number;
	readonly left: number;
	readonly who: string;
}

/** The arguments of acquire.lua. `how`: see there. */
export function acquireArguments(
	wanted: AcquireRequest,
	{ how = "", victims = [] }: { readonly how?: "" | "ask" | "wait"; readonly victims?: readonly SessionId[] } = {},
): (string | number)[] {
	return [
		wanted.request,
		wanted.session,
		wanted.origin,
		wanted.ttlMs,
		flag(wanted.queue || how === "wait"),
		how,
		flag(wanted.steal !== undefined),
		wanted.steal?.reason ?? "",
		wanted.owner === undefined ? "" : JSON.stringify(wanted.owner),
		wanted.limits.perSession,
		wanted.limits.perProject,
		wanted.floor ?? 0,
		flag(wanted.isReasserted === true),
		JSON.stringify(victims),
		...new Set(wanted.resources.map(resourceKey)),
	];
}

/** The answer of acquire.lua; `free` only when it was merely asked. */
export function toAcquired(wanted: AcquireRequest, reply: unknown): Acquired | "free" {
	const [isGranted, first, leftMs, , text] = reply as [number, unknown, number, string, string];
	if (isGranted === 1) {
		const token = first as FencingToken;
		const resources = JSON.parse(text) as readonly string[];
		return {
			ok: true,
			request: wanted.request,
			token,
			leftMs,
			resources: resources.map(resourceOf),
			isLocalOnly: false,
		};
	}
	const refusal = JSON.parse(String(first)) as { readonly reason: string };
	switch (refusal.reason) {
		case "free":
			return "free";
		case "held":
			return toRefusal(
				[refusal as HeldReply & typeof refusal],
				(refusal as HeldReply & typeof refusal).ahead,
				wanted.queue,
			);
		case "limit": {
			const { limit, most, held } = refusal as unknown as Extract<Acquired, { reason: "limit" }>;
			return { ok: false, reason: "limit", limit, most, held };
		}
		case "recovering":
			return { ok: false, reason: "recovering", leftMs: (refusal as unknown as { left: number }).left };
		default:
			return { ok: false, reason: refusal.reason as "no-session" | "finished" };
	}
}

/** The exclusive requests that a steal took something from, and the projects where they were made. */
export function stolenFrom(reply: unknown): readonly { readonly request: RequestId; readonly home: ProjectId }[] {
	const [isGranted, , , foreign] = reply as [number, unknown, unknown, string];
	return isGranted === 1 ? JSON.parse(foreign) : [];
}

const mostBlockers = 16;

/** A refusal by what stands in the way in one project, or in several that were asked the same. */
export function toRefusal(
	replies: readonly HeldReply[],
	ahead: number,
	queued: boolean,
): Extract<Acquired, { reason: "held" }> {
	const blockers = replies.flatMap(({ blockers }) => (Array.isArray(blockers) ? (blockers as RawBlocker[]) : []));
	const distinct = new Map(
		blockers.map((each) => [`${each.what} ${each.request} ${each.project} ${each.resource}`, each]),
	);
	const sorted = [...distinct.values()].sort((a, b) => Number(a.what === "waiter") - Number(b.what === "waiter"));
	return {
		ok: false,
		reason: "held",
		queued,
		ahead,
		blockers: sorted.slice(0, mostBlockers).map(toBlocker),
	};
}

function toBlocker(raw: RawBlocker): Blocker {
	const entry = JSON.parse(raw.who) as SessionEntry;
	return {
		what: raw.what,
		resource: resourceOf(raw.resource),
		project: raw.project,
		session: raw.session,
		kind: entry.kind,
		actor: entry.actor,
		host: entry.host,
		worktree: entry.worktree,
		branch: entry.branch ?? undefined,
		request: raw.request,
		origin: raw.origin,
		ageMs: raw.age,
		leftMs: raw.left,
		process: entry.process,
		owner: toOwner(raw.owner),
	};
}

/** The granted requests of a project as locks, oldest first. */
export function toLocks(project: ProjectId, seen: readonly SeenRequest[]): Lock[] {
	const groups = new Map<string, [Standing, ...Standing[]]>();
	for (const each of seen) {
		for (const [index, resource] of each.record.resources.entries()) {
			const standing = { ...each, resource, token: each.record.tokens?.[index] ?? 0 };
			const key = `${each.record.home ?? project} ${resource}`;
			const group = groups.get(key);
			if (group === undefined) groups.set(key, [standing]);
			else group.push(standing);
		}
	}
	const locks = [...groups.values()].map((group) => toLock(project, group));
	return locks.sort((a, b) => b.ageMs - a.ageMs || a.token - b.token || compare(keyOf(a), keyOf(b)));
}

interface Standing extends SeenRequest {
	readonly resource: string;
	readonly token: number;
}

function toLock(project: ProjectId, group: readonly [Standing, ...Standing[]]): Lock {
	const [first] = group;
	return {
		resource: resourceOf(first.resource),
		project: first.record.home ?? project,
		session: first.record.session,
		token: first.token as FencingToken,
		origin: group.some(({ record }) => record.origin === "claim") ? "claim" : "edit",
		count: group.length,
		ageMs: Math.max(...group.map(({ age }) => age)),
		leftMs: Math.max(...group.map(({ left }) => left)),
		isLocalOnly: false,
		holds: group.map(({ request, record }): Hold => ({ request, origin: record.origin, owner: toOwner(record.owner) })),
	};
}

/** The waiting requests of a project, in the order in which they will be served. */
export function toWaiters(project: ProjectId, seen: readonly SeenRequest[]): Waiter[] {
	return seen.map(({ request, record, age, ticket }) => ({
		ticket,
		request,
		project: record.home ?? project,
		session: record.session,
		resources: (record.asked ?? record.resources).map(resourceOf),
		origin: record.origin,
		owner: toOwner(record.owner),
		ageMs: age,
	}));
}

/** The sessions of one project, oldest first, as read-sessions.lua tells them. What udo did not write is passed over. */
export function toSessions(now: number, texts: readonly string[]): Session[] {
	const found = texts.flatMap((text) => parsed<SessionEntry & { readonly since: number; readonly beat: number }>(text));
	return found.map(({ since, beat, ...entry }, index) => ({
		...entry,
		branch: entry.branch ?? undefined,
		role: index === 0 ? "primary" : "secondary",
		ageMs: now - since,
		sinceHeartbeatMs: now - beat,
	}));
}

// Others may use the same Redis: an entry that is not a session must not keep everybody from working.
function parsed<Entry extends SessionEntry>(text: string): Entry[] {
	try {
		const entry = JSON.parse(text) as Partial<Entry> | null;
		const isWhole =
			typeof entry?.id === "string" && typeof entry.actor === "string" && typeof entry.process === "object";
		return isWhole ? [entry as Entry] : [];
	} catch {
		return [];
	}
}

function toOwner(text: string): ProcessIdentity | undefined {
	return text === "" ? undefined : (JSON.parse(text) as ProcessIdentity);
}

function flag(value: boolean): string {
	return value ? "1" : "";
}

function keyOf({ project, resource }: Lock): string {
	return `${project} ${resourceKey(resource)}`;
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
