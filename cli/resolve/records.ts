import { gitConflictCause } from "../../server/conflicts.ts";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { UdoError } from "../../server/errors.ts";
import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import type { UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Place } from "./place.ts";

/** Notes in the record of a path what was tried and did not settle all of it. */
export async function noteAttempt(place: Place, path: string, outcome: string): Promise<void> {
	await withRecords(place, path, async ({ store, project, coordinator }, { id }) => {
		const attempt = { strategy: "three-way merge", outcome } as const;
		await store.amendConflict(project, id, { attempt }, coordinator.author);
	});
}

/** Settles the record of a path that git could not merge, for all who see it. Says nothing where the store cannot be asked. */
export async function settleRecord(place: Place, path: string, last: Step | undefined): Promise<void> {
	const how = last?.by === "merge" ? "three-way merge" : "manual";
	await withRecords(place, path, async ({ store, project, coordinator }, { id }) => {
		await store.resolveConflict(project, id, last?.what ?? "settled in the file", coordinator.author, how);
	});
}

async function withRecords(
	{ workspace, repository, unmerged }: Place,
	path: string,
	act: (workspace: Workspace, conflict: Conflict) => Promise<void>,
): Promise<void> {
	const its = unmerged.find((each) => each.path === path);
	if (workspace === undefined || its === undefined) return;
	const cause = gitConflictCause(repository, its);
	try {
		const open = await workspace.store.conflicts(workspace.project);
		for (const conflict of open.filter((each) => each.cause === cause)) await act(workspace, conflict);
	} catch (error) {
		// What git knows is what counts; the next look at the index finds out the rest.
		if (!(error instanceof UdoError)) throw error;
	}
}

/** The conflicted path of this tree that a record is about. */
export function pathOf({ unmerged, repository }: Place, { cause }: Conflict): UnmergedPath | undefined {
	return unmerged.find((each) => gitConflictCause(repository, each) === cause);
}
