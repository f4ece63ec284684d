import { type GitAnswer, type GitCall, Plumbing } from "../plumbing.ts";
import { GitError, type Repository } from "../repository.ts";

/** git on one working tree without its hooks, and without asking any file system monitor, udo's own least of all. */
export class QuietGit {
	readonly repository: Repository;
	readonly #git: Plumbing;

	constructor(repository: Repository, environment: NodeJS.ProcessEnv) {
		this.repository = repository;
		this.#git = new Plumbing(repository.worktree, environment);
	}

	/** Runs git to its end, whatever its exit code; `index` stands in for the index of the tree. */
	run(args: readonly string[], { index, ...call }: QuietCall = {}): Promise<GitAnswer> {
		const { gitDirectory, worktree } = this.repository;
		const environment = {
			...{ GIT_DIR: gitDirectory, GIT_WORK_TREE: worktree },
			...(index !== undefined && { GIT_INDEX_FILE: index }),
			...author,
			...call.environment,
		};
		return this.#git.run([...quietly, ...args], { ...call, environment });
	}

	/** As `run`; rejects with GitError when git exits non-zero. */
	async read(args: readonly string[], call: QuietCall = {}): Promise<Buffer> {
		const { code, stdout, stderr } = await this.run(args, call);
		if (code !== 0) throw new GitError(stderr.trim(), code);
		return stdout;
	}

	/** The one line that git answers; undefined when it exits non-zero. */
	async ask(args: readonly string[], call: QuietCall = {}): Promise<string | undefined> {
		const { code, stdout } = await this.run(args, call);
		return code === 0 ? stdout.toString().trim() : undefined;
	}
}

export type QuietCall = GitCall & { readonly index?: string };

const quietly = [
	...["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.safecrlf=false"],
	...["-c", "core.untrackedCache=false", "-c", "core.splitIndex=false", "-c", "gc.auto=0", "--no-replace-objects"],
];

const author = {
	GIT_AUTHOR_NAME: "udo",
	GIT_AUTHOR_EMAIL: "udo@localhost",
	GIT_COMMITTER_NAME: "udo",
	GIT_COMMITTER_EMAIL: "udo@localhost",
};
