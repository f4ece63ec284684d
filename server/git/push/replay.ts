import { type CommitObject, formatCommit } from "./commit-object.ts";
import { checkComplete, type History, readHistory } from "./history.ts";
import { landedBefore, samePatches } from "./landed-before.ts";
import { mergeChange } from "./merge-change.ts";
import { type ConflictedPath, mergeTree } from "./merge-tree.ts";
import type { ReplayPlace } from "./replay-place.ts";
import { writeSigned } from "./signed-commit.ts";

/** Commits to be put on top of what is there. */
export interface ReplayEntry {
	readonly tip: string;
	/** Where they were on what is there, when their owner last saw it: what is gone from there does not come back. */
	readonly forkedFrom?: string;
	/** Who makes the new commits, `Name <mail> 1700000000 +0100`. */
	readonly committer: string;
	/** The message of a merge commit, when the commits are to be merged instead of replayed. */
	readonly mergeMessage?: string;
	/** Signs the new commits with the key that this repository's settings name. */
	readonly isSigned: boolean;
}

/** What has become of one entry. Whatever is not `placed` left no trace in the line of commits. */
export type Replayed =
	| { readonly kind: "placed"; readonly tip: string; readonly commits: readonly PlacedCommit[] }
	/** All that it has is there already. */
	| { readonly kind: "nothing" }
	| { readonly kind: "conflict"; readonly commit: string; readonly paths: readonly ConflictedPath[] }
	| { readonly kind: "merges"; readonly commit: string }
	| { readonly kind: "unrelated" }
	| { readonly kind: "missing" };

/** `to` is undefined for a commit whose change was there already, or was taken back from there. */
export interface PlacedCommit {
	readonly from: string;
	readonly to: string | undefined;
	readonly isWithdrawn?: true;
}

/**
 * Puts the commits of several entries on top of each other, the first on `base` (nothing: on no commit at all), in a quarantine
 * and without any working tree. Author, dates, message and encoding stay. An entry that cannot be placed is left out. Answers
 * the new tip, and each entry's fate in order. `elsewhere` are commits that need no look when there is no base.
 */
export async function replay(
	place: ReplayPlace,
	base: string | undefined,
	entries: readonly ReplayEntry[],
	elsewhere: readonly string[] = [],
): Promise<{ readonly tip: string | undefined; readonly results: readonly Replayed[] }> {
	const tips = entries.map((entry) => entry.tip);
	const { environment } = place.quarantine;
	const readAll = async (from: string | undefined): Promise<History> => {
		const known = from === undefined ? elsewhere : [from];
		const [read] = await Promise.all([
			readHistory(place.git, environment, tips, known),
			checkComplete(place.git, environment, tips, known),
		]);
		return read;
	};
	const [first] = entries;
	let history = await readAll(base).catch(async (error: unknown) => {
		if (first === undefined || entries.length === 1) throw error;
		return undefined;
	});
	if (history === undefined) {
		// Something of somebody's is broken. The others do not wait until it is known whose.
		const alone = await replay(place, base, entries.slice(0, 1), elsewhere);
		return { ...alone, results: [...alone.results, ...entries.slice(1).map(() => ({ kind: "missing" }) as const)] };
	}
	const results: Replayed[] = [];
	const done = new Set<string>();
	let tip = base;
	for (const entry of entries) {
		const result = await placeEntry(place, history, done, tip, entry).catch((error: unknown): Replayed => {
			// The first one is the leader's own; what is wrong there it has to be told.
			if (entry === first) throw error;
			return { kind: "missing" };
		});
		results.push(result);
		if (result.kind !== "placed") continue;
		// What was taken back is to be named to each.
		for (const { from, isWithdrawn } of result.commits) if (!isWithdrawn) done.add(from);
		// The first commits of a new branch are what the others are compared with.
		if (tip === undefined) history = await readAll(result.tip);
		tip = result.tip;
	}
	return { tip, results };
}

async function placeEntry(
	place: ReplayPlace,
	history: History,
	done: ReadonlySet<string>,
	onto: string | undefined,
	entry: ReplayEntry,
): Promise<Replayed> {
	const all = history.upTo(entry.tip, onto);
	const commits = all.filter((commit) => !done.has(commit));
	if (commits.length === 0) {
		if ((await place.reader.read(entry.tip))?.type !== "commit") return { kind: "missing" };
		// A new branch of commits that are on others already.
		return onto === undefined ? { kind: "placed", tip: entry.tip, commits: [] } : { kind: "nothing" };
	}
	const withdrawn =
		onto === undefined || entry.forkedFrom === undefined ? [] : history.upTo(entry.forkedFrom, onto).filter(isOwn);
	const isAhead = onto === undefined || (withdrawn.length === 0 && history.leadsTo(commits, onto));
	if (isAhead) return { kind: "placed", tip: entry.tip, commits: commits.map((from) => ({ from, to: from })) };
	if (entry.mergeMessage !== undefined) return placeMerge(place, onto, entry, commits, entry.mergeMessage);
	const merge = commits.find((commit) => history.parentsOf(commit).length > 1);
	if (merge !== undefined) return { kind: "merges", commit: merge };
	if (commits.some((commit) => history.parentsOf(commit).length === 0)) return { kind: "unrelated" };
	const [fork = onto] = history.parentsOf(all[0] ?? "");
	return placeCommits(place, onto, entry, { commits, fork, withdrawn });

	function isOwn(commit: string): boolean {
		return commits.includes(commit);
	}
}

/** Commits without merges, the first of all on top of `fork`. */
interface Line {
	readonly commits: readonly string[];
	readonly fork: string;
	readonly withdrawn: readonly string[];
}

async function placeCommits(
	place: ReplayPlace,
	onto: string,
	entry: ReplayEntry,
	{ commits, fork, withdrawn }: Line,
): Promise<Replayed> {
	const placed: PlacedCommit[] = [];
	let landed = await landedBefore(place, commits, fork, onto);
	let tip = onto;
	let tree = (await place.commits.at(onto)).tree;
	for (const from of commits) {
		if (withdrawn.includes(from)) {
			placed.push({ from, to: undefined, isWithdrawn: true });
			continue;
		}
		if (landed.has(from)) {
			placed.push({ from, to: undefined });
			continue;
		}
		const original = await place.commits.at(from);
		const [parent = ""] = original.parents;
		const before = (await place.commits.at(parent)).tree;
		const merged = await mergeChange(place, { parent, before, tree, commit: from, after: original.tree });
		if (!merged.ok) {
			landed = new Set([...landed, ...(await samePatches(place, commits, onto))]);
			if (!landed.has(from)) return { kind: "conflict", commit: from, paths: merged.paths };
		}
		// A commit that was empty from the start was meant.
		if (!merged.ok || (merged.tree === tree && original.tree !== before)) {
			placed.push({ from, to: undefined });
			continue;
		}
		tip = await writeCommit(place, { ...original, tree: merged.tree, parents: [tip] }, entry);
		tree = merged.tree;
		placed.push({ from, to: tip });
	}
	return { kind: "placed", tip, commits: placed };
}

async function placeMerge(
	place: ReplayPlace,
	onto: string,
	entry: ReplayEntry,
	commits: readonly string[],
	message: string,
): Promise<Replayed> {
	const merged = await mergeTree(place.git, place.quarantine.environment, entry.tip, onto);
	if (!merged.ok) return { kind: "conflict", commit: entry.tip, paths: merged.paths };
	const author = Buffer.from(entry.committer);
	const commit = { tree: merged.tree, parents: [entry.tip, onto], author, encoding: undefined };
	const tip = await writeCommit(place, { ...commit, message: Buffer.from(message) }, entry);
	return { kind: "placed", tip, commits: commits.map((from) => ({ from, to: from })) };
}

async function writeCommit(place: ReplayPlace, commit: CommitObject, entry: ReplayEntry): Promise<string> {
	const { environment } = place.quarantine;
	if (entry.isSigned) return writeSigned(place.git, environment, commit, entry.committer);
	return place.quarantine.writeCommit(formatCommit(commit, entry.committer), entry.tip);
}
