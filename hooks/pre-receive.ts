import { judge } from "../server/coordination/guard.ts";
import { sessionsInPush } from "../server/coordination/push/batch.ts";
import { coveringKeys, type ResourceKey, resourceKey } from "../server/coordination/resource.ts";
import type { Session, SessionId } from "../server/coordination/session.ts";
import { lockablePushed } from "../server/git/pushed/attributes.ts";
import { namesOfBranch } from "../server/git/pushed/branch-names.ts";
import {
	type BranchCommit,
	type BranchUpdate,
	changesOnItself,
	type PushedChanges,
	pushedChanges,
} from "../server/git/pushed/changes.ts";
import type { PushedRepository } from "../server/git/pushed/repository.ts";
import type { Onlooker } from "../server/onlooker.ts";
import { byHolder, type Found, refusal, warning } from "./push-refusal.ts";
import { branchOf, type Claim, claimsOf } from "./pushed-claims.ts";
import { isHolder, type Maker, makerOf, type Pusher } from "./pusher.ts";
import type { Verdict } from "./verdict.ts";

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
		found.push(...(await foundIn(repository, onlooker, { update, pusher, claims })));
	}
	const refused = byHolder(found.filter(({ judgement }) => judgement === "block"));
	const warned = byHolder(found.filter(({ judgement }) => judgement === "warn"));
	return {
		refusals: refused.map(refusal),
		warnings: warned.map(warning),
		refused: refused.flatMap((group) => group.map(({ path, update }) => path ?? `branch ${update.branch}`)),
	};
}

const none: ReadonlyMap<string, SessionId> = new Map();

interface Push {
	readonly update: BranchUpdate;
	/** Of its branch; none where nobody said which it is. */
	readonly names: ReadonlySet<string>;
	readonly changes: PushedChanges;
	/** Of a commit, or of the push itself. */
	readonly makerOf: (commit: BranchCommit | undefined) => Maker;
}

async function foundIn(
	repository: PushedRepository,
	{ store, project }: Onlooker,
	{ update, pusher, claims }: { update: BranchUpdate; pusher: Pusher; claims: readonly Claim[] },
): Promise<readonly Found[]> {
	const { branch, before, after } = update;
	const names = branch === undefined ? new Set<string>() : await namesOfBranch(repository, branch);
	const sessions = after === undefined ? none : await sessionsInPush(store, project, after);
	const push = (changes: PushedChanges): Push => ({
		...{ update, names, changes },
		makerOf: (commit) => makerOf(commit, changes, sessions, pusher),
	});
	const changed = push(await pushedChanges(repository, update, names));
	const files = claims.filter(({ lock }) => lock.resource.kind === "file");
	const far = files.filter(({ holder }) => isElsewhere(holder, changed));
	const near = files.filter((each) => !far.includes(each));
	const stays = before !== undefined && after !== undefined;
	const changedHere = near.length === 0 || stays ? changed : push(await changesOnItself(repository, update, names));
	return [
		...branchesFound(changed, claims),
		...(await pathsFound(repository, changed, far)),
		...(await pathsFound(repository, changedHere, near)),
	];
}

function branchesFound({ update, names, makerOf: maker }: Push, claims: readonly Claim[]): readonly Found[] {
	const moved = names.size === 0 ? [{ kind: "project", id: "" } as const] : [...names].map(branchResource);
	const keys = new Set(moved.flatMap(coveringKeys));
	return claims
		.filter(({ lock: { resource } }) => resource.kind === "exclusive" || keys.has(resourceKey(resource)))
		.filter(({ holder }) => !isHolder(maker(undefined), holder))
		.map((claim) => ({ ...claim, update, path: undefined, judgement: "block" }));
}

function branchResource(id: string) {
	return { kind: "git", id } as const;
}

async function pathsFound(
	repository: PushedRepository,
	push: Push,
	claims: readonly Claim[],
): Promise<readonly Found[]> {
	const { update, changes, makerOf: maker } = push;
	if (claims.length === 0) return [];
	const byKey = new Map<ResourceKey, Claim>(claims.map((claim) => [resourceKey(claim.lock.resource), claim]));
	const found = [...changes.paths].flatMap(([path, commits]) => {
		const keys = coveringKeys({ kind: "file", id: path.normalize("NFC") });
		const claim = keys.flatMap((key) => byKey.get(key) ?? [])[0];
		const makers = commits.length === 0 ? [maker(undefined)] : commits.map(maker);
		return claim === undefined || makers.every((each) => isHolder(each, claim.holder)) ? [] : [{ ...claim, path }];
	});
	const far = found.filter(({ holder }) => isElsewhere(holder, push)).map(({ path }) => path);
	const lockable = await lockablePushed(repository, update.before ?? update.after, far);
	return found.map((each) => {
		const place = isElsewhere(each.holder, push) ? "another branch" : "same branch";
		const about = { sameActor: false, unsaved: false, lockable: lockable.has(each.path) };
		return { ...each, update, judgement: judge({ lock: "claim", place, ...about }) };
	});
}

// Where nobody said which branch it is, it may be the holder's.
function isElsewhere(holder: Session, { names }: Push): boolean {
	return names.size > 0 && !names.has(branchOf(holder) ?? "");
}
