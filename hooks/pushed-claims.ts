import type { Lock } from "../server/coordination/lock.ts";
import { livenessOf, thisHost } from "../server/coordination/process.ts";
import { hookOf } from "../server/coordination/request-name.ts";
import type { Session } from "../server/coordination/session.ts";
import { branchAt } from "../server/git/worktrees.ts";
import type { Onlooker } from "../server/onlooker.ts";

/** A lock that somebody asked for and who lives, as far as this machine can tell. */
export interface Claim {
	readonly lock: Lock;
	readonly holder: Session;
}

/** What is claimed in a project. Without what hooks and udo's own queue hold for the git that is pushing this. */
export async function claimsOf({ store, project }: Onlooker): Promise<readonly Claim[]> {
	const locks = (await store.locks(project)).filter(
		({ resource, origin, holds }) =>
			resource.kind !== "database" &&
			origin === "claim" &&
			holds.some(
				({ request, owner }) => hookOf(request) === undefined && (owner === undefined || livenessOf(owner) !== "dead"),
			),
	);
	if (locks.length === 0) return [];
	const sessions = (await store.sessions()).filter(({ process }) => livenessOf(process) !== "dead");
	return locks.flatMap((lock) => {
		const holder = sessions.find(({ id, project: its }) => id === lock.session && its === lock.project);
		return holder === undefined ? [] : [{ lock, holder }];
	});
}

/**
 * The branch that a holder is on. What it said when it last ran udo may be two branch switches old; a tree of this machine can be
 * looked at.
 */
export function branchOf(holder: Session): string | undefined {
	return (holder.host === thisHost() ? branchAt(holder.worktree) : undefined) ?? holder.branch;
}
