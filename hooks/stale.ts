import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import type { UdoEvent } from "../server/coordination/event.ts";
import { hookOf } from "../server/coordination/request-name.ts";
import type { SessionId } from "../server/coordination/session.ts";
import { fileTickMs } from "../server/coordination/write-log.ts";
import { UdoError } from "../server/errors.ts";
import { isBinary } from "../server/git/binary.ts";
import { changedBetween, isReplaying, type StagedEntry, stagedEntries } from "../server/git/index-entries.ts";
import { gitMergeFile } from "../server/git/merge-file.ts";
import { Plumbing } from "../server/git/plumbing.ts";
import { isZeroId } from "../server/git/ref.ts";
import { type HeadMove, headMoves } from "../server/git/reflog.ts";
import type { Repository } from "../server/git/repository.ts";
import type { Workspace } from "../server/workspace.ts";
import { fromTop } from "./pathspec.ts";
import { showNames } from "./verdict.ts";

// What is older was seen by everybody.
const mostMoves = 30;
const mostEvents = 500;
const mostMerged = 20;
// What a git may take, on a busy machine, from its start, whose second is in the reflog, until its hook has locked the branch.
const hookMs = 7000;

/** Staged files with which a commit would silently take back what another session committed meanwhile. */
export interface Stale {
	readonly paths: readonly string[];
	readonly move: Landed;
}

type Landed = HeadMove & { readonly session: SessionId; readonly actor: string | undefined };

/**
 * Finds what was staged before a commit of another session landed on this branch, and lacks what it changed: an index that was
 * made earlier (one of an agent's own, or one that somebody's `git update-ref` left behind). What was put back on purpose,
 * by `git revert`, `git checkout COMMIT -- PATH` or an editor, was staged after the commit landed, and is not found.
 */
export async function staleFiles(workspace: Workspace, environment: NodeJS.ProcessEnv): Promise<readonly Stale[]> {
	const { repository } = workspace;
	if (isReplaying(repository)) return [];
	const moves = await landedFromOthers(workspace);
	if (moves.length === 0) return [];
	const staged = await stagedEntries(repository);
	const found: Stale[] = [];
	const seen = new Set<string>();
	// Each move may have changed many files, and a later one may have changed them again.
	for (const move of moves) {
		const older = staged.filter((entry) => !seen.has(entry.path) && entry.changedAt + fileTickMs < move.at);
		const paths = await undone(workspace, environment, move, older);
		for (const path of paths) seen.add(path);
		if (paths.length > 0) found.push({ paths, move });
	}
	return found;
}

/** Three lines for each commit that would be taken back. */
export function staleErrors(stale: readonly Stale[]): readonly UdoError[] {
	return stale.map(({ paths, move }) => {
		const who = showSession({ session: move.session, actor: move.actor ?? "somebody" });
		const subject = showText(move.message.replace(/^[^:]*: /, ""), 60);
		const one = paths.length === 1;
		return new UdoError(`commit refused: it would take back what ${move.to.slice(0, 8)} did to ${showNames(paths)}`, {
			code: "stale",
			exitCode: 4,
			why: `${who} committed "${subject}" ${showDuration(Date.now() - move.at)} ago; what is staged of ${one ? "it" : "them"} is older.`,
			next: `git restore --staged ${paths.slice(0, 5).map(fromTop).join(" ")}, or if you mean it: UDO_SKIP=1 git commit`,
		});
	});
}

// A move of HEAD by a reset, a checkout or a rebase is somebody's choice of what the tree is based on.
async function landedFromOthers({ coordinator, repository, store, project }: Workspace): Promise<readonly Landed[]> {
	const moves = headMoves(repository, mostMoves).filter(
		({ from, to, message }) => from !== to && !isZeroId(from) && !/^(reset|checkout|rebase)\b/.test(message),
	);
	const branch = await repository.branch();
	if (moves.length === 0 || branch === undefined) return [];
	const types = ["lock_acquired", "branch_moved"] as const;
	const events = await store.newestEvents({ project, limit: mostEvents, types });
	const here = new Set(
		(await store.sessions(project)).flatMap(({ id, host, worktree }) =>
			host === coordinator.session.host && worktree === repository.worktree ? [id] : [],
		),
	);
	const fromHere = events.filter(({ session }) => session !== undefined && here.has(session));
	return moves.flatMap((move) => {
		const author = authorOf(move, branch, fromHere);
		if (author?.session === undefined || author.session === coordinator.session.id) return [];
		const isEditor = author.session.startsWith("edit_") || coordinator.session.kind === "edit";
		if (isEditor && author.actor === coordinator.session.actor) return [];
		// The reflog counts in seconds, and its times are the committer's to choose: what is staged later was never earlier.
		const at = Math.min(Math.max(move.at, author.at), Date.now());
		return [{ ...move, at, session: author.session, actor: author.actor }];
	});
}

// Whose git had the branch when it moved: pre-commit locks it for the git that commits. Who is gone is not known any more.
function authorOf(move: HeadMove, branch: string, events: readonly UdoEvent[]): UdoEvent | undefined {
	const exact = events.find((event) => event.type === "branch_moved" && event.to === move.to);
	if (exact !== undefined) return exact;
	return events.findLast(
		(event) =>
			event.type === "lock_acquired" &&
			hookOf(event.request)?.endsWith("-commit") === true &&
			event.resources.some((key) => key === `git:${branch}`) &&
			event.at >= move.at &&
			event.at < move.at + hookMs,
	);
}

async function undone(
	workspace: Workspace,
	environment: NodeJS.ProcessEnv,
	move: HeadMove,
	older: readonly StagedEntry[],
): Promise<readonly string[]> {
	if (older.length === 0) return [];
	const { repository } = workspace;
	const paths = older.map(({ path }) => path);
	const changed = new Map(
		(await changedBetween(repository, move.from, move.to, paths)).map((each) => [each.path, each]),
	);
	const back: string[] = [];
	const missing: string[] = [];
	const git = new Plumbing(repository.worktree, environment);
	for (const entry of older) {
		const change = changed.get(entry.path);
		if (change === undefined) continue;
		if (isZeroId(entry.index)) {
			// As after `git rm --cached` of a new file, unless other files are taken back as well, or that file was never in this index.
			if (isZeroId(change.from) && existsSync(join(repository.worktree, entry.path))) missing.push(entry.path);
		} else if (entry.index === change.from || (isZeroId(change.to) && isZeroId(entry.head))) back.push(entry.path);
		else if (
			back.length < mostMerged &&
			!isZeroId(change.from) &&
			!isZeroId(entry.head) &&
			(await lacks(git, change.from, entry))
		)
			back.push(entry.path);
	}
	return back.length === 0 && isOfThisTree(repository, environment) ? [] : [...back, ...missing];
}

// git names the index that it commits from: an agent's own, or one in its own directory (`index`, `index.lock`, `next-index-1.lock`).
function isOfThisTree({ worktree, gitDirectory }: Repository, environment: NodeJS.ProcessEnv): boolean {
	const index = environment["GIT_INDEX_FILE"];
	return index === undefined || realpathSync(dirname(resolve(worktree, index))) === realpathSync(gitDirectory);
}

// What was staged was made of the file as it was before, so merging what HEAD has since then into it must change nothing.
async function lacks(git: Plumbing, from: string, { index, head }: StagedEntry): Promise<boolean> {
	const [base, ours, theirs] = await Promise.all([from, index, head].map((id) => blob(git, id)));
	if (base === undefined || ours === undefined || theirs === undefined) return false;
	if ([base, ours, theirs].some((text) => isBinary(text) || text.length > 1_000_000)) return false;
	const merged = await gitMergeFile({ base, ours, theirs }, { style: "merge", markerSize: 40 });
	return !merged.includes("<".repeat(40)) && !merged.equals(ours);
}

async function blob(git: Plumbing, id: string): Promise<Buffer | undefined> {
	const { code, stdout } = await git.run(["cat-file", "blob", id]);
	return code === 0 ? stdout : undefined;
}
