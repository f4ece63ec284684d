import { copyFileSync, existsSync, lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type GitCall, Plumbing } from "./plumbing.ts";
import { GitError, type Repository } from "./repository.ts";

const mostPerSession = 50;
const keptMs = 14 * 86_400_000;
// Who has files this large beside the repository would not wait for their copies.
const mostBytes = 100_000_000;

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
	readonly branch: string | undefined;
	/** What was about to happen: `git reset --hard`. */
	readonly before: string;
	/** The commit that HEAD was; undefined before the first one. */
	readonly head: string | undefined;
	/** A commit with what was staged, where that was neither on disk nor in HEAD. */
	readonly staged: string | undefined;
}

/** Whose snapshot it is, and what it is taken before. */
export type Occasion = Pick<Snapshot, "session" | "actor" | "before">;

/** Keeps working trees of a clone as they are: all that is tracked, staged or new, but not what is ignored. */
export class Snapshots {
	readonly #repository: Repository;
	readonly #git: Plumbing;
	readonly #index: string;

	/** `environment` may name the index that git works with, as in a hook. */
	constructor(repository: Repository, environment: NodeJS.ProcessEnv) {
		this.#repository = repository;
		this.#git = new Plumbing(repository.worktree, environment);
		this.#index = resolve(repository.worktree, environment["GIT_INDEX_FILE"] || join(repository.gitDirectory, "index"));
	}

	/** Keeps the tree as it is. Undefined when all of it is in HEAD, or in this session's last snapshot. */
	async take({ session, actor, before }: Occasion): Promise<Snapshot | undefined> {
		const [now, head, earlier, branch] = await Promise.all([
			this.now(),
			this.#ask(["rev-parse", "--verify", "-q", "HEAD^{commit}"]),
			this.list(),
			this.#repository.branch(),
		]);
		const headTree = head === undefined ? await this.emptyTree() : await this.#ask(["rev-parse", `${head}^{tree}`]);
		const isStaged = now.staged !== undefined && now.staged !== now.tree && now.staged !== headTree;
		if (now.tree === headTree && !isStaged) return undefined;
		const last = earlier.find((each) => each.session === session && each.worktree === this.#repository.worktree);
		if (
			last?.tree === now.tree &&
			last.head === head &&
			(await this.#stagedTree(last)) === (isStaged ? now.staged : undefined)
		)
			return undefined;
		const parents = head === undefined ? [] : ["-p", head];
		const staged = isStaged ? await this.#commit(now.staged, parents, "udo: what was staged\n") : undefined;
		const { worktree } = this.#repository;
		const facts = { session, actor, worktree, branch, before, head, staged };
		const message = `udo: before ${before.slice(0, 200).replace(/\s+/g, " ")}\n\n${JSON.stringify(facts)}\n`;
		const commit = await this.#commit(now.tree, staged === undefined ? parents : [...parents, "-p", staged], message);
		const at = Date.now();
		const ref = await this.#keep(`refs/udo/wip/${session}`, at, commit);
		await this.#forget([{ ref, session, at }, ...earlier]);
		return { ref, commit, tree: now.tree, at, ...facts };
	}

	/** All snapshots of this clone, newest first. */
	async list(): Promise<readonly Snapshot[]> {
		const format = "%(refname)%00%(objectname)%00%(tree)%00%(contents)%00%01";
		const text = await this.read(["for-each-ref", `--format=${format}`, "refs/udo/wip/"]);
		return text
			.split("\0\u0001\n")
			.flatMap((record) => parse(record.split("\0")))
			.sort((a, b) => b.at - a.at);
	}

	/** The working tree and the index as trees, as they are now; without the second one while there are unmerged paths. */
	async now(): Promise<{ readonly tree: string; readonly staged: string | undefined }> {
		using scratch = new ScratchIndex(this.#index);
		const staged = await this.#ask(["write-tree"], scratch.call);
		const left = await this.#tooLarge(scratch.call);
		const paths = left.map((path) => `:(exclude,top,literal)${path}`);
		// What cannot be read is left out, and the rest is kept.
		await this.run(["add", "-A", "--ignore-errors", "--", ":/", ...paths], scratch.call);
		return { tree: (await this.read(["write-tree"], scratch.call)).trim(), staged };
	}

	/** The tree with nothing in it. */
	async emptyTree(): Promise<string> {
		return (await this.read(["hash-object", "-t", "tree", "--stdin"], { input: "" })).trim();
	}

	/** Runs git on the tree of this clone without its hooks and without asking any file system monitor, this one least of all. */
	run(args: readonly string[], call: GitCall = {}) {
		const { gitDirectory, worktree } = this.#repository;
		const place = { GIT_DIR: gitDirectory, GIT_WORK_TREE: worktree, ...author, ...call.environment };
		return this.#git.run([...quietly, ...args], { ...call, environment: place });
	}

	/** As `run`; answers what git printed. Rejects with GitError when it exits non-zero. */
	async read(args: readonly string[], call: GitCall = {}): Promise<string> {
		const { code, stdout, stderr } = await this.run(args, call);
		if (code !== 0) throw new GitError(stderr.trim(), code);
		return stdout.toString();
	}

	async #ask(args: readonly string[], call: GitCall = {}): Promise<string | undefined> {
		const { code, stdout } = await this.run(args, call);
		return code === 0 ? stdout.toString().trim() : undefined;
	}

	async #stagedTree({ staged }: Snapshot): Promise<string | undefined> {
		return staged === undefined ? undefined : this.#ask(["rev-parse", `${staged}^{tree}`]);
	}

	async #commit(tree: string, parents: readonly string[], input: string): Promise<string> {
		return (await this.read(["commit-tree", tree, ...parents], { input })).trim();
	}

	async #tooLarge(call: GitCall): Promise<readonly string[]> {
		const files = (await this.read(["ls-files", "-o", "--exclude-standard", "-z"], call)).split("\0").filter(Boolean);
		return files.filter((path) => sizeOf(join(this.#repository.worktree, path)) > mostBytes);
	}

	// The moment is the name; two at the same one are a millisecond apart.
	async #keep(under: string, at: number, commit: string, tries = 20): Promise<string> {
		const ref = `${under}/${at}`;
		const { code, stderr } = await this.run(["update-ref", ref, commit, "0".repeat(commit.length)]);
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
		await this.run(["update-ref", "--stdin"], { input: old.map(({ ref }) => `delete ${ref}\n`).join("") });
	}
}

/** A copy of an index, to change without git or anybody noticing. */
export class ScratchIndex implements Disposable {
	readonly directory: string;
	readonly call: GitCall;

	constructor(index?: string) {
		this.directory = mkdtempSync(join(tmpdir(), "udo-index-"));
		const copy = join(this.directory, "index");
		if (index !== undefined && existsSync(index)) copyFileSync(index, copy);
		this.call = { environment: { GIT_INDEX_FILE: copy } };
	}

	[Symbol.dispose](): void {
		rmSync(this.directory, { recursive: true, force: true });
	}
}

const quietly = [
	...["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.safecrlf=false"],
	...["-c", "advice.addEmbeddedRepo=false", "-c", "core.quotePath=false"],
];

const author = {
	GIT_AUTHOR_NAME: "udo",
	GIT_AUTHOR_EMAIL: "udo@localhost",
	GIT_COMMITTER_NAME: "udo",
	GIT_COMMITTER_EMAIL: "udo@localhost",
};

function parse([ref = "", commit = "", tree = "", message = ""]: readonly string[]): readonly Snapshot[] {
	const at = Number(/^refs\/udo\/wip\/.+\/(\d+)$/.exec(ref)?.[1]);
	const body = message.split("\n\n")[1];
	if (Number.isNaN(at) || body === undefined) return [];
	try {
		const facts = JSON.parse(body) as Omit<Snapshot, "ref" | "commit" | "tree" | "at">;
		return [{ ...facts, ref, commit, tree, at }];
	} catch {
		return [];
	}
}

function sizeOf(path: string): number {
	try {
		return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
	} catch {
		return 0;
	}
}
