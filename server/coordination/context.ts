import type { PresenceEntry } from "../store/store.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Blocker } from "./lock.ts";
import { type Resource, type ResourceKey, resourceKey, resourceOf } from "./resource.ts";

/** What a session leaves behind in a project it switches away from. */
export interface Context {
	readonly branch: string | undefined;
	readonly locks: readonly ResourceKey[];
	/** Files that were open, with the line of the last edit where an editor told one. */
	readonly open: readonly PresenceEntry[];
	readonly savedAt: number;
}

/** What came back, and what did not because somebody else has it now. */
export interface Restored {
	readonly context: Context;
	readonly locked: readonly Resource[];
	readonly taken: readonly { readonly resource: Resource; readonly blocker: Blocker | undefined }[];
}

/** Keeps what the session has in its project, gives its claims back, and leaves. Answers what was kept. */
export async function leaveProject(coordinator: Coordinator, to: string): Promise<Context> {
	const { store, project, session } = coordinator;
	const locks = await store.locks(project);
	const presence = await store.presence(project);
	const context: Context = {
		branch: session.branch,
		locks: locks
			.filter(
				(lock) => lock.session === session.id && lock.holds.some(({ owner, origin }) => !owner && origin === "claim"),
			)
			.map(({ resource }) => resourceKey(resource)),
		open: presence
			.filter((place) => place.session === session.id)
			.map(({ path, unsaved, line }) => ({ path, unsaved, line })),
		savedAt: Date.now(),
	};
	// Leaving twice without coming back in between must not forget what was left the first time.
	if (context.locks.length > 0 || context.open.length > 0 || (await savedContext(coordinator)) === undefined) {
		for (const key of stateKeys(coordinator)) await store.saveState(project, key, JSON.stringify(context));
	}
	await coordinator.log({ type: "context_switched", to });
	await coordinator.leave();
	return context;
}

/**
 * Brings back what this session, or its actor in an earlier one, left in the project: every lock that is still free is taken
 * again, each on its own. Undefined when nothing was left. What was brought back is forgotten.
 */
export async function returnToProject(coordinator: Coordinator): Promise<Restored | undefined> {
	const { store, project } = coordinator;
	const context = await savedContext(coordinator);
	if (context === undefined) return undefined;
	const locked: Resource[] = [];
	const taken: Restored["taken"][number][] = [];
	for (const resource of context.locks.map(resourceOf)) {
		const answer = await coordinator.acquire([resource]);
		if (answer.ok) locked.push(resource);
		else taken.push({ resource, blocker: answer.reason === "held" ? answer.blockers[0] : undefined });
	}
	for (const key of stateKeys(coordinator)) await store.saveState(project, key, undefined);
	return { context, locked, taken };
}

async function savedContext(coordinator: Coordinator): Promise<Context | undefined> {
	for (const key of stateKeys(coordinator)) {
		const saved = await coordinator.store.loadState(coordinator.project, key);
		if (saved !== undefined) return JSON.parse(saved) as Context;
	}
	return undefined;
}

function stateKeys({ session }: Coordinator): readonly string[] {
	return [`context:${session.id}`, `context:${session.actor}`];
}
