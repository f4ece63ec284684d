import type { Command } from "commander";
import { heldBranch } from "../../hooks/held-branch.ts";
import { machineClock } from "../../server/coordination/clock.ts";
import { showSession, showText } from "../../server/coordination/describe.ts";
import { plan } from "../../server/coordination/push/leader.ts";
import { PushQueue } from "../../server/coordination/push/queue.ts";
import type { PushLanded, PushOutcome, PushTicket } from "../../server/coordination/push/ticket.ts";
import { type PushTurn, takeTurn } from "../../server/coordination/push/turn.ts";
import { pushRequest } from "../../server/coordination/request-name.ts";
import { UdoError } from "../../server/errors.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { GitPushRemote } from "../../server/git/push/git-push-remote.ts";
import { type LocalUpdate, moveBranch } from "../../server/git/push/local-branch.ts";
import { copyNotes } from "../../server/git/push/notes.ts";
import { receiveLanded } from "../../server/git/push/receive.ts";
import { shortRef } from "../../server/git/ref.ts";
import { type Destination, findDestination } from "../../server/git/remote.ts";
import { GitError } from "../../server/git/repository.ts";
import { Settings } from "../../server/git/settings.ts";
import { resourceWords, shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { reportConflict, settleConflicts } from "../push/conflict.ts";
import { draftTicket } from "../push/draft.ts";
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
					if (!(error instanceof GitError)) throw error;
					if (cli.interrupted.aborted) return interrupted(cli);
					throw gitFailed(error);
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
	const draft = await draftTicket(workspace, { git, settings, to, environment: cli.environment }, options);
	const remoteRef = new GitPushRemote(git, repository, to, {
		environment: { UDO_PUSH: "1" },
		isDry: options.dryRun === true,
	});
	const queue = new PushQueue(coordinator, to.name, to.ref);
	const turn: PushTurn =
		options.dryRun === true
			? { ok: true, outcome: await plan(remoteRef, { ...draft, request: pushRequest(machineClock.now()) }) }
			: await takeTurn(queue, remoteRef, draft, {
					waitMs,
					signal: cli.interrupted,
					withOthers: options.batch,
					onWaiting: (waiting, estimateMs) => showWaiting(cli.output, to, waiting, estimateMs),
					onPhase: (phase, batch) => showPhase(cli.output, to, phase, batch),
					onConflict: (ticket, outcome) => reportConflict(workspace, queue, remoteRef, ticket, outcome),
				});
	cli.output.progressDone();
	if (!turn.ok) {
		if (turn.claimed.aborted) return 130;
		throw await pushFailure(workspace, to, turn);
	}
	const { outcome } = turn;
	if (outcome.kind === "unreachable" && cli.interrupted.aborted) return interrupted(cli);
	const local = await settleLocally(workspace, git, to, draft, outcome).catch(notSettled);
	const notCopied = outcome.kind === "landed" ? await copyNotes(git, settings, outcome.commits) : undefined;
	if (notCopied !== undefined) {
		cli.output.note(`udo: the commits' notes were not taken along: ${showText(notCopied.split("\n")[0] ?? "")}`);
	}
	if (outcome.kind === "landed") await settleConflicts(workspace, queue, draft, outcome.tip);
	const failure = await pushFailure(workspace, to, turn);
	if (failure !== undefined) throw failure;
	const { data, lines } = describePush(to, outcome, local);
	cli.output.result("push", data, lines);
	return 0;
}

// Ctrl-C also ends the git at work, and nobody knows what the remote had of it by then.
function interrupted({ output }: Cli): number {
	output.note(
		"udo: interrupted; when it was too late for that, it has landed, and does not land twice\n  next: udo push",
	);
	return 130;
}

function gitFailed(cause: GitError): UdoError {
	return new UdoError("git failed, and nothing was pushed", {
		code: "git_failed",
		why: showText(cause.message.split("\n")[0] ?? ""),
		next: "git fsck, or git push",
		cause,
	});
}

async function settleLocally(
	workspace: Workspace,
	git: Plumbing,
	to: Destination,
	{ tip, known }: Pick<PushTicket, "tip" | "known">,
	outcome: PushOutcome,
): Promise<LocalUpdate> {
	if (outcome.kind !== "landed") return { kind: "unchanged" };
	const { repository } = workspace;
	const again = commandAgain(to, outcome);
	if (!(await receiveLanded(git, repository, { ...to, known }, outcome))) {
		return { kind: "deferred", why: "what landed could not be fetched", next: again };
	}
	// Of a branch with the remote one's name the turn has seen to it that nobody else has it.
	const held = shortRef(to.ref) === to.branch ? undefined : await heldBranch(workspace, [to.branch]);
	if (held !== undefined && tip !== outcome.tip) {
		const who = showSession({ session: held.holder.id, actor: held.holder.actor });
		const next = `udo run --wait ${resourceWords({ kind: "git", id: to.branch })} -- ${again}`;
		return { kind: "deferred", why: `branch ${to.branch} is locked by ${who}`, next };
	}
	const message = `udo push: landed on ${to.remote} ${to.ref}`;
	return moveBranch(git, repository, { branch: to.branch, from: tip, to: outcome.tip, message, again });
}

/** What brings the local branch to what landed later on: commits that landed do not land again. */
function commandAgain(to: Destination, { commits, tip }: PushLanded): string {
	if (commits.every((commit) => commit.to === commit.from)) return `git merge --ff-only ${tip.slice(0, 12)}`;
	const ref = shortRef(to.ref);
	return `udo push${ref === to.branch ? "" : ` --to ${shellWord(ref)}`} ${shellWord(to.remote)} ${shellWord(to.branch)}`;
}

// It has landed, whatever goes wrong here.
function notSettled(error: unknown): LocalUpdate {
	if (!(error instanceof GitError)) throw error;
	return { kind: "deferred", why: error.message.split("\n")[0] ?? "git failed", next: "git status" };
}
