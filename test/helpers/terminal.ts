import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface Answer {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** A shell of its own, as a terminal window has one: udo takes everything typed here for one session. */
export class Terminal implements AsyncDisposable {
	readonly name: string;
	readonly #shell: ChildProcess;
	readonly #out = new Collected();
	readonly #err = new Collected();
	#commands = 0;

	constructor(name: string, directory: string, environment: NodeJS.ProcessEnv) {
		this.name = name;
		// Detached: the shell leads a session in the sense of setsid(2), as the shell of a terminal does.
		this.#shell = spawn("sh", ["-s"], { cwd: directory, env: environment, detached: true, stdio: "pipe" });
		this.#shell.stdout?.setEncoding("utf8").on("data", (text: string) => this.#out.add(text));
		this.#shell.stderr?.setEncoding("utf8").on("data", (text: string) => this.#err.add(text));
	}

	get pid(): number {
		const { pid } = this.#shell;
		if (pid === undefined) throw new Error(`the shell of ${this.name} did not start`);
		return pid;
	}

	/** Types a command and waits until it is done. */
	async run(command: string): Promise<Answer> {
		this.#commands += 1;
		const end = `end-of-command-${this.#commands}-`;
		this.#shell.stdin?.write(`${command} </dev/null\nprintf '%s%s\\n' '${end}' "$?"; printf '%s\\n' '${end}' >&2\n`);
		const [stdout, code] = await this.#out.until(new RegExp(`^([^]*?)${end}(\\d+)\\n`));
		const [stderr] = await this.#err.until(new RegExp(`^([^]*?)${end}\\n`));
		return { code: Number(code), stdout: stdout ?? "", stderr: stderr ?? "" };
	}

	/** Ends the shell the hard way, as a crash does; nothing of it can clean up. */
	async kill(): Promise<void> {
		const gone = once(this.#shell, "exit");
		process.kill(this.pid, "SIGKILL");
		await gone;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#shell.exitCode === null && this.#shell.signalCode === null) await this.kill();
	}
}

/** Text as it arrives, taken from the front when a pattern matches. */
class Collected {
	#text = "";
	#changed: () => void = () => {};

	add(text: string): void {
		this.#text += text;
		this.#changed();
	}

	async until(pattern: RegExp): Promise<readonly (string | undefined)[]> {
		for (;;) {
			const match = pattern.exec(this.#text);
			if (match !== null) {
				this.#text = this.#text.slice(match[0].length);
				return match.slice(1);
			}
			await new Promise<void>((resolve) => {
				this.#changed = resolve;
			});
		}
	}
}
