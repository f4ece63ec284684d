import type { Plumbing } from "../plumbing.ts";

/** One version of a conflicted path in the index. */
export interface Stage {
	readonly mode: string;
	readonly id: string;
}

/** A path that git could not merge, with as many of the three versions as there are: a side without one has deleted it. */
export interface UnmergedPath {
	readonly path: string;
	readonly base: Stage | undefined;
	readonly ours: Stage | undefined;
	readonly theirs: Stage | undefined;
}

/** What the index has of the conflicts of a working tree, in git's order; `git` runs at its top. */
export async function unmergedPaths(git: Plumbing): Promise<readonly UnmergedPath[]> {
	const found = new Map<string, { -readonly [Key in keyof UnmergedPath]: UnmergedPath[Key] }>();
	for (const entry of (await git.read(["ls-files", "-u", "-z"])).split("\0").filter(Boolean)) {
		const [, mode = "", id = "", stage = "", path = ""] = /^(\d+) (\w+) (\d)\t([\s\S]*)$/.exec(entry) ?? [];
		const known = found.get(path) ?? { path, base: undefined, ours: undefined, theirs: undefined };
		if (stage === "1") known.base = { mode, id };
		else if (stage === "2") known.ours = { mode, id };
		else known.theirs = { mode, id };
		found.set(path, known);
	}
	return [...found.values()];
}

/** What the index has of a path, as lines that `git update-index --index-info` takes; none when it does not know it. */
export async function indexLines(git: Plumbing, path: string): Promise<readonly string[]> {
	const text = await git.read(["--literal-pathspecs", "ls-files", "-s", "-z", "--", path]);
	// A directory in its place is another matter.
	return text.split("\0").filter((line) => line.endsWith(`\t${path}`));
}

/** What {@link indexLines} tells of a path that is unmerged. */
export function stageLines({ path, base, ours, theirs }: UnmergedPath): readonly string[] {
	return [base, ours, theirs].flatMap((stage, i) => (stage ? [`${stage.mode} ${stage.id} ${i + 1}\t${path}`] : []));
}

/** Puts what {@link indexLines} told back, stages and all. */
export async function restoreIndexLines(git: Plumbing, path: string, lines: readonly string[]): Promise<void> {
	const [, id = ""] = lines[0]?.split(" ") ?? [];
	const nothing = `0 ${"0".repeat(id.length || 40)}\t${path}`;
	const input = [nothing, ...lines].map((line) => `${line}\0`).join("");
	await git.read(["update-index", "-z", "--index-info"], { input });
}

/**
 * The bytes of a version as they would lie in the working tree: with its line endings, and through its filters. Rejects with
 * GitError when git does not have it (a partial clone without its remote, a damaged repository).
 */
export async function stageBytes(git: Plumbing, path: string, { id }: Stage): Promise<Buffer> {
	const filtered = await git.run(["cat-file", "--filters", `--path=${path}`, id]);
	if (filtered.code === 0) return filtered.stdout;
	// A filter that is not installed here.
	return git.readBytes(["cat-file", "blob", id]);
}

/** What `.gitattributes` say about merging a path. */
export interface MergeAttributes {
	readonly markerSize: number;
	/** `merge` as it is written there: `unset` for `-merge`, `unspecified`, or a driver's name. */
	readonly driver: string;
}

export async function mergeAttributes(git: Plumbing, path: string): Promise<MergeAttributes> {
	const answer = await git.read(["check-attr", "-z", "merge", "conflict-marker-size", "--", path]);
	const [, , driver = "unspecified", , , size = ""] = answer.split("\0");
	const number = /^\d+$/.test(size) ? Number(size) : 0;
	return { markerSize: number > 0 ? number : 7, driver };
}
