import { readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { type SimpleGit, simpleGit } from "simple-git";
import { showText } from "../coordination/describe.ts";
import { UdoError } from "../errors.ts";
import { shellWord } from "../shell-word.ts";

/**
 * What a git hook inherits about the commit in progress. Everything else that starts with GIT_ is stripped before git runs:
 * an inherited GIT_DIR beats every path and has corrupted other repositories (prek#2505, lefthook#1265).
 */
export const hookVariables = ["GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE"] as const;

/** git failed; `message` is what it said on stderr. */
export class GitError extends Error {
	override readonly name = "GitError";
	readonly exitCode: number;

	constructor(message: string, exitCode: number) {
		super(message);
		this.exitCode = exitCode;
	}
}

/** One working tree of a repository. Paths are absolute with symbolic links resolved. */
export class Repository {
	/** The root of this working tree. */
	readonly worktree: string;
	/** This working tree's own git directory. */
	readonly gitDirectory: string;
	/** The git directory that all working trees of this clone share. */
	readonly commonDirectory: string;
	readonly #git: SimpleGit;

	constructor(git: SimpleGit, paths: Pick<Repository, "worktree" | "gitDirectory" | "commonDirectory">) {
		this.#git = git;
		this.worktree = paths.worktree;
		this.gitDirectory = paths.gitDirectory;
		this.commonDirectory = paths.commonDirectory;
	}

	/** Runs git here and answers its stdout. Rejects with GitError when it exits non-zero. */
	run(...args: string[]): Promise<string> {
		return runGit(this.#git, args);
	}

	/** Runs git here; undefined instead of an error when it exits non-zero. */
	async ask(...args: string[]): Promise<string | undefined> {
		try {
			return await this.run(...args);
		} catch (error) {
			if (error instanceof GitError) return undefined;
			throw error;
		}
	}

	/** The branch this tree is on (`main`), also before its first commit; undefined on a detached HEAD. */
	async branch(): Promise<string | undefined> {
		const head = readHead(this.gitDirectory);
		// `.invalid` is what a repository with the reftable backend shows to those who read HEAD themselves.
		if (head !== undefined && head !== "refs/heads/.invalid") return branchOf(head);
		return head === undefined ? undefined : branchOf((await this.ask("symbolic-ref", "-q", "HEAD"))?.trim() ?? "");
	}

	/** `user.email`, or undefined when git does not know one. */
	async userEmail(): Promise<string | undefined> {
		return (await this.ask("config", "user.email"))?.trim() || undefined;
	}

	/** Whether git tracks this repo-relative path, or anything under it when it is a directory. */
	async isTracked(path: string): Promise<boolean> {
		return ((await this.ask("--literal-pathspecs", "ls-files", "-z", "--", path)) ?? "") !== "";
	}
}

/** The repository around a directory. Throws UdoError `not_a_repository`. */
export async function openRepository(
	directory: string,
	options: { readonly insideHook?: boolean } = {},
): Promise<Repository> {
	const git = createGit(directory, options.insideHook === true);
	let answer: string;
	try {
		answer = await runGit(git, ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"]);
	} catch (error) {
		throw error instanceof GitError ? notARepository(directory, error) : cannotRunGit(error);
	}
	const [toplevel = "", gitDirectory = "", commonDirectory = "", ...rest] = answer.split("\n");
	if (rest.length !== 1) {
		throw new UdoError(`${showText(directory)} has a line break in its path`, {
			code: "not_a_repository",
			why: "udo cannot tell its parts apart.",
			next: "git worktree move, or mv, to a path without one",
		});
	}
	const worktree = realpathSync(toplevel);
	// Making one costs 5 ms of CPU, and a hook starts at the top of the tree anyway.
	const here = worktree === directory ? git : createGit(worktree, options.insideHook === true);
	return new Repository(here, {
		worktree,
		gitDirectory: realpathSync(gitDirectory),
		commonDirectory: realpathSync(resolve(directory, commonDirectory)),
	});
}

function createGit(directory: string, insideHook: boolean): SimpleGit {
	return simpleGit(directory, {
		...(insideHook && { allowEnvironment: [...hookVariables] }),
		// simple-git alone takes a non-zero exit with an empty stderr for a success, and tells no exit code. A negative one is
		// the system's: git could not be started.
		errors: (error, { exitCode, stdErr }) =>
			exitCode <= 0 ? error : Buffer.concat([Buffer.from(`${exitCode}\n`), ...stdErr]),
	});
}

async function runGit(git: SimpleGit, args: readonly string[]): Promise<string> {
	try {
		return await git.raw(...args);
	} catch (error) {
		const parts = /^(\d+)\n([\s\S]*)$/.exec(error instanceof Error ? error.message : "");
		throw parts === null ? error : new GitError((parts[2] ?? "").trim(), Number(parts[1]));
	}
}

function cannotRunGit(cause: unknown): UdoError {
	return new UdoError("git cannot be run", {
		code: "git_missing",
		why: showText(cause instanceof Error ? cause.message : String(cause), 200),
		next: "git --version",
		cause,
	});
}

function notARepository(directory: string, cause: GitError): UdoError {
	const said = cause.message;
	if (/must be run in a work tree/.test(said)) {
		return new UdoError(`${showText(directory)} is inside a git directory or a bare repository`, {
			code: "not_a_worktree",
			why: "udo works on the files of a working tree.",
			next: "cd to a clone or a worktree of it",
			cause,
		});
	}
	if (/dubious ownership/.test(said)) {
		return new UdoError(`git does not trust ${showText(directory)}`, {
			code: "not_a_repository",
			why: "it belongs to another user.",
			next: `git config --global --add safe.directory ${shellWord(directory)}`,
			cause,
		});
	}
	return new UdoError(`${showText(directory)} is not in a git repository`, {
		code: "not_a_repository",
		...(!/not a git repository/.test(said) && { why: showText(said.split("\n")[0] ?? said) }),
		next: "cd to one, or git init",
		cause,
	});
}

function readHead(gitDirectory: string): string | undefined {
	const text = readFileSync(join(gitDirectory, "HEAD"), "utf8").trim();
	return text.startsWith("ref: ") ? text.slice(5) : undefined;
}

function branchOf(ref: string): string | undefined {
	return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}
