import { randomBytes } from "node:crypto";
import type { Clock } from "../coordination/clock.ts";
import { type Conflict, type ConflictId, type ConflictReport, newConflictId } from "../coordination/conflict.ts";
import type { EventBody, EventQuery, NewestQuery, UdoEvent } from "../coordination/event.ts";
import type { Acquired, AcquireRequest, Lock, RequestId, Waiter } from "../coordination/lock.ts";
import type { Counters } from "../coordination/metrics.ts";
import type { Presence } from "../coordination/presence.ts";
import { type Resource, resourceKey, resourceOf } from "../coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../coordination/session.ts";
import { StoreUnavailableError } from "../errors.ts";
import { OtherServerError, type RedisConnection } from "./redis/connection.ts";
import { Exclusives } from "./redis/exclusives.ts";
import { Hints } from "./redis/hints.ts";
import { toConflicts, toPresence, totalCounters } from "./redis/records.ts";
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
import { lastEvent, readEvents, readNewestEvents } from "./redis/stream.ts";
import type { Author, PresenceEntry, SessionOpened, SessionTerms, Store } from "./store.ts";

export interface RedisStoreOptions {
	/** Counts leases and ages by this instead of Redis' own clock. */
	readonly clock?: Clock;
	/** How long the leases are that a Redis which lost its data may have forgotten. */
	readonly leaseMs: number;
	/** The `boot` of a project that this machine's leases rely on, if there are any: another one means that they are lost. */
	readonly reliedOn?: (project: ProjectId) => Promise<string | undefined>;
}

/** A team's store on an open connection, which the store closes. */
export function openRedisStore(connection: RedisConnection, options: RedisStoreOptions): RedisStore {
	return new RedisStore(connection, options);
}

// A server that changes or forgets all the time is not one to rely on.
const mostTries = 4;

const allProjects = "udo:projects";
const allCounters = "udo:counters";

/** Store on Redis: each step is one script in the slot of its project; those on an exclusive lock are several. */
export class RedisStore implements Store {
	readonly kind = "redis";
	readonly connection: RedisConnection;
	readonly #options: RedisStoreOptions;
	readonly #exclusives: Exclusives;
	readonly #hints: Hints;
	readonly #sessionKeys: SessionKeys;
	readonly #joined = new Map<ProjectId, Boot>();
	// What it was before the data turned out to be lost.
	readonly #lost = new Map<ProjectId, string | undefined>();
	readonly #joining = new Map<ProjectId, Promise<Boot>>();
	readonly #listeners = new Set<(project: ProjectId, boot: Boot) => void>();

	constructor(connection: RedisConnection, options: RedisStoreOptions) {
		this.connection = connection;
		this.#options = options;
		this.#exclusives = new Exclusives(
			(script, project, args) => this.#send(script, project, "1", args, { isReplicated: script === "promote" }),
			() => this.#projects(),
		);
		this.#hints = new Hints(connection);
		this.#sessionKeys = new SessionKeys(
			connection,
			async (project, session) => (await this.#run("heldBy", project, [session])) as readonly string[],
		);
	}

	link(): undefined {}

	/**
	 * Makes sure that this Redis still is the one that the project's leases were granted by, asking it at most once a
	 * connection. Answers how long it only gives back what was held before.
	 */
	async join(project: ProjectId): Promise<Boot> {
		const server = await this.connection.serverOf(bootKey(project));
		const known = this.#joined.get(project);
		if (known?.server === server) return known;
		const joining = this.#joining.get(project) ?? this.#join(project, server);
		this.#joining.set(project, joining);
		return joining.finally(() => this.#joining.delete(project));
	}

	/** As join, asking anew: when a lock is missing there, the data may have been lost while another machine was quicker to notice. */
	async rejoin(project: ProjectId): Promise<Boot> {
		return this.#join(project, await this.connection.serverOf(bootKey(project)));
	}

	/** Calls back when a project turns out to be on another server than before, or on one that lost its data. */
	onBoot(listener: (project: ProjectId, boot: Boot) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
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
		this.#sessionKeys.opened(entry, terms.ttlMs);
		return { ok: true, session, isNew: isNew === 1 };
	}

	async beat(sessions: readonly SessionId[], ttlMs: number): Promise<void> {
		const known = new Set<SessionId>();
		for (const project of await this.#projects()) {
			for (const id of (await this.#step("beat", project, [ttlMs, ...sessions])) as SessionId[]) known.add(id);
		}
		this.#sessionKeys.beat([...known], ttlMs);
	}

	async closeSessions(sessions: readonly SessionId[], cause: "closed" | "died", project?: ProjectId): Promise<number> {
		let closed = 0;
		for (const each of project === undefined ? await this.#projects() : [project]) {
			closed += Number(await this.#step("closeSessions", each, [cause, ...sessions]));
		}
		this.#sessionKeys.closed(sessions, project);
		return closed;
	}

	async sessions(project?: ProjectId): Promise<readonly Session[]> {
		const sessions: Session[] = [];
		for (const each of project === undefined ? await this.#projects() : [project]) {
			const [now, ...texts] = (await this.#view("readSessions", each, [])) as [number, ...string[]];
			sessions.push(...toSessions(now, texts));
		}
		return sessions;
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
		const reply = await this.#step("acquire", request.project, acquireArguments(request), { isReplicated });
		const stolen = stolenFrom(reply);
		if (stolen.length > 0) {
			await this.#exclusives.endStolen(stolen, request.session, request.steal?.reason ?? "");
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

	async reportConflict({ blobs, ...report }: ConflictReport, from: Author) {
		const id = newConflictId();
		const { project, cause, type, resource, sessions } = report;
		const body = { conflict: id, conflictType: type, resource, sessions };
		const texts = Object.entries(blobs ?? {}).flatMap(([side, bytes]) => (bytes === undefined ? [] : [side, bytes]));
		const [isNew, known] = (await this.#run("reportConflict", project, [
			id,
			cause,
			JSON.stringify(report),
			...authorOf(from),
			JSON.stringify(body),
			...texts,
		])) as [number, ConflictId];
		return { id: known, isNew: isNew === 1 };
	}

	async resolveConflict(project: ProjectId, id: ConflictId, resolution: string, from: Author): Promise<boolean> {
		const body = JSON.stringify({ conflict: id, resolution });
		return (await this.#run("resolveConflict", project, [id, resolution, ...authorOf(from), body])) === 1;
	}

	async conflicts(project: ProjectId, which: "open" | "all" = "open"): Promise<readonly Conflict[]> {
		return toConflicts((await this.#run("readConflicts", project, [which])) as string);
	}

	async conflictBlob(project: ProjectId, id: ConflictId, side: "base" | "ours" | "theirs") {
		return (await this.connection.commandBuffer("hget", keyOf(project, "blobs"), `${id}:${side}`)) ?? undefined;
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
		const hashes: unknown[] = [];
		for (const key of keys) hashes.push(await this.connection.command("hgetall", key));
		return totalCounters(hashes);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#hints[Symbol.dispose]();
		await this.#sessionKeys[Symbol.asyncDispose]();
		await this.connection[Symbol.asyncDispose]();
	}

	// A project stands alone unless something exclusive is about: then all are settled before the step, and served after it.
	async #step(
		script: ScriptName,
		project: ProjectId,
		args: readonly (string | number)[],
		options: { readonly isReplicated?: boolean } = {},
	): Promise<unknown> {
		const reply = await this.#send(script, project, "", args, options);
		if (reply !== "exclusive") return reply;
		await this.#exclusives.settle();
		const settled = await this.#send(script, project, "1", args, options);
		await this.#exclusives.settle();
		return settled;
	}

	// A look changes nothing that would have to be served.
	async #view(script: ScriptName, project: ProjectId, args: readonly (string | number)[]): Promise<unknown> {
		const reply = await this.#send(script, project, "", args);
		if (reply !== "exclusive") return reply;
		await this.#exclusives.settle();
		return this.#run(script, project, args);
	}

	#run(script: ScriptName, project: ProjectId, args: readonly (string | number | Uint8Array)[]): Promise<unknown> {
		return this.#send(script, project, "1", args);
	}

	async #send(
		script: ScriptName,
		project: ProjectId,
		isSettled: "" | "1",
		args: readonly (string | number | Uint8Array)[],
		options: { readonly isReplicated?: boolean } = {},
	): Promise<unknown> {
		const now = this.#options.clock?.now() ?? "";
		for (let tries = 1; tries <= mostTries; tries++) {
			const { server } = await this.join(project);
			try {
				const run = (name: ScriptName, ...rest: typeof args) =>
					this.connection.run(name, bootKey(project), [now, isSettled, ...rest], { ...options, server });
				let reply = await run(script, ...args);
				while (reply === "due") {
					await run("settle");
					reply = await run(script, ...args);
				}
				if (reply !== "lost") return reply;
				this.#lost.set(project, this.#joined.get(project)?.id);
				this.#joined.delete(project);
			} catch (error) {
				if (!(error instanceof OtherServerError)) throw error;
			}
		}
		throw new StoreUnavailableError(`Redis ${this.connection.server} changes faster than it can be used`, {
			why: "it was another server, or had forgotten everything, each time that it was asked.",
			next: "udo doctor",
			retryable: true,
		});
	}

	async #join(project: ProjectId, server: string): Promise<Boot> {
		const before = this.#joined.get(project)?.id ?? this.#lost.get(project);
		const reliedOn = (await this.#options.reliedOn?.(project)) ?? before ?? "";
		await this.connection.command("sadd", allProjects, project);
		const now = this.#options.clock?.now() ?? "";
		const fresh = randomBytes(6).toString("hex");
		const args = [now, "1", server, reliedOn, fresh, this.#options.leaseMs];
		const [id, recoveringMs] = (await this.connection.run("join", bootKey(project), args)) as [string, number];
		const boot = { id, server, recoveringMs };
		this.#joined.set(project, boot);
		this.#hints.follow(project);
		for (const listener of [...this.#listeners]) listener(project, boot);
		return boot;
	}

	async #projects(): Promise<readonly ProjectId[]> {
		const projects = (await this.connection.command("smembers", allProjects)) as ProjectId[];
		return projects.sort();
	}

	async #requests(project: ProjectId, state: "granted" | "waiting"): Promise<readonly SeenRequest[]> {
		return JSON.parse((await this.#view("readRequests", project, [state])) as string);
	}
}

/** What a project's data depends on: `id` is new when it was lost, `server` when Redis was restarted or replaced. */
export interface Boot {
	readonly id: string;
	readonly server: string;
	/** How long, from when it was asked, only what was held before is given back. */
	readonly recoveringMs: number;
}

function bootKey(project: ProjectId): string {
	return keyOf(project, "boot");
}

function keyOf(project: ProjectId, name: string): string {
	return `udo:project:{${project}}:${name}`;
}

function authorOf({ session, actor }: Author): [string, string] {
	return [session ?? "", actor ?? ""];
}
