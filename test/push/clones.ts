import { type ChildProcess, spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeScript } from "../helpers/hooks.ts";
import { Sandbox, udoScript } from "../helpers/sandbox.ts";
import type { Answer } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

/** A bare remote with one commit on main, and clones of it, each with a session of its own. */
export class Clones implements AsyncDisposable {
	readonly sandbox: Sandbox;
	readonly remote: string;
	readonly #first: string;

	private constructor(sandbox: Sandbox, first: string) {
		this.sandbox = sandbox;
		this.#first = first;
		this.remote = join(sandbox.directory, "remote.git");
	}

	/** Clones with these names; `file.txt` has twenty lines. */
	static async create(...names: readonly string[]): Promise<Clones> {
		const clones = new Clones(await Sandbox.create(), names[0] ?? "");
		const { sandbox, remote } = clones;
		const lines = Array.from({ length: 20 }, (_, line) => `line ${line + 1}\n`).join("");
		await writeFile(join(sandbox.repository, "file.txt"), lines);
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", "lines");
		await sandbox.git("clone", "-q", "--bare", sandbox.repository, remote);
		for (const name of names) await sandbox.git("clone", "-q", remote, join(sandbox.directory, name));
		return clones;
	}

	path(name: string, ...parts: readonly string[]): string {
		return join(this.sandbox.directory, name, ...parts);
	}

	/** Runs a shell command in a clone; throws when it fails. */
	async run(name: string, command: string): Promise<string> {
		const answer = await this.try(name, command);
		if (answer.code !== 0) throw new Error(`${command} in ${name}: ${answer.stderr}`);
		return answer.stdout;
	}

	/** Runs a shell command in a clone, as its session. */
	try(name: string, command: string, environment: NodeJS.ProcessEnv = {}): Promise<Answer> {
		return this.sandbox.run("sh", ["-c", command], { directory: this.path(name), as: name, environment });
	}

	/** Adds a commit that writes a file and is named after it. */
	async commit(name: string, file: string, text = `${name}\n`, subject = `${name} ${file}`): Promise<string> {
		await writeFile(this.path(name, file), text);
		await this.run(name, `git add '${file}' && git commit -qm '${subject}'`);
		return (await this.run(name, "git rev-parse HEAD")).trim();
	}

	push(name: string, ...words: readonly string[]): Promise<Answer> {
		return this.sandbox.udo(["push", ...words], { directory: this.path(name), as: name });
	}

	/** A push that can be stopped and killed, as the leader of a process group of its own when it is `detached`. */
	start(name: string, words: readonly string[] = [], detached = false): ChildProcess {
		return spawn(process.execPath, [udoScript, "push", ...words], {
			cwd: this.path(name),
			env: { ...this.sandbox.environment, UDO_SESSION: name, UDO_ACTOR: name },
			stdio: "ignore",
			detached,
		});
	}

	/** The subjects of the remote's branch, oldest first, without those of `create`. */
	async landed(branch = "main"): Promise<readonly string[]> {
		const log = await this.sandbox.git("--git-dir", this.remote, "log", "--reverse", "--format=%s", branch);
		return log.split("\n").filter((subject) => !["", "first", "lines"].includes(subject));
	}

	/** Throws when the remote's branch is not one line of commits, or when git finds fault with any repository. */
	async check(...names: readonly string[]): Promise<void> {
		const merges = await this.sandbox.git("--git-dir", this.remote, "rev-list", "--merges", "main");
		if (merges !== "") throw new Error(`there are merges: ${merges}`);
		for (const directory of [this.remote, ...names.map((name) => this.path(name))]) {
			await this.sandbox.run("git", ["fsck", "--strict", "--no-dangling"], { directory }).then(({ code, stderr }) => {
				if (code !== 0) throw new Error(`git fsck of ${directory}: ${stderr}`);
			});
		}
	}

	/** Waits until so many stand in line. */
	async untilWaiting(count: number): Promise<void> {
		const from = { as: "onlooker", directory: this.path(this.#first) };
		await until(
			() => this.sandbox.data<{ readonly waiters: readonly object[] }>(["status"], from),
			({ waiters }) => waiters.length === count,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.sandbox[Symbol.asyncDispose]();
	}
}

/** The moments of a push at which its processes can be made to stand still. */
export const moments = [
	"fetch",
	"rev-list",
	"merge-tree",
	"pack-objects",
	"push",
	"pre-receive",
	"post-receive",
] as const;

export type Moment = (typeof moments)[number];

/** Makes the git of one clone's session, and the hooks of the remote, stand still at given moments until they are let go. */
export class Turnstile {
	readonly #directory: string;

	private constructor(directory: string) {
		this.#directory = directory;
	}

	static async install({ sandbox, remote }: Clones, name: string): Promise<Turnstile> {
		const directory = join(sandbox.directory, "moments");
		await sandbox.run("mkdir", ["-p", directory]);
		const real = (await sandbox.run("sh", ["-c", "command -v git"])).stdout.trim();
		const stop = `stop() {
	[ -e '${directory}'/"$1" ] || return 0
	: >'${directory}'/"$1.reached"
	while [ -e '${directory}'/"$1" ]; do sleep 0.01; done
}
`;
		// Only what that session's udo itself starts: not what git starts in turn.
		const wrapper = `#!/bin/sh
${stop}[ "$UDO_SESSION" = '${name}' ] && for word in "$@"; do
	case $word in fetch | rev-list | merge-tree | pack-objects | push) stop "$word"; break ;; esac
done
exec '${real}' "$@"
`;
		await writeScript(join(sandbox.directory, "bin", "git"), wrapper);
		for (const hook of ["pre-receive", "post-receive"]) {
			await writeScript(join(remote, "hooks", hook), `#!/bin/sh\n${stop}stop ${hook}\n`);
		}
		return new Turnstile(directory);
	}

	async close(moment: Moment): Promise<void> {
		await writeFile(join(this.#directory, moment), "");
	}

	async open(moment: Moment): Promise<void> {
		await rm(join(this.#directory, moment), { force: true });
		await rm(join(this.#directory, `${moment}.reached`), { force: true });
	}

	async untilReached(moment: Moment): Promise<void> {
		await until(() =>
			readFile(join(this.#directory, `${moment}.reached`)).then(
				() => true,
				() => false,
			),
		);
	}
}
