import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "./sandbox.ts";
import { until } from "./until.ts";

/** Whether there is a Neovim to test with; test/setup.ts installs it where it may, and says so where it may not. */
export const hasNeovim = spawnSync("nvim", ["--version"]).status === 0;

// As a person would write it in init.lua, for the oldest Neovim that Debian still ships (0.7).
const configuration = `
local client = vim.lsp.start_client({ name = "udo", cmd = { "udo", "lsp" }, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, client)
`;

/** A real Neovim without a screen, with our server attached to one file. */
export class Neovim implements AsyncDisposable {
	readonly process: ChildProcess;
	readonly #sandbox: Sandbox;
	readonly #socket: string;

	private constructor(sandbox: Sandbox, child: ChildProcess, socket: string) {
		this.#sandbox = sandbox;
		this.process = child;
		this.#socket = socket;
	}

	static async edit(sandbox: Sandbox, path: string): Promise<Neovim> {
		const script = join(sandbox.directory, "init.lua");
		const socket = join(sandbox.directory, "nvim.socket");
		await writeFile(script, configuration);
		const args = ["--headless", "-u", "NONE", "-n", "--listen", socket, "-c", "luafile ../init.lua", path];
		const environment = { ...sandbox.environment, UDO_ACTOR: "vim@user" };
		const child = spawn("nvim", args, { cwd: sandbox.repository, env: environment, stdio: "ignore" });
		await until(() => existsSync(socket));
		return new Neovim(sandbox, child, socket);
	}

	/** Evaluates a Lua expression in the editor. */
	async lua<Value>(expression: string): Promise<Value> {
		const quoted = `vim.json.encode(${expression})`.replaceAll("'", "''");
		const args = ["--server", this.#socket, "--remote-expr", `luaeval('${quoted}')`];
		const answer = await this.#sandbox.run("nvim", args);
		if (answer.code !== 0) throw new Error(`${expression}: ${answer.stderr}`);
		// Neovim 0.7 prints the value of --remote-expr on stderr when it has no screen.
		return JSON.parse(answer.stdout || answer.stderr) as Value;
	}

	/** Types keys as a person does. */
	async type(keys: string): Promise<void> {
		await this.#sandbox.run("nvim", ["--server", this.#socket, "--remote-send", keys]);
	}

	/** The messages of our diagnostics in the file. */
	diagnostics(): Promise<readonly string[]> {
		return this.lua(`vim.tbl_map(function(d) return d.source .. ": " .. d.message end, vim.diagnostic.get(0))`);
	}

	async exited(): Promise<void> {
		if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, "exit");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.process.kill("SIGKILL");
		await this.exited();
	}
}
