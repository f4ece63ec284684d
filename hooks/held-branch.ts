import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import type { Lock } from "../server/coordination/lock.ts";
import { hookOf } from "../server/coordination/request-name.ts";
import { coveringKeys, resourceKey } from "../server/coordination/resource.ts";
import type { Session } from "../server/coordination/session.ts";
import { HeldError, type UdoError } from "../server/errors.ts";
import { resourceWords } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";

/** A branch that another live session has locked. */
export interface HeldBranch {
	readonly branch: string;
	readonly lock: Lock;
	readonly holder: Session;
}

/**
 * The first of the branches that another live session asked for, also by a lock on the whole project or on everything. What
 * hooks hold while a git is at work does not count: git itself sees to that two of them do not write one ref.
 */
export async function heldBranch(workspace: Workspace, branches: readonly string[]): Promise<HeldBranch | undefined> {
	if ((await find(workspace, branches)) === undefined) return undefined;
	await workspace.coordinator.reap();
	return find(workspace, branches);
}

/** The refusal: `what` git was about to do with the branch, and the command that waits for it. */
export function heldError({ branch, lock, holder }: HeldBranch, what: string, command: string): UdoError {
	const name = showText(branch, 120);
	const who = showSession({ session: holder.id, actor: holder.actor });
	return new HeldError(`${what} refused: branch ${name} is locked by somebody else`, {
		why: `${who} has it for ${showDuration(lock.ageMs)}, lease ends in ${showDuration(lock.leftMs)}.`,
		next: `udo run --wait ${resourceWords({ kind: "git", id: branch })} -- ${command}`,
	});
}

async function find({ coordinator, store, project }: Workspace, branches: readonly string[]) {
	const locks = (await store.locks(project)).filter(
		({ session, holds }) =>
			session !== coordinator.session.id && holds.some(({ request }) => hookOf(request) === undefined),
	);
	if (locks.length === 0) return undefined;
	const sessions = await store.sessions();
	for (const branch of branches) {
		const covering = new Set(coveringKeys({ kind: "git", id: branch }));
		const lock = locks.find(({ resource }) => resource.kind === "exclusive" || covering.has(resourceKey(resource)));
		const holder = lock && sessions.find(({ id, project: its }) => id === lock.session && its === lock.project);
		if (lock !== undefined && holder !== undefined) return { branch, lock, holder };
	}
	return undefined;
}
