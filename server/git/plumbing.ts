import { spawn } from "node:child_process";
import { UdoError } from "../errors.ts";
import { GitError } from "./repository.ts";

/** What one git answered; `stderr` is what it said to people, as it came. */
export interface GitAnswer {
	readonly code: number;
	readonly stdout: Buffer;
	readonly stderr: string;
}

export interface GitCall {
	readonly input?: string | Buffer;
	/** Beside the environment of the caller. */
	readonly environment?: Readonly<Record<string, string>>;
}

/**
 * git with what simple-git does not do: bytes in and out, an environment of its own, the exit code as an answer. It sees the
 * user's environment (a commit must be signed, and a remote reached, as the user's own git would), apart from what speaks of
 * one particular repository or index. Runs in `directory`.
 */
export class Plumbing {
	readonly directory: string;
	readonly #environment: NodeJS.ProcessEnv;

	constructor(directory: string, environment: NodeJS.ProcessEnv) {
		this.directory = directory;
		// English, since some of what git says has to be understood; LC_ALL would also change what hooks take for text.
		this.#environment = { ...ownEnvironment(environment), LANGUAGE: "en" };
	}

	/** Runs git to its end, whatever its exit code. Throws UdoError `git_missing`. */
	run(args: readonly string[], call: GitCall = {}): Promise<GitAnswer> {
		return new Promise((resolve, reject) => {
			const child = spawn("git", args, {
				cwd: this.directory,
				env: { ...this.#environment, ...call.environment },
				stdio: [call.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
			});
			const stdout: Buffer[] = [];
			const stderr: Buffer[] = [];
			child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
			child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
			// A git that ends before it has read everything says so by its exit code.
			child.stdin?.on("error", () => {});
			child.stdin?.end(call.input);
			child.once("error", (cause) => reject(cannotRun(cause)));
			child.once("close", (code) => {
				resolve({ code: code ?? 128, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
			});
		});
	}

	/** Runs git and answers its stdout as text. Rejects with GitError when it exits non-zero. */
	async read(args: readonly string[], call: GitCall = {}): Promise<string> {
		return (await this.readBytes(args, call)).toString();
	}

	/** As `read`, byte for byte. */
	async readBytes(args: readonly string[], call: GitCall = {}): Promise<Buffer> {
		const { code, stdout, stderr } = await this.run(args, call);
		if (code !== 0) throw new GitError(stderr.trim(), code);
		return stdout;
	}

	/** Starts a git that is spoken to while it runs. */
	start(args: readonly string[], call: GitCall = {}) {
		return spawn("git", args, {
			cwd: this.directory,
			env: { ...this.#environment, ...call.environment },
			stdio: ["pipe", "pipe", "pipe"],
		});
	}
}

/** The environment of a git that works where it is started, whichever repository's hook all this was started from. */
export function ownEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	const own = { ...environment };
	for (const name of ofOneRepository) delete own[name];
	return own;
}

// `git rev-parse --local-env-vars`, apart from settings, which are the user's own business.
const ofOneRepository = [
	"GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_OBJECT_DIRECTORY",
	"GIT_DIR",
	"GIT_WORK_TREE",
	"GIT_IMPLICIT_WORK_TREE",
	"GIT_GRAFT_FILE",
	"GIT_INDEX_FILE",
	"GIT_REPLACE_REF_BASE",
	"GIT_PREFIX",
	"GIT_SHALLOW_FILE",
	"GIT_COMMON_DIR",
	"GIT_INTERNAL_SUPER_PREFIX",
	"GIT_NAMESPACE",
	"GIT_QUARANTINE_PATH",
];

function cannotRun(cause: Error): UdoError {
	return new UdoError("git cannot be run", {
		code: "git_missing",
		why: cause.message,
		next: "git --version",
		cause,
	});
}
