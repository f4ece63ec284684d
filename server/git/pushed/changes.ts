import { shortRef } from "../ref.ts";
import type { PushedRepository } from "./repository.ts";

/** What a push does to one branch. `before` is undefined for a new branch, `after` for one that is deleted. */
export interface BranchUpdate {
	/** Its short name; undefined when nobody said it. */
	readonly branch: string | undefined;
	readonly before: string | undefined;
	readonly after: string | undefined;
}

/** A commit, with the e-mail address of whoever made it. */
export interface BranchCommit {
	readonly id: string;
	readonly committer: string;
}

/** The commits a push brings to a branch, and what they change there. */
export interface PushedChanges {
	readonly commits: readonly BranchCommit[];
	/** The commits that touch each changed path; none where the push takes commits away. */
	readonly paths: ReadonlyMap<string, readonly BranchCommit[]>;
}

/**
 * What an update changes: for a branch that is there, what differs between its old and its new commit; for a new one, what the
 * commits change that no other branch has. Deletions, modes and submodules are changes; a rename is two of them. What a merge
 * takes over unchanged was changed by the commits it merges, which count when they are new to this branch. `names` are those of
 * the branch.
 */
export async function pushedChanges(
	repository: PushedRepository,
	update: BranchUpdate,
	names: ReadonlySet<string>,
): Promise<PushedChanges> {
	const { before, after } = update;
	if (after === undefined) return { commits: [], paths: new Map() };
	const since = before === undefined ? everythingElse(names) : [`^${before}`];
	const { commits, touched } = await readLog(repository, [after, ...since]);
	if (before === undefined) return { commits, paths: touched };
	const differing = await repository.read(["diff-tree", "-r", "-z", "--name-only", ...exactly, before, after, "--"]);
	const changed = differing.split("\0").filter(Boolean);
	return { commits, paths: new Map(changed.map((path) => [path, touched.get(path) ?? []])) };
}

/**
 * What the making or the deletion of a branch changes for those who have paths locked on it. A deletion takes all its files
 * away, and of a new branch counts what the default branch does not have: what was pushed to another branch first, where such a
 * lock only warns, could come here without being new.
 */
export async function changesOnItself(
	repository: PushedRepository,
	{ before, after }: BranchUpdate,
	names: ReadonlySet<string>,
): Promise<PushedChanges> {
	if (after !== undefined) {
		const { commits, touched } = await readLog(repository, [after, ...(await sinceDefault(repository, names))]);
		return { commits, paths: touched };
	}
	const all =
		before === undefined ? "" : await repository.read(["ls-tree", "-r", "-z", "--name-only", "--full-tree", before]);
	return { commits: [], paths: new Map(all.split("\0").flatMap((path) => (path === "" ? [] : [[path, []]]))) };
}

// A pushed .gitmodules could hide submodules.
const exactly = ["--no-renames", "--no-ext-diff", "--ignore-submodules=none"];

// In a CI job the new branch is there already, and HEAD is on it. Tags are checked by nobody, so they do not count.
function everythingElse(names: ReadonlySet<string>): readonly string[] {
	const under = (directory: string, own: (name: string) => string) => [
		...[...names].map((name) => `--exclude=${own(name)}`),
		`--glob=${directory}/*`,
	];
	return [
		"--not",
		...under("refs/heads", (name) => `refs/heads/${name}`),
		...under("refs/remotes", (name) => `refs/remotes/*/${name}`),
	];
}

async function sinceDefault(repository: PushedRepository, names: ReadonlySet<string>): Promise<readonly string[]> {
	const head = (await repository.ask("symbolic-ref", "-q", "HEAD"))?.trim();
	if (head === undefined || names.has(shortRef(head))) return everythingElse(names);
	const commit = await repository.commit("HEAD");
	return commit === undefined ? [] : [`^${commit}`];
}

async function readLog(
	repository: PushedRepository,
	revisions: readonly string[],
): Promise<{ readonly commits: readonly BranchCommit[]; readonly touched: Map<string, BranchCommit[]> }> {
	const format = ["--format==%H%x00<%ce>", "--raw", "-z", "-c", "--no-abbrev", ...exactly];
	const text = await repository.read(["-c", "log.showRoot=true", "log", ...format, ...revisions, "--"]);
	const commits: BranchCommit[] = [];
	const touched = new Map<string, BranchCommit[]>();
	const fields = text.split("\0");
	// A commit starts with = and its committer follows, a change starts with a colon and its path follows: no name is taken for
	// either, since a name only ever follows.
	for (let at = 0; at < fields.length; at++) {
		const field = (fields[at] ?? "").trimStart();
		if (field.startsWith("=")) commits.push({ id: field.slice(1), committer: (fields[++at] ?? "").slice(1, -1) });
		else if (field.startsWith(":")) {
			const path = fields[++at] ?? "";
			const commit = commits.at(-1);
			const earlier = touched.get(path);
			if (commit !== undefined && earlier === undefined) touched.set(path, [commit]);
			else if (commit !== undefined) earlier?.push(commit);
		}
	}
	return { commits, touched };
}
