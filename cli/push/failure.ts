import { showBlocker, showDuration, showSession, showText } from "../../server/coordination/describe.ts";
import type { Blocker } from "../../server/coordination/lock.ts";
import type { PushTurn } from "../../server/coordination/push/turn.ts";
import { isStoppedPush } from "../../server/coordination/push/watch.ts";
import { HeldError, UdoError } from "../../server/errors.ts";
import { isUnreachable } from "../../server/git/push/transient.ts";
import { shortRef } from "../../server/git/ref.ts";
import type { Destination } from "../../server/git/remote.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import { refusal } from "../refusal.ts";

/** Why a push did not land, as the error a person reads; undefined when it did, or had nothing to do. */
export async function pushFailure(
	workspace: Workspace,
	to: Destination,
	turn: PushTurn,
): Promise<UdoError | undefined> {
	const ref = shortRef(to.ref);
	const place = `${showText(to.remote, 80)} ${showText(ref, 120)}`;
	const pull = `git pull --rebase ${shellWord(to.remote)} ${shellWord(ref)}`;
	if (!turn.ok) {
		const { refusal: why, waitedMs } = turn.claimed;
		if (why.reason !== "held") {
			return refusal(workspace, [{ kind: "database", id: `push to ${place}` }], turn.claimed);
		}
		const [blocker] = why.blockers;
		const more = why.ahead === 0 ? "" : `; ${why.ahead} more in line before you`;
		return new HeldError(`no turn to push to ${place} within ${showDuration(waitedMs)}`, {
			why: `${blocker === undefined ? "others are before you" : showTurn(blocker)}${more}.`,
			next: "udo push --wait 10m",
		});
	}
	const { outcome } = turn;
	switch (outcome.kind) {
		case "landed":
		case "nothing":
		case "planned":
			return undefined;
		case "conflict": {
			const names = outcome.paths.slice(0, 5).map((path) => showText(path, 120));
			const more = outcome.paths.length > 5 ? ` and ${outcome.paths.length - 5} more` : "";
			return new UdoError(`conflict in ${names.join(", ")}${more}: nothing of yours was pushed to ${place}`, {
				code: "conflict",
				exitCode: 5,
				why: `commit ${outcome.commit.slice(0, 12)} does not fit on ${outcome.onto.slice(0, 12)}; nobody else waits for you.`,
				next: pull,
			});
		}
		case "merges":
			return new UdoError(`${showText(to.branch, 120)} has a merge commit, ${outcome.commit.slice(0, 12)}`, {
				code: "merge_commits",
				why: `${place} has moved on, and a merge cannot be put on top of it as it is.`,
				next: "udo push --merge, or git rebase first",
			});
		case "unrelated":
			return new UdoError(`${showText(to.branch, 120)} and ${place} have no commit in common`, {
				code: "unrelated",
				next: "git push, if you mean it",
			});
		case "missing":
			return new UdoError(`the commits of ${showText(to.branch, 120)} could not be read by whoever pushed`, {
				code: "missing",
				next: "udo push --no-batch",
			});
		case "refused":
			return new UdoError(`${place} was refused`, {
				code: "remote_refused",
				exitCode: 7,
				why: showText(outcome.words, 500),
				next: "udo push again, once that is settled",
			});
		case "unreachable":
			if (!isUnreachable(outcome.words)) {
				return new UdoError(`git could not push to ${place}`, {
					code: "push_failed",
					exitCode: 7,
					why: showText(outcome.words, 500),
					next: "udo push again, once that is settled; what has landed does not land twice",
				});
			}
			return new UdoError(`${place} cannot be reached`, {
				code: "remote_unreachable",
				exitCode: 7,
				why: showText(outcome.words, 500),
				next: `git ls-remote ${shellWord(to.remote)}`,
			});
		case "outrun":
			return new UdoError(`others pushed to ${place} past the queue ${outcome.tries} times in a row`, {
				code: "outrun",
				exitCode: 7,
				why: "git push and services that push do not stand in line.",
				next: "udo push",
			});
	}
}

// The queue's own name means nothing to people.
function showTurn(blocker: Blocker): string {
	if (blocker.resource.kind !== "database") return showBlocker(blocker);
	const stopped = isStoppedPush(blocker) ? `, and is stopped (pid ${blocker.owner?.pid})` : "";
	const verb = blocker.what === "waiter" ? "waits to push" : "is pushing";
	return `${showSession(blocker)} ${verb} for ${showDuration(blocker.ageMs)}${stopped}`;
}
