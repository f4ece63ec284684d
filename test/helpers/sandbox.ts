import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Answer, Terminal } from "./terminal.ts";

/** The command as users have it: the bundle that `npm test` builds first. Campaigns run from elsewhere, but in the same directory. */
export const udoScript = resolve("dist/udo.js");

/**
 * A home, a state directory and a git repository of their own (`repository`, on branch main with one commit: README.md,
 * src/a.ts, src/b.ts), and processes that see nothing else.
 */
export class Sandbox implements AsyncDisposable {
	readonly directory: string;
	readonly repository: string;
	readonly environment: NodeJS.ProcessEnv;
	readonly #terminals: Terminal[] = [];

	private constructor(directory: string) {
		this.directory = directory;
		this.repository = join(directory, "repo");
		this.environment = {
			PATH: `${join(directory, "bin")}:${process.env["PATH"]}`,
			HOME: join(directory, "home"),
			XDG_STATE_HOME: join(directory, "home", "state"),
			LANG: "C.UTF-8",
			TERM: "dumb",
		};
	}

	static async create(): Promise<Sandbox> {
		const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), "udo test ")));
		const { directory, repository } = sandbox;
		for (const each of [join(directory, "bin"), join(directory, "home"), join(repository, "src")])
			await mkdir(each, { recursive: true });
		await writeFile(join(directory, "bin", "udo"), `#!/bin/sh\nexec '${process.execPath}' '${udoScript}' "$@"\n`, {
			mode: 0o755,
		});
		await writeFile(
			join(directory, "home", ".gitconfig"),
			"[init]\n\tdefaultBranch = main\n[user]\n\tname = Test\n\temail = test@example.org\n",
		);
		for (const file of ["README.md", "src/a.ts", "src/b.ts"]) await writeFile(join(repository, file), `${file}\n`);
		for (const args of [
			["init", "-q"],
			["add", "-A"],
			["commit", "-qm", "first"],
		])
			await sandbox.git(...args);
		return sandbox;
	}

	/** Runs a program to its end; `as` is the session it acts for, named by UDO_SESSION, and its actor. */
	run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Answer> {
		const environment = {
			...this.environment,
			...(options.as && { UDO_SESSION: options.as, UDO_ACTOR: options.as }),
			...options.environment,
		};
		return new Promise((resolve) => {
			const child = execFile(
				command,
				args,
				{ cwd: options.directory ?? this.repository, env: environment, maxBuffer: 1e9 },
				(error, stdout, stderr) => {
					resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
				},
			);
			// A program that ends without reading its input is no failure of the test.
			child.stdin?.on("error", () => {});
			child.stdin?.end(options.input ?? "");
		});
	}

	/** Runs udo to its end. */
	udo(args: readonly string[], options: RunOptions = {}): Promise<Answer> {
		return this.run(process.execPath, [udoScript, ...args], options);
	}

	/** The `data` of `udo … --json`. Throws when it failed. */
	async data<Data>(args: readonly string[], options: RunOptions = {}): Promise<Data> {
		const answer = await this.udo([...args, "--json"], options);
		const envelope = JSON.parse(answer.stdout) as { ok: boolean; data: Data };
		if (!envelope.ok) throw new Error(`udo ${args.join(" ")}: ${answer.stdout}`);
		return envelope.data;
	}

	/** Runs git in the repository and answers its stdout. Throws when it fails. */
	async git(...args: readonly string[]): Promise<string> {
		const { code, stdout, stderr } = await this.run("git", args);
		if (code !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
		return stdout;
	}

	/** Opens a shell of its own in the repository; killed with the sandbox. */
	terminal(name: string, directory = this.repository): Terminal {
		const terminal = new Terminal(name, directory, { ...this.environment, UDO_ACTOR: name });
		this.#terminals.push(terminal);
		return terminal;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const terminal of this.#terminals) await terminal[Symbol.asyncDispose]();
		await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
	}
}

export interface RunOptions {
	readonly as?: string;
	readonly directory?: string;
	readonly environment?: NodeJS.ProcessEnv;
	readonly input?: string;
}
