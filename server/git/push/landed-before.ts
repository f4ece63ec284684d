import type { CommitObject } from "./commit-object.ts";
import { mergeChange } from "./merge-change.ts";
import type { ReplayPlace } from "./replay-place.ts";

// Read one by one; what is more, or has merges in it, is listed by a git.
const mostWalked = 100;
// Read at all: beyond that only what git itself compares is found.
const mostRead = 2000;

/**
 * Those of an entry's commits that the remote has already, in other words: because they landed and nobody lived to tell, or
 * because somebody else picked them. What became of them since does not matter. `commits` are in order on top of `fork`.
 */
export async function landedBefore(
	place: ReplayPlace,
	commits: readonly string[],
	fork: string,
	onto: string,
): Promise<ReadonlySet<string>> {
	const upstream = await upstreamSince(place, fork, onto);
	if (upstream === undefined) return samePatches(place, commits, onto);
	const landed = new Set<string>();
	let isUnclear = false;
	for (const id of commits) {
		const own = await place.commits.at(id);
		// Author and date alone say little: agents of one person commit several times a second.
		const again = upstream.filter(({ author, message }) => author.equals(own.author) && message.equals(own.message));
		if (await isAnyReplay(place, id, own, again)) landed.add(id);
		else if (again.length > 0) isUnclear = true;
	}
	if (!isUnclear) return landed;
	return new Set([...landed, ...(await samePatches(place, commits, onto))]);
}

/** Those of the commits whose very change somebody else made as well, as `git rebase` finds them. */
export async function samePatches(
	{ git, quarantine, commits: reader }: ReplayPlace,
	commits: readonly string[],
	onto: string,
): Promise<ReadonlySet<string>> {
	const same = new Set<string>();
	const args = ["rev-list", "--cherry-mark", "--right-only", "--no-merges", `${onto}...${commits.at(-1)}`, "--"];
	const marked = (await git.read(args, { environment: quarantine.environment })).split("\n");
	for (const id of commits.filter((commit) => marked.includes(`=${commit}`))) {
		const { tree, parents } = await reader.at(id);
		// All empty commits look the same, and each was meant.
		if ((await reader.at(parents[0] ?? "")).tree !== tree) same.add(id);
	}
	return same;
}

/** What the remote has beyond the fork, apart from merges; undefined when that is too much to read. */
async function upstreamSince(
	{ git, quarantine, commits }: ReplayPlace,
	fork: string,
	onto: string,
): Promise<readonly CommitObject[] | undefined> {
	const walked: CommitObject[] = [];
	for (let id = onto; walked.length < mostWalked; ) {
		if (id === fork) return walked;
		// Missing where a shallow clone ends.
		const commit = await commits.at(id).catch(() => undefined);
		const [parent, ...others] = commit?.parents ?? [];
		if (commit === undefined || parent === undefined || others.length > 0) break;
		walked.push(commit);
		id = parent;
	}
	const args = ["rev-list", "--no-merges", "--min-parents=1", `--max-count=${mostRead + 1}`, onto, `^${fork}`, "--"];
	const listed = (await git.read(args, { environment: quarantine.environment })).split("\n").filter(Boolean);
	return listed.length > mostRead ? undefined : Promise.all(listed.map((id) => commits.at(id)));
}

/** Whether one of them is what this commit becomes on top of its parent. */
async function isAnyReplay(
	place: ReplayPlace,
	commit: string,
	{ tree: after, parents: [parent = ""] }: CommitObject,
	candidates: readonly CommitObject[],
): Promise<boolean> {
	if (candidates.length === 0) return false;
	const before = (await place.commits.at(parent)).tree;
	for (const candidate of candidates) {
		const { tree } = await place.commits.at(candidate.parents[0] ?? "");
		const merged = await mergeChange(place, { parent, before, commit, after, tree });
		if (merged.ok && merged.tree === candidate.tree) return true;
	}
	return false;
}
