import { readConfig } from "../../server/config.ts";
import { Coordinator, newRequestId, thisProcess } from "../../server/coordination/coordinator.ts";
import type { AcquireRequest, Granted } from "../../server/coordination/lock.ts";
import type { Resource } from "../../server/coordination/resource.ts";
import type { ProjectId, Session, SessionEntry, SessionId } from "../../server/coordination/session.ts";
import type { Store } from "../../server/store/store.ts";

export const project = "proj_one" as ProjectId;
export const otherProject = "proj_two" as ProjectId;

export const everything: Resource = { kind: "exclusive", id: "" };
export const wholeProject: Resource = { kind: "project", id: "" };

export function file(id: string): Resource {
	return { kind: "file", id };
}

export function branch(id: string): Resource {
	return { kind: "git", id };
}

export function database(id: string): Resource {
	return { kind: "database", id };
}

/** What a session says of itself; its process is this one. */
export function entryOf(session: string, overrides: Partial<SessionEntry> = {}): SessionEntry {
	return {
		id: session as SessionId,
		project,
		kind: "term",
		actor: `${session}@example.org`,
		host: "here",
		process: thisProcess(),
		worktree: `/work/${session}`,
		branch: "main",
		...overrides,
	};
}

const longTerms = { ttlMs: 86_400_000, most: 1000 };

/** Opens sessions in a project. */
export async function arrive(
	store: Store,
	sessions: readonly string[],
	where: ProjectId = project,
): Promise<Session[]> {
	const opened: Session[] = [];
	for (const session of sessions) {
		const answer = await store.openSession(entryOf(session, { project: where }), longTerms);
		if (!answer.ok) throw new Error(`${session} was not let in`);
		opened.push(answer.session);
	}
	return opened;
}

/** An acquire that nobody made before. */
export function requestOf(
	session: string,
	resources: readonly Resource[] | Resource,
	overrides: Partial<AcquireRequest> = {},
): AcquireRequest {
	return {
		request: newRequestId(),
		project,
		session: session as SessionId,
		resources: [resources].flat(),
		origin: "claim",
		ttlMs: 300_000,
		queue: false,
		limits: { perSession: 200, perProject: 20_000 },
		...overrides,
	};
}

/** Acquires what is free; throws when it is not. */
export async function take(
	store: Store,
	session: string,
	resources: readonly Resource[] | Resource,
	overrides: Partial<AcquireRequest> = {},
): Promise<Granted> {
	const answer = await store.acquire(requestOf(session, resources, overrides));
	if (!answer.ok) throw new Error(`${session} was refused: ${JSON.stringify(answer)}`);
	return answer;
}

/** Takes a place in line and answers the request; throws when there was nothing to wait for. */
export async function queueUp(
	store: Store,
	session: string,
	resources: readonly Resource[] | Resource,
	overrides: Partial<AcquireRequest> = {},
): Promise<AcquireRequest> {
	const request = requestOf(session, resources, { queue: true, ...overrides });
	const answer = await store.acquire(request);
	if (answer.ok || answer.reason !== "held") throw new Error(`${session} need not wait: ${JSON.stringify(answer)}`);
	return request;
}

/** A session's view of the project on a store, with it registered. */
export async function coordinatorOf(
	store: Store,
	session: string,
	overrides: Partial<SessionEntry> = {},
): Promise<Coordinator> {
	const coordinator = new Coordinator(store, readConfig({}, undefined), entryOf(session, overrides));
	await coordinator.arrive();
	return coordinator;
}
