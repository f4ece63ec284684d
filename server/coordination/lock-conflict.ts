import { resourceWords } from "../shell-word.ts";
import type { Refusal } from "./claim.ts";
import type { Coordinator } from "./coordinator.ts";
import { showBlocker, showDuration, showText } from "./describe.ts";
import { conflicts, describeResource, type Resource, resourceKey, resourceOf } from "./resource.ts";

/**
 * Records that a session waited for a lock in vain, and who had it for how long; answers the conflict of this wish, that of the last
 * time if it is still open.
 */
export async function reportWaitInVain(
	coordinator: Coordinator,
	resources: readonly Resource[],
	{ refusal, waitedMs }: { readonly refusal: Refusal; readonly waitedMs: number },
): Promise<void> {
	const [blocker] = refusal.reason === "held" ? refusal.blockers : [];
	if (blocker === undefined) return;
	const { project, session, store, author } = coordinator;
	const wanted = resources.find((each) => conflicts(each, blocker.resource)) ?? resources[0];
	if (wanted === undefined) return;
	const resource = resourceKey(wanted);
	const attempt = { strategy: "wait-and-retry", outcome: `no turn within ${showDuration(waitedMs)}` } as const;
	const { id, isNew } = await store.reportConflict(
		{
			project,
			type: "resource_lock",
			resource,
			sessions: [session.id, blocker.session],
			cause: `resource_lock ${session.id} ${resource}`,
			summary: `${showText(session.actor, 60)} waited ${showDuration(waitedMs)} in vain for ${showText(describeResource(wanted), 120)}: ${showBlocker(blocker)}`,
			next: `udo lock --wait ${resourceWords(wanted)}`,
			attempts: [attempt],
		},
		author,
	);
	if (!isNew) await store.amendConflict(project, id, { attempt }, author);
}

/** Supersedes the conflicts about locks that nobody else has any more, or that nobody waits for: who did has left. */
export async function supersedeFreed({ store, project, author }: Coordinator): Promise<void> {
	const open = (await store.conflicts(project)).filter(({ type }) => type === "resource_lock");
	if (open.length === 0) return;
	const [locks, sessions] = [await store.locks(project), await store.sessions(project)];
	for (const {
		id,
		resource,
		sessions: [waiter],
	} of open) {
		const wanted = resourceOf(resource);
		const isHeld = locks.some((lock) => lock.session !== waiter && conflicts(lock.resource, wanted));
		const isWanted = sessions.some((session) => session.id === waiter);
		if (isHeld && isWanted) continue;
		const why = isHeld ? "who waited has left" : `${showText(describeResource(wanted), 120)} is free again`;
		await store.resolveConflict(project, id, why, author, "superseded");
	}
}
