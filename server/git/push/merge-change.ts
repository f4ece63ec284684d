import { formatCommit } from "./commit-object.ts";
import { type MergedTree, mergeTree } from "./merge-tree.ts";
import type { ReplayPlace } from "./replay-place.ts";

/** What a commit changed, and where it is to be changed again. */
export interface Change {
	readonly parent: string;
	readonly before: string;
	readonly commit: string;
	readonly after: string;
	/** What the change is to be applied to. */
	readonly tree: string;
}

/**
 * Applies a commit's change to another tree. git 2.38 takes the base of a merge from the history alone, hence a commit whose
 * only use is to have the right parent.
 */
export async function mergeChange(
	place: Pick<ReplayPlace, "git" | "quarantine">,
	{ parent, before, commit, after, tree }: Change,
): Promise<MergedTree> {
	if (before === tree) return { ok: true, tree: after };
	if (before === after) return { ok: true, tree };
	const standIn = { tree, parents: [parent], author: nobody, encoding: undefined, message: Buffer.alloc(0) };
	const theirs = await place.quarantine.writeCommit(formatCommit(standIn, nobody.toString()), commit);
	return mergeTree(place.git, place.quarantine.environment, commit, theirs);
}

const nobody = Buffer.from("udo <udo> 0 +0000");
