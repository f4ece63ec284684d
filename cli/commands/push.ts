import { join } from "node:path";
import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { type Conflicted, plan } from "../../server/coordination/push/leader.ts";
import { PushQueue } from "../../server/coordination/push/queue.ts";
import { newPushRequest, type PushOutcome, type PushTicket } from "../../server/coordination/push/ticket.ts";
import { type PushTurn, takeTurn } from "../../server/coordination/push/turn.ts";
import { UdoError } from "../../server/errors.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { committerIdentity } from "../../server/git/push/committer.ts";
import { GitPushRemote } from "../../server/git/push/git-push-remote.ts";
import { type LocalUpdate, moveBranch } from "../../server/git/push/local-branch.ts";
import { copyNotes } from "../../server/git/push/notes.ts";
import { receiveLanded } from "../../server/git/push/receive.ts";
import { readRef } from "../../server/git/ref.ts";
import { type Destination, findDestination } from "../../server/git/remote.ts";
import { GitError } from "../../server/git/repository.ts";
import { Settings } from "../../server/git/settings.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { pushFailure } from "../push/failure.ts";
import { describePush, showPhase, showWaiting } from "../push/report.ts";

const defaultWaitMs = 120_000;

interface Options {
	readonly to?: string;
	readonly wait?: string;
	readonly batch: boolean;
	readonly merge?: true;
	readonly dryRun?: true;
}

export function define(command: Command, cli: Cli): void {
	command
		.argument("[remote]", "a remote or an address; as git push chooses it when it is left out")
		.argument("[branch]", "the local branch to push; the one you are on when it is left out")
		.option("--to <ref>", "the branch on the remote, when it has another name there")
		.option("--wait <duration>", "how long to stand in line (default 2m)")
		.option("--no-batch", "on its own, not together with others in line")
		.option("--merge", "merge your commits with what is there instead of putting them on top of it")
		.option("--dry-run", "show what would land, push nothing")
		.action(
			cli.action((remote: string | undefined, branch: string | undefined, options: Options) =>
				push(cli, remote, branch, options).catch((error: unknown) => {
					throw error instanceof GitError ? gitFailed(error) : error;
				}),
			),
		);
}

async function push(
	cli: Cli,
	remote: string | undefined,
	branch: string | undefined,
	options: Options,
): Promise<number> {
	const waitMs = options.wait === undefined ? defaultWaitMs : parseDuration(options.wait, "--wait");
	const workspace = await cli.open();
	const { repository, coordinator } = workspace;
	const git = new Plumbing(repository.worktree, cli.environment);
	const current = await repository.branch();
	const settings = await Settings.read(git);
	const to = await findDestination(git, settings, current, { remote, branch, to: options.to });
	const draft = await draftTicket(cli, workspace, git, settings, to, options);
	const remoteRef = new GitPushRemote(git, repository, to, {
		environment: { UDO_PUSH: "1" },
		isDry: options.dryRun === true,
	});
	const queue = new PushQueue(coordinator, to.name, to.ref);
	const turn: PushTurn =
		options.dryRun === true
			? { ok: true, outcome: await plan(remoteRef, { ...draft, request: newPushRequest(queue.now()) }) }
			: await takeTurn(queue, remoteRef, draft, {
					waitMs,
					signal: cli.interrupted,
					withOthers: options.batch,
					onWaiting: (waiting, estimateMs) => showWaiting(cli.output, to, waiting, estimateMs),
					onPhase: (phase, batch) => showPhase(cli.output, to, phase, batch),
					onConflict: (ticket, outcome) => report(workspace, queue, remoteRef, ticket, outcome),
				});
	cli.output.progressDone();
	if (!turn.ok) {
		if (turn.claimed.aborted) return 130;
		throw await pushFailure(workspace, to, turn);
	}
	const { outcome } = turn;
	const local = await settleLocally(workspace, git, to, draft, outcome).catch(notSettled);
	if (outcome.kind === "landed") await copyNotes(git, settings, outcome.commits);
	if (outcome.kind === "landed") await settleConflicts(workspace, queue, draft, outcome.tip);
	const failure = await pushFailure(workspace, to, turn);
	if (failure !== undefined) throw failure;
	const { data, lines } = describePush(to, outcome, local);
	cli.output.result("push", data, lines);
	return 0;
}

function gitFailed(cause: GitError): UdoError {
	return new UdoError("git failed, and nothing was pushed", {
		code: "git_failed",
		why: showText(cause.message.split("\n")[0] ?? ""),
		next: "git fsck, or git push",
		cause,
	});
}

async function draftTicket(
	cli: Cli,
	{ coordinator, repository }: Workspace,
	git: Plumbing,
	settings: Settings,
	to: Destination,
	options: Options,
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
		objects: join(repository.commonDirectory, "objects"),
		committer: await committerIdentity(git, settings, cli.environment),
		isAlone: !options.batch || isSigned,
		isSigned,
		...(options.merge === true && {
			mergeMessage: `Merge remote-tracking branch '${to.remote}/${to.ref.replace(/^refs\/heads\//, "")}' into ${to.branch}\n`,
		}),
	};
}

async function settleLocally(
	{ repository }: Workspace,
	git: Plumbing,
	to: Destination,
	{ tip, known }: Pick<PushTicket, "tip" | "known">,
	outcome: PushOutcome,
): Promise<LocalUpdate> {
	if (outcome.kind !== "landed") return { kind: "unchanged" };
	if (!(await receiveLanded(git, repository, { ...to, known }, outcome))) {
		return { kind: "deferred", why: "what landed could not be fetched", next: "git fetch" };
	}
	const message = `udo push: landed on ${to.remote} ${to.ref}`;
	return moveBranch(git, repository, { branch: to.branch, from: tip, to: outcome.tip, message });
}

// It has landed, whatever goes wrong here.
function notSettled(error: unknown): LocalUpdate {
	if (!(error instanceof GitError)) throw error;
	return { kind: "deferred", why: error.message.split("\n")[0] ?? "git failed", next: "git status" };
}

// What once stood in the way of this branch has been sorted out, or it would not have landed.
async function settleConflicts(
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

async function report(
	{ project, store }: Workspace,
	queue: PushQueue,
	remote: GitPushRemote,
	ticket: PushTicket,
	outcome: Conflicted,
): Promise<PushOutcome> {
	const [path = ""] = outcome.paths;
	const more = outcome.paths.length > 1 ? ` and ${outcome.paths.length - 1} more` : "";
	const name = ticket.ref.replace(/^refs\/heads\//, "");
	const { id } = await store.reportConflict(
		{
			project,
			type: "git_merge",
			resource: `file:${path}` as never,
			sessions: [ticket.session],
			cause: `${queue.causeOf(ticket)} ${ticket.tip}`,
			summary: `${path}${more}: ${ticket.branch} of ${ticket.actor} does not fit on ${ticket.remote} ${name}`,
			next: `git pull --rebase ${shellWord(ticket.remote)} ${shellWord(name)}`,
			blobs: remote.textsOf(ticket),
			attempts: [{ strategy: "coordinated push", outcome: "did not fit, the others went on without it" }],
		},
		{ session: ticket.session, actor: ticket.actor },
	);
	return { ...outcome, conflict: id };
}
