import { showText } from "../../server/coordination/describe.ts";
import type { Conflicted } from "../../server/coordination/push/leader.ts";
import type { PushQueue } from "../../server/coordination/push/queue.ts";
import type { PushOutcome, PushTicket } from "../../server/coordination/push/ticket.ts";
import type { GitPushRemote } from "../../server/git/push/git-push-remote.ts";
import { shortRef } from "../../server/git/ref.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";

/** Records that a ticket does not fit on the remote's ref, and answers what to tell its owner. */
export async function reportConflict(
	{ project, store }: Workspace,
	queue: PushQueue,
	remote: GitPushRemote,
	ticket: PushTicket,
	outcome: Conflicted,
): Promise<PushOutcome> {
	const [path = ""] = outcome.paths;
	const more = outcome.paths.length > 1 ? ` and ${outcome.paths.length - 1} more` : "";
	const name = shortRef(ticket.ref);
	const { id } = await store.reportConflict(
		{
			project,
			type: "git_merge",
			resource: `file:${path}` as never,
			sessions: [ticket.session],
			cause: `${queue.causeOf(ticket)} ${ticket.tip}`,
			summary: `${showText(path, 120)}${more}: ${showText(ticket.branch, 60)} of ${showText(ticket.actor, 60)} does not fit on ${showText(ticket.remote, 40)} ${showText(name, 60)}`,
			next: `git pull --rebase ${shellWord(ticket.remote)} ${shellWord(name)}`,
			blobs: remote.textsOf(ticket),
			attempts: [{ strategy: "coordinated push", outcome: "did not fit, the others went on without it" }],
		},
		{ session: ticket.session, actor: ticket.actor },
	);
	return { ...outcome, conflict: id };
}

/** Settles what once stood in the way of a branch: it has been sorted out, or the branch would not have landed. */
export async function settleConflicts(
	{ coordinator, project, store }: Workspace,
	queue: PushQueue,
	ticket: Pick<PushTicket, "session" | "branch">,
	tip: string,
): Promise<void> {
	const cause = `${queue.causeOf(ticket)} `;
	for (const conflict of await store.conflicts(project)) {
		if (!conflict.cause.startsWith(cause)) continue;
		const resolution = `landed as ${tip.slice(0, 12)}`;
		await store.resolveConflict(project, conflict.id, resolution, coordinator.author, "coordinated push");
	}
}
