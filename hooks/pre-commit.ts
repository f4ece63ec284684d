import { showDuration, showSession, showText } from "../server/coordination/describe.ts";
import { type Encounter, judge, type Place } from "../server/coordination/guard.ts";
import type { Lock } from "../server/coordination/lock.ts";
import { thisHost } from "../server/coordination/process.ts";
import type { CommitHookName } from "../server/coordination/request-name.ts";
import { coveringKeys, describeResource, type ResourceKey, resourceKey } from "../server/coordination/resource.ts";
import type { Session } from "../server/coordination/session.ts";
import { HeldError, type UdoError } from "../server/errors.ts";
import { lockablePaths } from "../server/git/attributes.ts";
import { mergeHeads, stagedPaths } from "../server/git/staged.ts";
import { branchAt } from "../server/git/worktrees.ts";
import { resourceWords } from "../server/shell-word.ts";
import type { Workspace } from "../server/workspace.ts";
import { holdBranches } from "./branch-lock.ts";
import { fromTop } from "./pathspec.ts";
import { staleErrors, staleFiles } from "./stale.ts";
import { type Swept, sweepRefusals, sweepWarnings, sweptFiles } from "./sweep.ts";
import { showNames, type Verdict } from "./verdict.ts";
import { othersHere } from "./writers.ts";

// Each holder gets three lines; more of them would be a report, and that is what `udo status` is for.
const mostHolders = 3;

/**
 * Guards a commit: refuses it when it contains a file that another live session has locked (see `judge`), and takes the branch
 * for as long as git needs. The merge commit of `git merge` comes through here as pre-merge-commit.
 */
export async function preCommit(
	workspace: Workspace,
	hook: Exclude<CommitHookName, "pre-push">,
	environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
	const staged = onceOnly(() => stagedPaths(workspace.repository, mergeHeads(workspace.repository, environment)));
	const found = await foreignLocks(workspace, staged);
	const judged = await judgeAll(workspace, found);
	const blocked = judged.filter(({ judgement }) => judgement === "block");
	const swept = (await sweptFrom(workspace, staged)).filter(({ path }) => !found.some((each) => each.path === path));
	const sweptAway = swept.filter(({ judgement }) => judgement === "block");
	// The merge commit of `git merge` takes over what others committed, and nothing of it back.
	const stale = hook === "pre-commit" ? await staleFiles(workspace, environment) : [];
	const warnings = [
		...byHolder(judged.filter(({ judgement }) => judgement === "warn")).map(warning),
		...sweepWarnings(swept.filter(({ judgement }) => judgement === "warn")),
	];
	if (blocked.length > 0 || sweptAway.length > 0 || stale.length > 0) {
		const refused = [...[...blocked, ...sweptAway].map(({ path }) => path), ...stale.flatMap(({ paths }) => paths)];
		// git starts a hook at the top of the tree and says here where it was started itself.
		const directory = environment["GIT_PREFIX"] ?? "";
		const refusals = [
			...byHolder(blocked).map((group) => refusal(group, directory)),
			...sweepRefusals(sweptAway),
			...staleErrors(stale),
		];
		return { refusals: refusals.slice(0, mostHolders), warnings, refused };
	}
	const branch = await workspace.repository.branch();
	const command = hook === "pre-commit" ? "git commit" : "git merge --continue";
	const terms = { hook, waitForClaims: false, command: async () => command };
	const taken = await holdBranches(workspace, branch === undefined ? [] : [branch], terms);
	if (taken === undefined) return { refusals: [], warnings, refused: [] };
	return { refusals: [taken], warnings, refused: [`branch ${branch}`] };
}

/** A staged file that another session has locked. */
interface Found {
	readonly path: string;
	readonly lock: Lock;
	readonly holder: Session;
}

type Judged = Found & { readonly judgement: ReturnType<typeof judge>; readonly place: Place };

type Staged = () => Promise<readonly string[]>;

async function sweptFrom(workspace: Workspace, staged: Staged): Promise<readonly Swept[]> {
	const others = await othersHere(workspace);
	return others.length === 0 ? [] : sweptFiles(workspace, others, await staged());
}

async function foreignLocks(workspace: Workspace, staged: Staged): Promise<readonly Found[]> {
	const { coordinator, store, project } = workspace;
	await coordinator.reap();
	const locks = (await store.locks(project)).filter(({ session }) => session !== coordinator.session.id);
	const about = locks.filter(({ resource: { kind } }) => kind === "file" || kind === "project" || kind === "exclusive");
	if (about.length === 0) return [];
	const sessions = await store.sessions();
	const byKey = new Map<ResourceKey, Lock>(about.map((lock) => [resourceKey(lock.resource), lock]));
	const exclusive = about.find(({ resource }) => resource.kind === "exclusive");
	const found: Found[] = [];
	for (const path of await staged()) {
		const covering = coveringKeys({ kind: "file", id: path.normalize("NFC") });
		const lock = exclusive ?? covering.flatMap((key) => byKey.get(key) ?? [])[0];
		const holder = lock && sessions.find(({ id, project: its }) => id === lock.session && its === lock.project);
		if (lock !== undefined && holder !== undefined) found.push({ path, lock, holder });
	}
	return found;
}

async function judgeAll(workspace: Workspace, found: readonly Found[]): Promise<readonly Judged[]> {
	const placed = found.map((each) => ({ ...each, place: placeOf(each.holder, workspace) }));
	const far = placed.filter(({ lock, place }) => lock.origin === "claim" && place === "another branch");
	const lockable = await lockablePaths(
		workspace.repository,
		far.map(({ path }) => path),
	);
	const edited = placed.some(({ lock }) => lock.origin === "edit");
	const presence = edited ? await workspace.store.presence(workspace.project) : [];
	return placed.map((each) => {
		const { path, lock, holder, place } = each;
		const encounter: Encounter = {
			lock: lock.resource.kind === "file" ? lock.origin : "project",
			place,
			sameActor: holder.actor === workspace.coordinator.session.actor,
			unsaved: presence.some((open) => open.session === holder.id && open.path === path && open.unsaved),
			lockable: lockable.has(path),
		};
		return { ...each, judgement: judge(encounter) };
	});
}

// Asking git is most of what a hook costs.
function onceOnly<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
	let answer: Promise<Answer> | undefined;
	return () => {
		answer ??= ask();
		return answer;
	};
}

function placeOf(holder: Session, { coordinator, repository }: Workspace): Place {
	const isHere = holder.host === coordinator.session.host;
	if (isHere && holder.worktree === repository.worktree) return "same tree";
	// What the holder said when it last ran udo may be two branch switches old; a tree of this machine can be looked at.
	const branch = (isHere ? branchAt(holder.worktree) : undefined) ?? holder.branch;
	return branch !== undefined && branch === coordinator.session.branch ? "same branch" : "another branch";
}

function byHolder(judged: readonly Judged[]): readonly (readonly [Judged, ...Judged[]])[] {
	const groups = new Map<string, [Judged, ...Judged[]]>();
	for (const each of judged) {
		const group = groups.get(each.holder.id);
		if (group === undefined) groups.set(each.holder.id, [each]);
		else group.push(each);
	}
	return [...groups.values()];
}

function refusal(group: readonly [Judged, ...Judged[]], directory: string): UdoError {
	const [{ path, lock }] = group;
	const wanted = lock.resource.kind === "file" ? { ...lock.resource, id: path } : lock.resource;
	const names = showNames(group.map((each) => each.path));
	return new HeldError(`commit refused: ${names} ${group.length === 1 ? "is" : "are"} ${held(lock)}`, {
		why: `${describe(group)}.`,
		next: `udo run --wait ${resourceWords(wanted, directory)} -- git commit, or leave it out: git restore --staged ${fromTop(path)}`,
	});
}

function warning(group: readonly [Judged, ...Judged[]]): string {
	const names = showNames(group.map((each) => each.path));
	return `warning: ${names} ${group.length === 1 ? "is" : "are"} ${held(group[0].lock)}: ${describe(group)}`;
}

function describe([{ lock, holder, place }]: readonly [Judged, ...Judged[]]): string {
	const tree = `${showText(holder.worktree, 120)}${holder.host === thisHost() ? "" : ` on ${showText(holder.host, 60)}`}`;
	const where = {
		"same tree": "in this working tree",
		"same branch": `on the same branch in ${tree}`,
		"another branch": `on ${holder.branch === undefined ? "a detached HEAD" : `branch ${showText(holder.branch, 60)}`} in ${tree}`,
	}[place];
	const how = `${showText(describeResource(lock.resource), 120)} for ${showDuration(lock.ageMs)}`;
	return `${showSession({ session: holder.id, actor: holder.actor })} ${where} has ${how}, lease ends in ${showDuration(lock.leftMs)}`;
}

function held(lock: Lock): string {
	return lock.origin === "edit" ? "being edited by somebody else" : "locked by somebody else";
}
