import type { Plumbing } from "../plumbing.ts";

/** The commits that some tips have and a base has not. */
export class History {
	/** Each commit's parents; parents come before their children. */
	readonly #parents: ReadonlyMap<string, readonly string[]>;

	constructor(parents: ReadonlyMap<string, readonly string[]>) {
		this.#parents = parents;
	}

	parentsOf(commit: string): readonly string[] {
		return this.#parents.get(commit) ?? [];
	}

	/** The commits that lead to a tip, without those at or below `without`; parents first. */
	upTo(tip: string, without: string | undefined): readonly string[] {
		const beyond = without === undefined ? new Set<string>() : this.#reach(without, new Set());
		const found = this.#reach(tip, beyond);
		return [...this.#parents.keys()].filter((commit) => found.has(commit));
	}

	/** Whether these commits are built on that one. */
	leadsTo(commits: readonly string[], base: string): boolean {
		return commits.some((commit) => this.parentsOf(commit).includes(base));
	}

	#reach(tip: string, without: ReadonlySet<string>): Set<string> {
		const found = new Set<string>();
		const open = [tip];
		for (let next = open.pop(); next !== undefined; next = open.pop()) {
			if (found.has(next) || without.has(next) || !this.#parents.has(next)) continue;
			found.add(next);
			open.push(...this.parentsOf(next));
		}
		return found;
	}
}

/** Reads what the tips have beyond what is known; a tip that this repository does not have is passed over. */
export async function readHistory(
	git: Plumbing,
	environment: Readonly<Record<string, string>>,
	tips: readonly string[],
	known: readonly string[],
): Promise<History> {
	const input = [...tips, ...known.map((commit) => `^${commit}`), ""].join("\n");
	const args = ["rev-list", "--ignore-missing", "--parents", "--topo-order", "--reverse", "--stdin"];
	const text = await git.read(args, { input, environment });
	const parents = new Map<string, readonly string[]>();
	for (const line of text.split("\n")) {
		const [commit = "", ...its] = line.split(" ");
		if (commit !== "") parents.set(commit, its);
	}
	return new History(parents);
}

/**
 * Makes sure that all that the tips have beyond what is known can be read, down to the last file. Until 2.44 git merges a commit
 * whose tree is missing as if it had deleted everything. Rejects with GitError.
 */
export async function checkComplete(
	git: Plumbing,
	environment: Readonly<Record<string, string>>,
	tips: readonly string[],
	known: readonly string[],
): Promise<void> {
	const input = [...tips, ...known.map((commit) => `^${commit}`), ""].join("\n");
	await git.read(["rev-list", "--ignore-missing", "--objects", "--quiet", "--stdin"], { input, environment });
}
