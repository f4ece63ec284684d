import { join, relative, resolve } from "node:path";
import { GitError, type Repository } from "../repository.ts";
import type { BytePath } from "./byte-path.ts";
import type { Permissions } from "./permissions.ts";
import { QuietGit } from "./quiet-git.ts";
import { Scratch } from "./scratch.ts";
import { type TreeNow, treeNow } from "./tree-now.ts";

const mostPerSession = 50;
const keptMs = 14 * 86_400_000;

/** What a working tree looked like at a moment: a commit under refs/udo/wip/, which no branch knows of. */
export interface Snapshot {
	readonly ref: string;
	readonly commit: string;
	readonly tree: string;
	/** Wall-clock ms. */
	readonly at: number;
	readonly session: string;
	readonly actor: string;
	readonly worktree: string;
	/** The git directory of the working tree in that of the clone, which stays when either is moved; older snapshots have none. */
	readonly place: string | undefined;
	readonly branch: string | undefined;
	/** What was about to happen: `git reset --hard`. */
	readonly before: string;
	/** The commit that HEAD was; undefined before the first one. */
	readonly head: string | undefined;
	/** A commit with what was staged, where that was not in HEAD. */
	readonly staged: string | undefined;
	/** Files that are here as a filter of the user's stores them. */
	readonly filtered: readonly BytePath[];
	/** Of files that git did not know. */
	readonly permissions: Permissions;
}

/** Whose snapshot it is, and what it is taken before. */
export type Occasion = Pick<Snapshot, "session" | "actor" | "before">;

/** Keeps working trees of a clone as they are: all that is tracked, staged or new, but not what is ignored. */
export class Snapshots {
	readonly git: QuietGit;
	readonly #repository: Repository;
	readonly #index: string;

	/** `environment` may name the index that git works with, as in a hook. */
	constructor(repository: Repository, environment: NodeJS.ProcessEnv) {
		this.git = new QuietGit(repository, environment);
		this.#repository = repository;
		this.#index = resolve(repository.worktree, environment["GIT_INDEX_FILE"] || join(repository.gitDirectory, "index"));
	}

	/** Keeps the tree as it is, and answers which files could not be. Nothing when all of it is in HEAD, or kept already. */
	async take(occasion: Occasion): Promise<readonly BytePath[]> {
		using scratch = new Scratch(this.#repository);
		const now = await treeNow(this.git, scratch, this.#index);
		await this.#record(now, occasion);
		return now.missing;
	}

	async #record(now: TreeNow, { session, actor, before }: Occasion): Promise<void> {
		const [head, earlier, branch] = await Promise.all([
			this.git.ask(["rev-parse", "--verify", "-q", "HEAD^{commit}"]),
			this.list(),
			this.#repository.branch(),
		]);
		const headTree = await this.#treeOf(head);
		const isStaged = now.staged !== undefined && now.staged !== headTree;
		if (now.tree === headTree && !isStaged) return;
		// As in a working tree that git is about to make.
		const nothing = await emptyTree(this.git);
		if (now.tree === nothing && (now.staged === undefined || now.staged === nothing)) return;
		const { worktree } = this.#repository;
		const last = earlier.find((each) => each.session === session && isOf(this.#repository, each));
		if (last?.tree === now.tree && last.head === head) {
			const stagedThen = last.staged === undefined ? headTree : await this.#treeOf(last.staged);
			if (stagedThen === (isStaged ? now.staged : headTree)) return;
		}
		const parents = head === undefined ? [] : ["-p", head];
		const staged = isStaged ? await this.#commit(now.staged, parents, "udo: what was staged\n") : undefined;
		const { filtered, permissions } = now;
		const place = placeOf(this.#repository);
		const facts = { session, actor, worktree, place, branch, before, head, staged, filtered, permissions };
		const message = `udo: before ${before.slice(0, 200).replace(/\s+/g, " ")}\n\n${inAscii(JSON.stringify(facts))}\n`;
		const commit = await this.#commit(now.tree, staged === undefined ? parents : [...parents, "-p", staged], message);
		const at = Date.now();
		const ref = await this.#keep(`refs/udo/wip/${session}`, at, commit);
		await this.#forget([{ ref, session, at }, ...earlier]);
	}

	/** The snapshots of this working tree, newest first. */
	async here(): Promise<readonly Snapshot[]> {
		return (await this.list()).filter((each) => isOf(this.#repository, each));
	}

	/** All snapshots of this clone, newest first. */
	async list(): Promise<readonly Snapshot[]> {
		const format = "%(refname)%00%(objectname)%00%(tree)%00%(contents)%00%01";
		const text = await this.git.read(["for-each-ref", `--format=${format}`, "refs/udo/wip/"]);
		return text
			.toString()
			.split("\0\u0001\n")
			.flatMap((record) => parse(record.split("\0")))
			.sort((a, b) => b.at - a.at);
	}

	async #treeOf(commit: string | undefined): Promise<string> {
		if (commit === undefined) return emptyTree(this.git);
		return (await this.git.read(["rev-parse", `${commit}^{tree}`])).toString().trim();
	}

	async #commit(tree: string, parents: readonly string[], input: string): Promise<string> {
		return (await this.git.read(["commit-tree", tree, ...parents], { input })).toString().trim();
	}

	// The moment is the name; two at the same one are a millisecond apart.
	async #keep(under: string, at: number, commit: string, tries = 20): Promise<string> {
		const ref = `${under}/${at}`;
		const { code, stderr } = await this.git.run(["update-ref", ref, commit, "0".repeat(commit.length)]);
		if (code === 0) return ref;
		if (tries === 0) throw new GitError(stderr.trim(), code);
		return this.#keep(under, at + 1, commit, tries - 1);
	}

	async #forget(all: readonly Pick<Snapshot, "ref" | "session" | "at">[]): Promise<void> {
		const counts = new Map<string, number>();
		const old = all.filter(({ session, at }) => {
			const count = (counts.get(session) ?? 0) + 1;
			counts.set(session, count);
			return count > mostPerSession || Date.now() - at > keptMs;
		});
		if (old.length === 0) return;
		await this.git.run(["update-ref", "--stdin"], { input: old.map(({ ref }) => `delete ${ref}\n`).join("") });
	}
}

function isOf(repository: Repository, { place, worktree }: Snapshot): boolean {
	return place === undefined ? worktree === repository.worktree : place === placeOf(repository);
}

function placeOf({ commonDirectory, gitDirectory }: Repository): string {
	return relative(commonDirectory, gitDirectory);
}

/** The tree with nothing in it. */
export async function emptyTree(git: QuietGit): Promise<string> {
	return (await git.read(["hash-object", "-w", "-t", "tree", "--stdin"], { input: "" })).toString().trim();
}

// Whatever encoding git is told that commit messages have.
function inAscii(json: string): string {
	return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function parse([ref = "", commit = "", tree = "", message = ""]: readonly string[]): readonly Snapshot[] {
	const at = Number(/^refs\/udo\/wip\/.+\/(\d+)$/.exec(ref)?.[1]);
	const body = message.split("\n\n")[1];
	if (Number.isNaN(at) || body === undefined) return [];
	try {
		const facts = JSON.parse(body) as Omit<Snapshot, "ref" | "commit" | "tree" | "at">;
		return [{ ...facts, filtered: facts.filtered ?? [], permissions: facts.permissions ?? {}, ref, commit, tree, at }];
	} catch {
		return [];
	}
}
