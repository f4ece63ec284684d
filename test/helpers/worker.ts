import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { until } from "./until.ts";

/** One line of what a worker says; `did` is what it is about. */
export interface Said {
	readonly did: string;
	readonly [detail: string]: unknown;
}

/** Bundles a program of workers, so that node can run it, and answers where the bundle is. */
export async function bundleWorker(program = "test/campaign/worker.ts"): Promise<string> {
	const script = resolve("node_modules/.cache/udo", program.replaceAll("/", "-").replace(/ts$/, "mjs"));
	const { outputFiles } = await build({
		entryPoints: [resolve(program)],
		bundle: true,
		platform: "node",
		format: "esm",
		target: "node20",
		packages: "external",
		loader: { ".sql": "text", ".lua": "text" },
		write: false,
	});
	// Several test files may do this at the same time.
	const unfinished = `${script}.${process.pid}`;
	await mkdir(dirname(script), { recursive: true });
	await writeFile(unfinished, outputFiles[0]?.contents ?? "");
	await rename(unfinished, script);
	return script;
}

export interface WorkerTerms {
	readonly uid?: number;
	/** A command in front of node's that ends by executing it. */
	readonly through?: readonly string[];
	/** Told each line at once; then nothing is kept. */
	readonly hear?: (said: Said) => void;
}

/** A process that plays a role of such a program. Killed the hard way at the latest when it is disposed of. */
export class Worker implements AsyncDisposable {
	readonly said: Said[] = [];
	readonly #child: ChildProcess;
	readonly #role: string;
	#complaint = "";
	#hasEnded = false;

	constructor(script: string, role: string, options: object, as: WorkerTerms = {}) {
		this.#role = role;
		const [command = "", ...args] = [...(as.through ?? []), process.execPath, script, role, JSON.stringify(options)];
		this.#child = spawn(command, args, {
			stdio: "pipe",
			...(as.uid !== undefined && { uid: as.uid, gid: as.uid }),
		});
		this.#child.stdin?.on("error", () => {});
		// Not "exit", which may come before the last of what it said.
		this.#child.on("close", () => {
			this.#hasEnded = true;
		});
		this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.#complaint += text;
		});
		if (this.#child.stdout !== null) {
			createInterface(this.#child.stdout).on("line", (line) => {
				const said = JSON.parse(line) as Said;
				if (as.hear === undefined) this.said.push(said);
				else as.hear(said);
			});
		}
	}

	get pid(): number {
		const { pid } = this.#child;
		if (pid === undefined) throw new Error(`${this.#role} did not start`);
		return pid;
	}

	/** What it says about `did`, once it does. Throws when it ended before. */
	async says(did: string): Promise<Said> {
		const find = () => this.said.find((each) => each.did === did);
		await until(() => find() !== undefined || this.#hasEnded, Boolean, 120_000);
		const found = find();
		if (found !== undefined) return found;
		throw new Error(`${this.#role} ended without ${did}: ${JSON.stringify(this.said)} ${this.#complaint}`);
	}

	/** Tells it to go on, which the roles wait for where they say so. */
	tell(): void {
		this.#child.stdin?.write("\n");
	}

	kill(signal: NodeJS.Signals = "SIGKILL"): void {
		this.#child.kill(signal);
	}

	/** Resolves with its exit code, null when it was killed. Throws with what it wrote to stderr when it failed. */
	async ended(): Promise<number | null> {
		if (!this.#hasEnded) await once(this.#child, "close");
		if (this.#child.exitCode) throw new Error(`${this.#role} failed: ${this.#complaint}`);
		return this.#child.exitCode;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const gone = this.#hasEnded ? undefined : once(this.#child, "close");
		this.kill();
		await gone;
	}
}
