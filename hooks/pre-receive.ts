import { thisHost } from "../server/coordination/coordinator.ts";
import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import { judge } from "../server/coordination/guard.ts";
import type { Lock } from "../server/coordination/lock.ts";
import { livenessOf } from "../server/coordination/process.ts";
import { sessionsInPush } from "../server/coordination/push/batch.ts";
import { coveringKeys, describeResource, type ResourceKey, resourceKey } from "../server/coordination/resource.ts";
import type { Session, SessionId } from "../server/coordination/session.ts";
import { HeldError, type UdoError } from "../server/errors.ts";
import { lockablePushed } from "../server/git/pushed/attributes.ts";
import {
	type BranchCommit,
	type BranchUpdate,
	type PushedChanges,
	pushedChanges,
} from "../server/git/pushed/changes.ts";
import type { PushedRepository } from "../server/git/pushed/repository.ts";
import { branchAt } from "../server/git/worktrees.ts";
import type { Onlooker } from "../server/onlooker.ts";
import { resourceWords } from "../server/shell-word.ts";
import { hookOf } from "./branch-lock.ts";
import { showNames, type Verdict } from "./verdict.ts";

/** Who pushes, as far as it is known: a session, an actor, or only what the commits say about who made them. */
export type Pusher =
	| { readonly kind: "session"; readonly id: SessionId }
	| { readonly kind: "actor"; readonly actor: string }
	| { readonly kind: "committers" };

/**
 * Guards what is pushed where it arrives: refuses what changes a path that another live session claimed, or a branch that
 * another one has locked. Edits in an editor stop nobody here, and who works on another branch is warned of, as at a commit.
 */
export async function preReceive(
	repository: PushedRepository,
	onlooker: Onlooker,
	updates: readonly BranchUpdate[],
	pusher: Pusher,
): Promise<Verdict> {
	const claims = await claimsOf(onlooker);
	const found: Found[] = [];
	for (const update of claims.length === 0 ? [] : updates) {
		const changes = await pushedChanges(repository, update);
		const sessions =
			update.after === undefined ? none : await sessionsInPush(onlooker.store, onlooker.project, update.after);
		const push: Push = { update, changes, makerOf: (commit) => makerOf(commit, changes, sessions, pusher) };
		found.push(...branchesFound(push, claims), ...(await pathsFound(repository, push, claims)));
	}
	const refused = byHolder(found.filter(({ judgement }) => judgement === "block"));
	const warned = byHolder(found.filter(({ judgement }) => judgement === "warn"));
	return {
		refusals: refused.map(refusal),
		warnings: warned.map(([first, ...more]) => `warning: ${namesOf([first, ...more])} locked: ${describe(first)}`),
		refused: refused.flatMap((group) => group.map(({ path, update }) => path ?? `branch ${update.branch}`)),
	};
}

const none: ReadonlyMap<string, SessionId> = new Map();

/** A lock that somebody asked for and who lives, as far as this machine can tell. */
interface Claim {
	readonly lock: Lock;
	readonly holder: Session;
}

/** Who is behind a commit: one session, or somebody who goes by one of these names. */
type Maker = { readonly session: SessionId } | { readonly actors: readonly string[] };

interface Push {
	readonly update: BranchUpdate;
	readonly changes: PushedChanges;
	/** Of a commit, or of the push itself. */
	readonly makerOf: (commit: BranchCommit | undefined) => Maker;
}

/** Something pushed that another session has claimed; without a path it is the branch. */
type Found = Claim & {
	readonly update: BranchUpdate;
	readonly path: string | undefined;
	readonly judgement: ReturnType<typeof judge>;
};

// Hooks and udo's own queue hold locks too, for the git that is pushing this.
async function claimsOf({ store, project }: Onlooker): Promise<readonly Claim[]> {
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

// In a batch of `udo push` each commit is its own session's, whoever pushes them. Without a better word the newest commit
// counts for the push: whoever made it had what is under it.
function makerOf(
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

function isHolder(maker: Maker, { id, actor }: Session): boolean {
	if ("session" in maker) return maker.session === id;
	return maker.actors.some((each) => each.toLowerCase() === actor.toLowerCase());
}

function branchesFound({ update, makerOf: maker }: Push, claims: readonly Claim[]): readonly Found[] {
	const { branch } = update;
	const keys = new Set(coveringKeys(branch === undefined ? { kind: "project", id: "" } : { kind: "git", id: branch }));
	return claims
		.filter(({ lock: { resource } }) => resource.kind === "exclusive" || keys.has(resourceKey(resource)))
		.filter(({ holder }) => !isHolder(maker(undefined), holder))
		.map((claim) => ({ ...claim, update, path: undefined, judgement: "block" }));
}

async function pathsFound(
	repository: PushedRepository,
	{ update, changes, makerOf: maker }: Push,
	claims: readonly Claim[],
): Promise<readonly Found[]> {
	const files = claims.filter(({ lock }) => lock.resource.kind === "file");
	if (files.length === 0) return [];
	const byKey = new Map<ResourceKey, Claim>(files.map((claim) => [resourceKey(claim.lock.resource), claim]));
	const found = [...changes.paths].flatMap(([path, commits]) => {
		const keys = coveringKeys({ kind: "file", id: path.normalize("NFC") });
		const claim = keys.flatMap((key) => byKey.get(key) ?? [])[0];
		const makers = commits.length === 0 ? [maker(undefined)] : commits.map(maker);
		return claim === undefined || makers.every((each) => isHolder(each, claim.holder)) ? [] : [{ ...claim, path }];
	});
	const far = found.filter(({ holder }) => isElsewhere(holder, update)).map(({ path }) => path);
	const lockable = await lockablePushed(repository, update.before ?? update.after, far);
	return found.map((each) => {
		const place = isElsewhere(each.holder, update) ? "another branch" : "same branch";
		const about = { sameActor: false, unsaved: false, lockable: lockable.has(each.path) };
		return { ...each, update, judgement: judge({ lock: "claim", place, ...about }) };
	});
}

// Where nobody said which branch it is, it may be the holder's.
function isElsewhere(holder: Session, { branch }: BranchUpdate): boolean {
	return branch !== undefined && branch !== branchOf(holder);
}

// What the holder said when it last ran udo may be two branch switches old; a tree of this machine can be looked at.
function branchOf(holder: Session): string | undefined {
	return (holder.host === thisHost() ? branchAt(holder.worktree) : undefined) ?? holder.branch;
}

type Group = readonly [Found, ...Found[]];

function byHolder(found: readonly Found[]): readonly Group[] {
	const groups = new Map<string, [Found, ...Found[]]>();
	for (const each of found) {
		const key = `${each.holder.id} ${each.update.branch} ${each.path === undefined}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [each]);
		else group.push(each);
	}
	return [...groups.values()];
}

function refusal(group: Group): UdoError {
	const [first] = group;
	const wanted = first.path === undefined ? first.lock.resource : { kind: "file" as const, id: first.path };
	return new HeldError(`push refused: ${namesOf(group)} locked by somebody else`, {
		why: `${describe(first)}.`,
		next: `udo run --wait ${resourceWords(wanted)} -- git push`,
	});
}

function namesOf(group: Group): string {
	const [{ path, update }] = group;
	if (path === undefined)
		return `branch ${showText(update.branch ?? "", 120)} is`.replace("branch  is", "the branch is");
	const on = update.branch === undefined ? "" : ` on ${showText(update.branch, 120)}`;
	return `${showNames(group.map((each) => each.path ?? ""))}${on} ${group.length === 1 ? "is" : "are"}`;
}

function describe({ lock, holder }: Claim): string {
	const branch = branchOf(holder);
	const where = branch === undefined ? "a detached HEAD" : `branch ${showText(branch, 60)}`;
	const host = holder.host === thisHost() ? "" : ` on ${showText(holder.host, 60)}`;
	const how = `${showText(describeResource(lock.resource), 120)} for ${showDuration(lock.ageMs)}`;
	return `${showSession({ session: holder.id, actor: holder.actor })}${host}, on ${where}, has ${how}, lease ends in ${showDuration(lock.leftMs)}`;
}
