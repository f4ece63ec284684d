import type { Clock } from "../../coordination/clock.ts";
import { type Side, sides } from "../../coordination/conflict.ts";
import type { Acquired, AcquireRequest } from "../../coordination/lock.ts";
import { resourceKey } from "../../coordination/resource.ts";
import type { ProjectId, Session } from "../../coordination/session.ts";
import { type Held, nextName, standsAlone } from "../local/ledger.ts";
import type { LocalStore } from "../local.ts";
import type { RedisStore } from "../redis.ts";
import type { SessionTerms } from "../store.ts";
import { describeDivergence, type TextsOf } from "./divergence.ts";

/**
 * The team's store lets go of a lock so much later than its holder does: a machine that crashed or was paused has stopped by
 * its own clock before anybody else is let in.
 */
export const lockDelayMs = 2000;

// Each takes a round trip or two, and two hundred of them must not take ten seconds.
const atOnce = 16;

// A hiccup is not worth an entry in everybody's log.
const shortOutageMs = 2000;
const mostTold = 1000;

export interface SettleTools {
	readonly project: ProjectId;
	readonly local: LocalStore;
	readonly remote: RedisStore;
	readonly clock: Clock;
	readonly terms: SessionTerms;
	readonly textsOf: TextsOf | undefined;
}

/**
 * Makes the team's store agree with this machine after they were out of touch: sessions and locks that ended here end there,
 * what stands here is asserted there by its token, and what somebody else has meanwhile ends here, as a conflict. Whatever dies
 * in between, it can be done again. Rejects with StoreUnavailableError. Answers the requests that were seen to.
 */
export async function settle(tools: SettleTools): Promise<ReadonlySet<string>> {
	const { project, local } = tools;
	const doubts = await local.team.doubts(project);
	const sessions = await settleSessions(tools);
	await giveBack(tools);
	const seen = new Set<string>();
	const held = await local.ledger.held(project);
	for (let next = 0; next < held.length; next += atOnce) {
		const some = held.slice(next, next + atOnce);
		await Promise.all(some.map((each) => assertHeld(tools, each, sessions)));
		for (const { request } of some) seen.add(request);
	}
	await sendSettlements(tools);
	await moveConflicts(tools);
	await sendResolutions(tools);
	await sendStates(tools);
	await sendLog(tools, sessions);
	await local.team.asked(project, doubts);
	return seen;
}

async function settleSessions({ project, local, remote, terms }: SettleTools): Promise<readonly Session[]> {
	for (const session of await local.team.goneSessions(project)) {
		await remote.closeSessions([session], "closed", project);
		await local.team.left([session], project);
	}
	const sessions = await local.sessions(project);
	const presence = await local.presence(project);
	const seq = await remote.lastEvent(project);
	for (const session of sessions) {
		const opened = await remote.openSession(session, terms);
		if (opened.ok) await local.team.joined(project, session.id, seq);
		const places = presence.filter((place) => place.session === session.id);
		if (places.length > 0) await remote.setPresence(project, session.id, places);
	}
	return sessions;
}

async function giveBack({ project, local, remote }: SettleTools): Promise<void> {
	for (const { name, request } of await local.ledger.owed(project)) {
		await remote.cancel(project, name, "cancelled");
		await local.ledger.forget([request]);
	}
}

async function assertHeld(tools: SettleTools, held: Held, sessions: readonly Session[]): Promise<void> {
	const { project, local, remote, clock } = tools;
	const { entry, request, ttlMs } = held;
	const now = clock.now();
	if (entry?.stage === "granted" && (await remote.renew(project, entry.name))) {
		await local.ledger.renewed(request, now + ttlMs);
		return;
	}
	const wasTheirs = entry?.stage === "granted" && entry.until > now;
	const { recoveringMs } = await remote.rejoin(project);
	if (entry?.stage === "granted" && !held.resources.every(standsAlone) && !(wasTheirs && recoveringMs > 0)) {
		await local.ledger.end(request, { cause: "expired" }, false);
		return;
	}
	const noted = entry ?? (await local.ledger.note(held));
	const answer = await ask(tools, { ...held, entry: noted }, wasTheirs);
	if (!answer.ok && answer.reason === "held") {
		const [blocker] = answer.blockers;
		const session = sessions.find(({ id }) => id === held.session);
		const divergence = await describeDivergence(tools, held, blocker, session);
		const from = { session: held.session, actor: session?.actor };
		await remote.reportConflict(divergence.report, from);
		await local.ledger.end(request, divergence.ending, false);
		const resources = held.resources.map(resourceKey);
		await remote.append(project, from, { type: "lock_released", request, resources, ...divergence.ending });
	} else if (!answer.ok && (noted.stage === "here" || held.resources.every(standsAlone))) {
		// Too many, or the store is recovering: it stands on this machine alone until the next time.
		await local.ledger.mark(request, "here");
	} else if (!answer.ok) {
		await local.ledger.end(request, { cause: "expired" }, false);
	}
}

async function ask({ local, remote, clock }: SettleTools, held: Held, wasTheirs: boolean): Promise<Acquired> {
	const { entry, token, ...rest } = held;
	const wanted: Omit<AcquireRequest, "request"> = {
		...rest,
		ttlMs: held.ttlMs + lockDelayMs,
		queue: false,
		limits: { perSession: Number.MAX_SAFE_INTEGER, perProject: Number.MAX_SAFE_INTEGER },
		floor: await local.ledger.fence(),
		...(wasTheirs && { isReasserted: true as const }),
	};
	for (let name = entry?.name ?? held.request; ; name = nextName(name)) {
		const sentAt = clock.now();
		const answer = await remote.acquire({ ...wanted, request: name });
		// That name was given back or ran out there: once more under another one.
		if (!answer.ok && answer.reason === "finished") continue;
		if (answer.ok && entry !== undefined) {
			const until = sentAt + held.ttlMs;
			const isNoted = await local.ledger.granted({ ...entry, name }, { token: answer.token, here: token, until });
			if (!isNoted) await remote.cancel(held.project, name, "cancelled");
		}
		return answer;
	}
}

// Before the others: a new conflict may have the same cause.
async function sendSettlements({ project, local, remote }: SettleTools): Promise<void> {
	for (const { conflict, resolution, from, how } of await local.unsentSettlements(project)) {
		await remote.resolveConflict(project, conflict, resolution, from, how);
		await local.sentSettlement(project, conflict);
	}
}

// The team sees them from now on, and only once, under the names that they have here.
async function moveConflicts({ project, local, remote }: SettleTools): Promise<void> {
	for (const { id, ageMs, attempts, omitted, assignee: _primary, how: _open, ...rest } of await local.conflicts(
		project,
	)) {
		const { resolution: _none, resolvedBy: _nobody, ...record } = rest;
		const blobs: Partial<Record<Side, Uint8Array>> = {};
		for (const side of sides) {
			const bytes = await local.conflictBlob(project, id, side);
			if (bytes !== undefined) blobs[side] = bytes;
		}
		const from = { session: record.sessions[0], actor: undefined };
		await remote.reportConflict({ ...record, id, blobs, moved: { ageMs, attempts, omitted } }, from);
		await local.resolveConflict(project, id, "moved to the team", from, "superseded");
	}
}

async function sendResolutions({ project, local, remote }: SettleTools): Promise<void> {
	for (const resolution of await local.unsentResolutions(project)) {
		await remote.rememberResolution(project, resolution.key, resolution.bytes);
		await local.sentResolution(project, resolution);
	}
}

async function sendStates({ project, local, remote }: SettleTools): Promise<void> {
	for (const key of await local.team.unsent(project)) {
		await remote.saveState(project, key, await local.loadState(project, key));
		await local.team.markState(project, key, true);
	}
}

// What no step of the team's store tells of by itself, such as a lock that was taken without the team.
const toldTypes = ["team_overridden", "guard_refused", "guard_skipped", "context_switched"] as const;

// Whoever followed this machine's log meanwhile reads the team's from here on.
async function sendLog({ project, local, remote, clock }: SettleTools, [first]: readonly Session[]): Promise<void> {
	const outage = await local.team.outage(project);
	if (outage === undefined) return;
	const { here, sent } = await local.team.log(project);
	const events = await local.events({ project, after: Math.max(here, sent), limit: mostTold, types: toldTypes });
	for (const { seq, at: _at, project: _project, session, actor, ...body } of events) {
		await remote.append(project, { session, actor }, body);
		await local.team.sent(project, seq);
	}
	if (clock.now() - outage.since < shortOutageMs) return;
	const back = { type: "link_changed", state: "connected", server: remote.connection.server } as const;
	await remote.append(project, { session: undefined, actor: first?.host }, back);
}
