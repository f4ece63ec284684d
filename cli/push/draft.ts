import { join } from "node:path";
import { hasOwnPrePush } from "../../hooks/install/own-pre-push.ts";
import { showText } from "../../server/coordination/describe.ts";
import type { PushTicket } from "../../server/coordination/push/ticket.ts";
import { UdoError } from "../../server/errors.ts";
import type { Plumbing } from "../../server/git/plumbing.ts";
import { committerIdentity } from "../../server/git/push/committer.ts";
import { readRef, shortRef } from "../../server/git/ref.ts";
import type { Destination } from "../../server/git/remote.ts";
import type { Settings } from "../../server/git/settings.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";

/** A branch of this clone, and where it is to land. */
interface PushedBranch {
	readonly git: Plumbing;
	readonly settings: Settings;
	readonly to: Destination;
	readonly environment: NodeJS.ProcessEnv;
}

/** The ticket of a push, but for its place in line. Throws UdoError `branch_missing`. */
export async function draftTicket(
	{ coordinator, repository }: Workspace,
	{ git, settings, to, environment }: PushedBranch,
	options: { readonly batch: boolean; readonly merge?: true },
): Promise<Omit<PushTicket, "request">> {
	const tip = await readRef(git, repository, `refs/heads/${to.branch}`);
	if (tip === undefined) {
		const isTag = (await readRef(git, repository, `refs/tags/${to.branch}`)) !== undefined;
		throw new UdoError(`there is no branch ${showText(to.branch, 120)}`, {
			code: "branch_missing",
			...(isTag && { why: "there is a tag of that name, for which nobody stands in line." }),
			next: isTag ? `git push ${shellWord(to.remote)} ${shellWord(to.branch)}` : "git branch --list",
		});
	}
	const isSigned = settings.isTrue("commit.gpgsign");
	const known = to.tracking === undefined ? undefined : await readRef(git, repository, to.tracking);
	const [committer, isWatched, forkedFrom] = await Promise.all([
		committerIdentity(git, settings, environment),
		hasOwnPrePush(repository, settings),
		known === undefined || known === tip ? known : forkPoint(git, to.tracking ?? known, tip),
	]);
	const { id, actor, host } = coordinator.session;
	return {
		session: id,
		actor,
		host,
		address: to.address,
		ref: to.ref,
		branch: to.branch,
		remote: to.remote,
		tip,
		...(known !== undefined && { known }),
		...(forkedFrom !== undefined && { forkedFrom }),
		objects: join(repository.commonDirectory, "objects"),
		committer,
		isAlone: !options.batch || isSigned || isWatched,
		isSigned,
		...(options.merge === true && {
			mergeMessage: `Merge remote-tracking branch '${to.remote}/${shortRef(to.ref)}' into ${to.branch}\n`,
		}),
	};
}

// From the reflog of what this clone remembers of the remote, as git pull --rebase has it.
async function forkPoint(git: Plumbing, tracking: string, tip: string): Promise<string | undefined> {
	const { code, stdout } = await git.run(["merge-base", "--fork-point", tracking, tip]);
	return code === 0 ? stdout.toString().trim() : undefined;
}
