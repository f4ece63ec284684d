import { spawnSync } from "node:child_process";
import type { Sandbox } from "./sandbox.ts";

/** Whether terminals can be had here. */
export const hasTmux = spawnSync("tmux", ["-V"], { stdio: "ignore" }).status === 0;

/** Real shells on real terminals, typed into and read from as a person does. */
export class Screen implements AsyncDisposable {
	readonly #sandbox: Sandbox;
	readonly #socket: string;

	constructor(sandbox: Sandbox) {
		this.#sandbox = sandbox;
		this.#socket = `udo-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
	}

	async open(name: string): Promise<void> {
		const { code, stderr } = await this.#tmux(
			"new-session",
			"-d",
			"-s",
			name,
			"-x",
			"160",
			"-y",
			"40",
			`UDO_ACTOR=${name} exec bash --norc`,
		);
		if (code !== 0) throw new Error(stderr);
	}

	async type(name: string, line: string): Promise<void> {
		await this.#tmux("send-keys", "-t", name, line, "Enter");
	}

	async press(name: string, key: string): Promise<void> {
		await this.#tmux("send-keys", "-t", name, key);
	}

	/** The process of the shell. */
	async shell(name: string): Promise<number> {
		return Number((await this.#tmux("list-panes", "-t", name, "-F", "#{pane_pid}")).stdout);
	}

	async read(name: string): Promise<string> {
		return (await this.#tmux("capture-pane", "-p", "-t", name)).stdout;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#tmux("kill-server");
	}

	#tmux(...args: string[]) {
		return this.#sandbox.run("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args], {
			environment: { TERM: "screen" },
		});
	}
}
