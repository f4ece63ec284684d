import { deepEqual, equal } from "node:assert/strict";
import type { Acquired, AcquireRequest, RequestId } from "../../server/coordination/lock.ts";
import type { ProcessIdentity } from "../../server/coordination/process.ts";
import { type Resource, resourceKey } from "../../server/coordination/resource.ts";
import type { ProjectId, SessionId } from "../../server/coordination/session.ts";
import type { Store } from "../../server/store/store.ts";
import type { StoreHarness } from "../helpers/store-harness.ts";
import { type Command, projects, type Who, type Wish } from "./commands.ts";
import { Invariants } from "./invariants.ts";
import * as model from "./model.ts";
import { observeModel, observeStore } from "./observation.ts";
import { checkLog } from "./replay.ts";

/** Runs a history on a store and on the model at once; throws at the first step at which they differ. Answers its length. */
export async function runHistory(harness: StoreHarness, history: readonly Command[]): Promise<number> {
	await using opened = await harness.open();
	const run = new Run(opened.store, opened.advance);
	for (const [index, step] of history.entries()) {
		try {
			await run.perform(step);
		} catch (error) {
			const told = history.slice(0, index + 1).map((each) => JSON.stringify(each));
			throw new Error(`step ${index} of\n${told.join("\n")}\n${error instanceof Error ? error.message : error}`, {
				cause: error,
			});
		}
	}
	for (const project of projects) await checkLog(opened.store, project);
	return history.length;
}

class Run {
	readonly #store: Store;
	readonly #advance: (ms: number) => Promise<void>;
	readonly #world = model.newWorld();
	readonly #invariants = new Invariants(projects);
	readonly #sent: AcquireRequest[] = [];
	#steals = false;

	constructor(store: Store, advance: (ms: number) => Promise<void>) {
		this.#store = store;
		this.#advance = advance;
	}

	async perform(command: Command): Promise<void> {
		this.#steals = false;
		model.settle(this.#world);
		await this.#step(command);
		for (const project of projects) {
			deepEqual(await observeStore(this.#store, project), observeModel(this.#world, project), `project ${project}`);
		}
		await this.#invariants.check(this.#store, this.#steals);
	}

	async #step(command: Command): Promise<void> {
		const store = this.#store;
		const world = this.#world;
		switch (command.do) {
			case "open": {
				const { ttlMs, most, branch } = command;
				const who = { id: command.who.session, project: command.who.project, branch };
				const opened = await store.openSession(entryOf(command.who, branch), { ttlMs, most });
				return equal(opened.ok, model.openSession(world, who, { ttlMs, most }), "openSession");
			}
			case "beat":
				model.beat(world, command.sessions, command.ttlMs);
				return store.beat(command.sessions as SessionId[], command.ttlMs);
			case "close": {
				const { sessions, project, died } = command;
				const expected = model.closeSessions(world, sessions, project);
				const closed = await store.closeSessions(
					sessions as SessionId[],
					died ? "died" : "closed",
					project as ProjectId | undefined,
				);
				return equal(closed, expected, "closeSessions");
			}
			case "acquire":
				return this.#acquire(requestOf(command, nameOf(this.#sent.length, command.who.project)));
			case "again": {
				const sent = this.#sent[command.request % Math.max(1, this.#sent.length)];
				return sent && this.#acquire(sent);
			}
			case "renew": {
				const [project, request] = this.#named(command.request);
				return equal(await store.renew(project, request), model.renew(world, request), "renew");
			}
			case "release": {
				const [project, request] = this.#named(command.request);
				return equal(await store.release(project, request, "released"), model.release(world, request), "release");
			}
			case "cancel": {
				const [project, request] = this.#named(command.request);
				model.cancel(world, request);
				return store.cancel(project, request, "cancelled");
			}
			case "peek": {
				const [project, request] = this.#named(command.request);
				return equal(await store.peek(project, request), model.peek(world, request), "peek");
			}
			case "renewClaims": {
				const { project, session } = command.who;
				model.renewClaims(world, project, session);
				return store.renewClaims(project as ProjectId, session as SessionId);
			}
			case "releaseClaims": {
				const { project, session } = command.who;
				const { resources } = command;
				const released = await store.releaseClaims(project as ProjectId, session as SessionId, resources);
				const expected = model.releaseClaims(world, project, session, resources);
				return deepEqual(keysOf(released), keysOf(expected), "releaseClaims");
			}
			case "advance":
				world.now += command.ms;
				return this.#advance(command.ms);
		}
	}

	async #acquire(request: AcquireRequest): Promise<void> {
		if (!this.#sent.includes(request)) this.#sent.push(request);
		this.#steals = request.steal !== undefined;
		const answer = await this.#store.acquire(request);
		const expected = model.acquire(this.#world, request);
		deepEqual(describeAnswer(answer), describeExpected(expected, answer), "acquire");
		if (!answer.ok) return;
		const locks = await this.#store.locks(request.project);
		const mine = locks.filter(({ holds }) => holds.some((hold) => hold.request === request.request));
		equal(
			answer.token,
			Math.max(...mine.map(({ token }) => token)),
			"the token of an answer is that of its newest lock",
		);
	}

	#named(number: number): [ProjectId, RequestId] {
		const at = number % (this.#sent.length + 1);
		const project = this.#sent[at]?.project ?? ("P" as ProjectId);
		return [project, nameOf(at, project)];
	}
}

// With its project, since a request is known there only, and with a space, since the hooks' have one.
function nameOf(number: number, project: string): RequestId {
	return `r${number} ${project}` as RequestId;
}

function describeAnswer(answer: Acquired): unknown {
	if (answer.ok) return { leftMs: answer.leftMs, resources: keysOf(answer.resources) };
	if (answer.reason !== "held") return answer;
	const { reason, queued, ahead } = answer;
	return { reason, queued, ahead, blockers: answer.blockers.map((each) => `${each.what} ${each.request}`).sort() };
}

// Only so many blockers are named, locks first; which of too many locks is the store's choice.
function describeExpected(answer: model.Answer, actual: Acquired): unknown {
	if (answer.ok) return { leftMs: answer.leftMs, resources: keysOf(answer.resources) };
	if (answer.reason !== "held") return answer;
	const { reason, queued, standing } = answer;
	const locks = standing.holds.map(({ request }) => `lock ${request}`);
	const named = !actual.ok && actual.reason === "held" ? actual.blockers : [];
	const chosen = locks.length <= 16 ? locks : named.map((each) => `${each.what} ${each.request}`);
	if (chosen.some((each) => !locks.includes(each))) return "blockers that do not stand in the way";
	const waiters = standing.waiters.map(({ request }) => `waiter ${request}`);
	const blockers = [...chosen, ...waiters].slice(0, 16).sort();
	return { reason, queued, ahead: standing.waiters.length, blockers };
}

function keysOf(resources: readonly Resource[]): string[] {
	return resources.map(resourceKey).sort();
}

const someProcess: ProcessIdentity = { pid: 4_000_000, started: "1", boot: "another", space: "" };

function entryOf({ session, project }: Who, branch: string) {
	return {
		id: session as SessionId,
		project: project as ProjectId,
		kind: "term" as const,
		actor: `${session}@example.com`,
		host: "host",
		process: someProcess,
		worktree: `/work/${session}`,
		branch,
	};
}

function requestOf({ who, ...wish }: { readonly who: Who } & Wish, request: RequestId): AcquireRequest {
	return {
		request,
		project: who.project as ProjectId,
		session: who.session as SessionId,
		resources: wish.resources,
		origin: wish.origin,
		ttlMs: wish.ttlMs,
		queue: wish.queue,
		limits: { perSession: wish.perSession, perProject: wish.perProject },
		...(wish.steal && { steal: { reason: "because" } }),
		...(wish.owned && { owner: someProcess }),
	};
}
