import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

/** A home and a git repository with one commit of their own, in which commands are run and timed. */
export class Scratch implements AsyncDisposable {
	readonly repository: string;
	readonly environment: NodeJS.ProcessEnv;
	readonly home: string;
	readonly #others: AsyncDisposable[] = [];

	private constructor(directory: string) {
		this.home = directory;
		this.repository = join(directory, "repo");
		const binaries = [join(directory, "bin"), resolve("node_modules/.bin"), process.env["PATH"]];
		this.environment = { PATH: binaries.join(":"), HOME: directory, LANG: "C.UTF-8", TERM: "dumb" };
	}

	static async create(): Promise<Scratch> {
		const scratch = new Scratch(await mkdtemp(join(tmpdir(), "udo-bench-")));
		for (const each of ["repo", "bin"]) await mkdir(join(scratch.home, each));
		const udo = `#!/bin/sh\nexec '${process.execPath}' '${resolve("dist/udo.js")}' "$@"\n`;
		await writeFile(join(scratch.home, "bin", "udo"), udo, { mode: 0o755 });
		await writeFile(join(scratch.home, ".gitconfig"), "[user]\n\tname = Bench\n\temail = bench@example.org\n");
		await writeFile(join(scratch.repository, "a.txt"), "a\n");
		await scratch.run("git init -q -b main && git add -A && git commit -qm first");
		return scratch;
	}

	/** Something else that ends with this. */
	use<Other extends AsyncDisposable>(other: Other): Other {
		this.#others.push(other);
		return other;
	}

	/** Runs a shell command in the repository; throws with its stderr when it fails. */
	async run(command: string): Promise<string> {
		const options = { cwd: this.repository, env: this.environment };
		return (await promisify(execFile)("bash", ["-c", command], options)).stdout;
	}

	/** Runs a command and answers what it and its children took: CPU (user and system) and wall, in ms. */
	async time(command: string): Promise<{ readonly cpu: number; readonly wall: number }> {
		const stderr = await new Promise<string>((done, fail) => {
			const script = `TIMEFORMAT='%U %S %R'; time { ${command}; } >/dev/null 2>&1 </dev/null`;
			const child = spawn("bash", ["-c", script], { cwd: this.repository, env: this.environment, stdio: "pipe" });
			let text = "";
			child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
				text += chunk;
			});
			child.on("close", (code) => (code === 0 ? done(text) : fail(new Error(`${command}: exit code ${code}`))));
		});
		const [user = 0, system = 0, real = 0] = stderr.trim().split(" ").map(Number);
		return { cpu: (user + system) * 1000, wall: real * 1000 };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const other of this.#others) await other[Symbol.asyncDispose]();
		await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
	}
}
