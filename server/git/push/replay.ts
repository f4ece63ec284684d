import type { Plumbing } from "../plumbing.ts";
import { type CommitObject, formatCommit, parseCommit } from "./commit-object.ts";
import { checkComplete, type History, readHistory } from "./history.ts";
import { type ConflictedPath, mergeTree } from "./merge-tree.ts";
import type { ObjectReader } from "./objects.ts";
import type { Quarantine } from "./quarantine.ts";
import { writeSigned } from "./signed-commit.ts";

/** Commits to be put on top of what is there. */
export interface ReplayEntry {
	readonly tip: string;
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

/** `to` is undefined for a commit whose change was there already. */
export interface PlacedCommit {
	readonly from: string;
	readonly to: string | undefined;
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
		for (const { from } of result.commits) done.add(from);
		// The first commits of a new branch are what the others are compared with.
		if (tip === undefined) history = await readAll(result.tip);
		tip = result.tip;
	}
	return { tip, results };
}

/** Where commits are replayed. */
export interface ReplayPlace {
	readonly git: Plumbing;
	readonly quarantine: Quarantine;
	readonly reader: ObjectReader;
}

async function placeEntry(
	place: ReplayPlace,
	history: History,
	done: ReadonlySet<string>,
	onto: string | undefined,
	entry: ReplayEntry,
): Promise<Replayed> {
	const commits = history.upTo(entry.tip, onto).filter((commit) => !done.has(commit));
	if (commits.length === 0) {
		if ((await place.reader.read(entry.tip))?.type !== "commit") return { kind: "missing" };
		// A new branch of commits that are on others already.
		return onto === undefined ? { kind: "placed", tip: entry.tip, commits: [] } : { kind: "nothing" };
	}
	const isAhead = onto === undefined || history.leadsTo(commits, onto);
	if (isAhead) return { kind: "placed", tip: entry.tip, commits: commits.map((from) => ({ from, to: from })) };
	if (entry.mergeMessage !== undefined) return placeMerge(place, onto, entry, commits, entry.mergeMessage);
	const merge = commits.find((commit) => history.parentsOf(commit).length > 1);
	if (merge !== undefined) return { kind: "merges", commit: merge };
	if (commits.some((commit) => history.parentsOf(commit).length === 0)) return { kind: "unrelated" };
	return placeCommits(place, onto, entry, commits);
}

async function placeCommits(
	place: ReplayPlace,
	onto: string,
	entry: ReplayEntry,
	commits: readonly string[],
): Promise<Replayed> {
	const placed: PlacedCommit[] = [];
	let tip = onto;
	let tree = (await commitAt(place.reader, onto)).tree;
	for (const from of commits) {
		const original = await commitAt(place.reader, from);
		const [parent = ""] = original.parents;
		const before = (await commitAt(place.reader, parent)).tree;
		const merged = await mergeChange(place, { parent, before, tree, commit: from, after: original.tree });
		if (!merged.ok) return { kind: "conflict", commit: from, paths: merged.paths };
		// A commit that was empty from the start was meant.
		if (merged.tree === tree && original.tree !== before) {
			placed.push({ from, to: undefined });
			continue;
		}
		tip = await writeCommit(place, { ...original, tree: merged.tree, parents: [tip] }, entry);
		tree = merged.tree;
		placed.push({ from, to: tip });
	}
	return { kind: "placed", tip, commits: placed };
}

interface Change {
	readonly parent: string;
	readonly before: string;
	readonly commit: string;
	readonly after: string;
	/** What the change is to be applied to. */
	readonly tree: string;
}

// git 2.38 takes the base of a merge from the history alone, hence a commit whose only use is to have the right parent.
async function mergeChange(place: ReplayPlace, { parent, before, commit, after, tree }: Change) {
	if (before === tree) return { ok: true, tree: after } as const;
	if (before === after) return { ok: true, tree } as const;
	const standIn = { tree, parents: [parent], author: nobody, encoding: undefined, message: Buffer.alloc(0) };
	const theirs = await place.quarantine.writeCommit(formatCommit(standIn, nobody.toString()), commit);
	const merged = await mergeTree(place.git, place.quarantine.environment, commit, theirs);
	return merged;
}

const nobody = Buffer.from("udo <udo> 0 +0000");

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

async function commitAt(reader: ObjectReader, id: string): Promise<CommitObject> {
	const object = await reader.read(id);
	if (object?.type !== "commit") throw new Error(`commit ${id} is missing`);
	return parseCommit(object.bytes);
}
