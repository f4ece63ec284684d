import type { Session, SessionId } from "../server/coordination/session.ts";
import type { BranchCommit, PushedChanges } from "../server/git/pushed/changes.ts";

/** Who pushes, as far as it is known: a session, an actor, or only what the commits say about who made them. */
export type Pusher =
	| { readonly kind: "session"; readonly id: SessionId }
	| { readonly kind: "actor"; readonly actor: string }
	| { readonly kind: "committers" };

/** Who is behind a commit: one session, or somebody who goes by one of these names. */
export type Maker = { readonly session: SessionId } | { readonly actors: readonly string[] };

/**
 * Who is behind a commit, or without one behind the push. In a batch of `udo push` each commit is its own session's, whoever pushes
 * them. Without a better word the newest commit counts for the push: whoever made it had what is under it.
 */
export function makerOf(
	commit: BranchCommit | undefined,
	{ commits }: PushedChanges,
	sessions: ReadonlyMap<string, SessionId>,
	pusher: Pusher,
): Maker {
	const known = sessions.get((commit ?? commits[0])?.id ?? "");
	if (known !== undefined) return { session: known };
	if (pusher.kind === "session") return { session: pusher.id };
	if (pusher.kind === "actor") return { actors: [pusher.actor] };
	return { actors: [commit, commits[0]].flatMap((each) => each?.committer || []) };
}

/** Whether who is behind a commit is the one that holds a lock. */
export function isHolder(maker: Maker, { id, actor }: Session): boolean {
	if ("session" in maker) return maker.session === id;
	return maker.actors.some((each) => each.toLowerCase() === actor.toLowerCase());
}
