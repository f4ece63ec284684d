import {
	type Amendment,
	attemptOf,
	type Conflict,
	type ConflictId,
	type ConflictReport,
	firstAttempts,
	mostAttempts,
	mostSettled,
	newConflictId,
	type Settlement,
	type Side,
} from "../coordination/conflict.ts";
import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../coordination/event.ts";
import type { Acquired, AcquireRequest, Lock, RequestId, Waiter } from "../coordination/lock.ts";
import { mostResolutionBytes, mostResolutions } from "../coordination/merge-memory.ts";
import type { Counters } from "../coordination/metrics.ts";
import type { Presence } from "../coordination/presence.ts";
import { type Resource, resourceKey, resourceOf } from "../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../coordination/session.ts";
import type { RedisConnection } from "./redis/connection.ts";
import { Exclusives } from "./redis/exclusives.ts";
import { Hints } from "./redis/hints.ts";
import { allCounters, allProjects, keyOf } from "./redis/keys.ts";
import { textArguments, toConflicts, toPresence, totalCounters } from "./redis/records.ts";
import {
	acquireArguments,
	type SeenRequest,
	stolenFrom,
	toAcquired,
	toLocks,
	toSessions,
	toWaiters,
} from "./redis/replies.ts";
import type { ScriptName } from "./redis/scripts.ts";
import { SessionKeys } from "./redis/session-keys.ts";
import { type Boot, Steps, type StepsOptions } from "./redis/steps.ts";
import { lastEvent, readEvents, readNewestEvents } from "./redis/stream.ts";
import type { Author, PresenceEntry, SessionOpened, SessionTerms, Store } from "./store.ts";

/** A team's store on an open connection, which the store closes. */
export function openRedisStore(connection: RedisConnection, options: StepsOptions): RedisStore {
	return new RedisStore(connection, options);
}

/** Store on Redis: each step is one script in the slot of its project; those on an exclusive lock are several. */
export class RedisStore implements Store {
	readonly kind = "redis";
	readonly connection: RedisConnection;
	readonly #steps: Steps;
	readonly #exclusives: Exclusives;
	readonly #hints: Hints;
	readonly #sessionKeys: SessionKeys;

	constructor(connection: RedisConnection, options: StepsOptions) {
		this.connection = connection;
		this.#steps = new Steps(connection, options);
		this.#exclusives = new Exclusives(
			(script, project, args) => this.#steps.run(script, project, true, args, { isReplicated: script === "promote" }),
			() => this.#projects(),
		);
		this.#hints = new Hints(connection);
		this.#sessionKeys = new SessionKeys(
			connection,
			async (project, session) => (await this.#run("heldBy", project, [session])) as readonly string[],
		);
	}

	link(): undefined {}

	/** See {@link Steps.rejoin}. */
	rejoin(project: ProjectId): Promise<Boot> {
		return this.#steps.rejoin(project);
	}

	/** See {@link Steps.onBoot}. */
	onBoot(listener: (project: ProjectId, boot: Boot) => void): Disposable {
		return this.#steps.onBoot(listener);
	}

	async openSession(entry: SessionEntry, terms: SessionTerms): Promise<SessionOpened> {
		const { id, project, kind, host, worktree } = entry;
		const reply = (await this.#step("openSession", project, [
			id,
			JSON.stringify(entry),
			entry.actor,
			terms.ttlMs,
			terms.most,
			JSON.stringify({ kind, host, worktree }),
		])) as "full" | [number, number, ...string[]];
		if (reply === "full") return { ok: false, most: terms.most };
		const [isNew, now, ...texts] = reply;
		const session = toSessions(now, texts).find((each) => each.id === id);
		if (session === undefined) throw new Error(`session ${id} vanished inside a step`);
		this.#hints.follow(project);
		this.#sessionKeys.opened(entry, terms.ttlMs);
		return { ok: true, session, isNew: isNew === 1 };
	}

	async beat(sessions: readonly SessionId[], ttlMs: number, project?: ProjectId): Promise<void> {
		const known = await this.#everywhere(project, (each) => this.#step("beat", each, [ttlMs, ...sessions]));
		this.#sessionKeys.beat([...new Set(known.flat() as SessionId[])], ttlMs);
	}

	async closeSessions(sessions: readonly SessionId[], cause: "closed" | "died", project?: ProjectId): Promise<number> {
		const closed = await this.#everywhere(project, (each) => this.#step("closeSessions", each, [cause, ...sessions]));
		this.#sessionKeys.closed(sessions, project);
		return closed.reduce<number>((sum, count) => sum + Number(count), 0);
	}

	async sessions(project?: ProjectId): Promise<readonly Session[]> {
		const replies = await this.#everywhere(project, (each) => this.#view("readSessions", each, []));
		return (replies as [number, ...string[]][]).flatMap(([now, ...texts]) => toSessions(now, texts));
	}

	async acquire(request: AcquireRequest): Promise<Acquired> {
		const answer = request.resources.some(({ kind }) => kind === "exclusive")
			? await this.#exclusives.acquire(request)
			: await this.#acquire(request);
		if (answer.ok) this.#sessionKeys.changed();
		return answer;
	}

	async #acquire(request: AcquireRequest): Promise<Acquired> {
		// An edit that two people made can be merged; two pushes or migrations at once cannot.
		const isReplicated = request.resources.some(({ kind }) => kind !== "file" && kind !== "project");
		const ask = (isSettled: boolean) =>
			this.#steps.run("acquire", request.project, isSettled, acquireArguments(request), { isReplicated });
		let reply = await ask(false);
		if (reply === "exclusive") {
			await this.#exclusives.settle();
			reply = await ask(true);
			// What it took a part of is over before anybody is served, and before its part is put back.
			await this.#exclusives.endStolen(stolenFrom(reply), request.session, request.steal?.reason ?? "");
			await this.#exclusives.settle();
		}
		const answer = toAcquired(request, reply);
		if (answer === "free") throw new Error("an acquire was not decided");
		return answer;
	}

	async renew(project: ProjectId, request: RequestId): Promise<boolean> {
		return (await this.#step("renew", project, [request])) === 1;
	}

	async renewClaims(project: ProjectId, session: SessionId): Promise<void> {
		await this.#step("renewClaims", project, [session]);
	}

	async release(project: ProjectId, request: RequestId, cause: "released" | "died"): Promise<boolean> {
		this.#sessionKeys.changed();
		return (await this.#step("release", project, [request, cause, "", ""])) === 1;
	}

	async releaseClaims(
		project: ProjectId,
		session: SessionId,
		resources?: readonly Resource[],
	): Promise<readonly Resource[]> {
		const chosen = resources === undefined ? [""] : ["1", ...resources.map(resourceKey)];
		this.#sessionKeys.changed();
		const released = (await this.#step("releaseClaims", project, [session, ...chosen])) as readonly string[];
		return released.map(resourceOf);
	}

	async cancel(project: ProjectId, request: RequestId, cause: "cancelled" | "died"): Promise<void> {
		this.#sessionKeys.changed();
		await this.#step("cancel", project, [request, cause]);
	}

	async peek(project: ProjectId, request: RequestId): Promise<"waiting" | "granted" | "gone"> {
		return (await this.#view("peek", project, [request])) as "waiting" | "granted" | "gone";
	}

	async locks(project: ProjectId): Promise<readonly Lock[]> {
		return toLocks(project, await this.#requests(project, "granted"));
	}

	async waiters(project: ProjectId): Promise<readonly Waiter[]> {
		return toWaiters(project, await this.#requests(project, "waiting"));
	}

	async append(project: ProjectId, from: Author, { type, ...body }: EventBody): Promise<void> {
		await this.#run("append", project, [type, ...authorOf(from), JSON.stringify(body)]);
	}

	events(query: EventQuery): Promise<readonly UdoEvent[]> {
		return readEvents(this.connection, query);
	}

	newestEvents(query: NewestQuery): Promise<readonly UdoEvent[]> {
		return readNewestEvents(this.connection, query);
	}

	lastEvent(project: ProjectId): Promise<number> {
		return lastEvent(this.connection, project);
	}

	onChange(listener: () => void): Disposable {
		return this.#hints.onChange(listener);
	}

	onRequestChange(project: ProjectId, request: RequestId, listener: () => void): Disposable {
		return this.#hints.onRequestChange(project, request, listener);
	}

	async reportConflict(report: ConflictReport, from: Author) {
		const { id: named, blobs, attempts: _attempts, moved, ...record } = report;
		const { project, cause, type, resource, sessions } = record;
		const id = named ?? newConflictId();
		const body = { conflict: id, conflictType: type, resource, sessions };
		const attempts = firstAttempts(report, from.session).map((attempt) => JSON.stringify(attempt));
		const omitted = (moved?.omitted ?? []).flatMap(({ side, bytes }) => [side, "", String(bytes)]);
		const [isNew, known] = (await this.#run("reportConflict", project, [
			id,
			cause,
			JSON.stringify(record),
			...authorOf(from),
			JSON.stringify(body),
			JSON.stringify(attempts),
			moved?.ageMs ?? 0,
			...omitted,
			...textArguments(blobs),
		])) as [number, ConflictId];
		return { id: known, isNew: isNew === 1 };
	}

	async amendConflict(project: ProjectId, id: ConflictId, { attempt, blobs }: Amendment, from: Author) {
		const reply = await this.#run("amendConflict", project, [
			id,
			attempt === undefined ? "" : JSON.stringify(attemptOf(attempt, from.session)),
			...authorOf(from),
			attempt === undefined ? "" : JSON.stringify({ conflict: id, ...attempt }),
			mostAttempts,
			...textArguments(blobs),
		]);
		return reply === 1;
	}

	async resolveConflict(
		project: ProjectId,
		id: ConflictId,
		resolution: string,
		from: Author,
		how: Settlement = "manual",
	): Promise<boolean> {
		const body = JSON.stringify({ conflict: id, resolution, how });
		const words = [id, resolution, ...authorOf(from), body, how, mostSettled];
		return (await this.#run("resolveConflict", project, words)) === 1;
	}

	async conflicts(project: ProjectId, which: "open" | "all" = "open"): Promise<readonly Conflict[]> {
		return toConflicts((await this.#run("readConflicts", project, [which])) as [string, string]);
	}

	async conflictBlob(project: ProjectId, id: ConflictId, side: Side): Promise<Uint8Array | undefined> {
		return (await this.connection.commandBuffer("hget", keyOf(project, "blobs"), `${id}:${side}`)) ?? undefined;
	}

	async rememberResolution(project: ProjectId, key: string, resolution: Uint8Array | undefined): Promise<boolean> {
		if (resolution !== undefined && resolution.length > mostResolutionBytes) return false;
		const words = [key, resolution ?? "", resolution === undefined ? "" : "1", mostResolutions];
		await this.#run("remember", project, words);
		return true;
	}

	async rememberedResolution(project: ProjectId, key: string): Promise<Uint8Array | undefined> {
		return (await this.connection.commandBuffer("hget", keyOf(project, "resolutions"), key)) ?? undefined;
	}

	async setPresence(project: ProjectId, session: SessionId, places: readonly PresenceEntry[]): Promise<void> {
		await this.#run("setPresence", project, [session, JSON.stringify(places)]);
	}

	async presence(project: ProjectId): Promise<readonly Presence[]> {
		return toPresence(project, (await this.#run("readPresence", project, [])) as [number, ...string[]]);
	}

	async saveState(project: ProjectId, key: string, value: string | undefined): Promise<void> {
		if (value === undefined) await this.connection.command("hdel", keyOf(project, "state"), key);
		else await this.connection.command("hset", keyOf(project, "state"), key, value);
	}

	async loadState(project: ProjectId, key: string): Promise<string | undefined> {
		const found = (await this.connection.command("hget", keyOf(project, "state"), key)) as string | null;
		return found ?? undefined;
	}

	async count(counters: Counters): Promise<void> {
		for (const [name, amount] of Object.entries(counters)) {
			await this.connection.command("hincrby", allCounters, name, amount);
		}
	}

	async counters(): Promise<Counters> {
		const keys = [allCounters, ...(await this.#projects()).map((project) => keyOf(project, "counters"))];
		return totalCounters(await Promise.all(keys.map((key) => this.connection.command("hgetall", key))));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#hints[Symbol.dispose]();
		await this.#sessionKeys[Symbol.asyncDispose]();
		await this.connection[Symbol.asyncDispose]();
	}

	// A project stands alone unless something exclusive is about: then all are settled before the step, and served after it.
	async #step(script: ScriptName, project: ProjectId, args: readonly (string | number)[]): Promise<unknown> {
		const reply = await this.#steps.run(script, project, false, args);
		if (reply !== "exclusive") return reply;
		await this.#exclusives.settle();
		const settled = await this.#steps.run(script, project, true, args);
		await this.#exclusives.settle();
		return settled;
	}

	// A look changes nothing that would have to be served.
	async #view(script: ScriptName, project: ProjectId, args: readonly (string | number)[]): Promise<unknown> {
		const reply = await this.#steps.run(script, project, false, args);
		if (reply !== "exclusive") return reply;
		await this.#exclusives.settle();
		return this.#run(script, project, args);
	}

	#run(script: ScriptName, project: ProjectId, args: readonly (string | number | Uint8Array)[]): Promise<unknown> {
		return this.#steps.run(script, project, true, args);
	}

	// In one project, or in all at once: one after another would take a round trip each.
	async #everywhere<T>(
		project: ProjectId | undefined,
		body: (project: ProjectId) => Promise<T>,
	): Promise<readonly T[]> {
		return Promise.all((project === undefined ? await this.#projects() : [project]).map(body));
	}

	async #projects(): Promise<readonly ProjectId[]> {
		const projects = (await this.connection.command("smembers", allProjects)) as ProjectId[];
		return projects.sort();
	}

	async #requests(project: ProjectId, state: "granted" | "waiting"): Promise<readonly SeenRequest[]> {
		return JSON.parse((await this.#view("readRequests", project, [state])) as string);
	}
}

function authorOf({ session, actor }: Author): [string, string] {
	return [session ?? "", actor ?? ""];
}
