import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver/node";

export interface EditorOptions {
	readonly file: string;
	readonly environment: NodeJS.ProcessEnv;
	/** The command line of the language server. */
	readonly server: readonly [string, ...string[]];
	readonly scratch: string;
}

/** An editor with one file open, attached to the real language server. */
export interface Editor extends AsyncDisposable {
	readonly name: string;
	/** The message of the first diagnostic that the editor is shown. */
	readonly warning: Promise<string>;
}

/** Opens Neovim where it is installed, else a plain language client process. */
export async function openEditor(options: EditorOptions): Promise<Editor> {
	const hasNeovim = spawnSync("nvim", ["--version"], { stdio: "ignore" }).status === 0;
	return hasNeovim ? openNeovim(options) : openPlainClient(options);
}

async function openNeovim({ file, environment, server, scratch }: EditorOptions): Promise<Editor> {
	const script = join(scratch, "editor.lua");
	await writeFile(
		script,
		`local client = vim.lsp.start_client({
	name = "udo",
	cmd = ${luaList(server)},
	root_dir = vim.fn.getcwd(),
	handlers = {
		["textDocument/publishDiagnostics"] = function(_, result)
			for _, diagnostic in ipairs(result.diagnostics) do io.stdout:write(diagnostic.message .. "\\n") end
			io.stdout:flush()
		end,
	},
})
vim.lsp.buf_attach_client(0, client)
`,
	);
	const nvim = spawn("nvim", ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${script}`, file], {
		cwd: environment["PWD"],
		env: environment,
		stdio: ["pipe", "pipe", "ignore"],
	});
	return { name: "Neovim", warning: firstLine(nvim), [Symbol.asyncDispose]: () => end(nvim) };
}

async function openPlainClient({ file, environment, server: [command, ...args] }: EditorOptions): Promise<Editor> {
	const process_ = spawn(command, args, {
		cwd: environment["PWD"],
		env: environment,
		stdio: ["pipe", "pipe", "ignore"],
	});
	const client = createMessageConnection(
		new StreamMessageReader(process_.stdout),
		new StreamMessageWriter(process_.stdin),
	);
	const warning = new Promise<string>((resolve) => {
		client.onNotification(
			"textDocument/publishDiagnostics",
			({ diagnostics }: { diagnostics: { message: string }[] }) => {
				const [first] = diagnostics;
				if (first !== undefined) resolve(first.message);
			},
		);
	});
	client.listen();
	const uri = pathToFileURL(file).href;
	await client.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: {} });
	await client.sendNotification("initialized", {});
	const text = await readFile(file, "utf8");
	await client.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "", version: 1, text } });
	return {
		name: "a plain language client",
		warning,
		async [Symbol.asyncDispose]() {
			client.dispose();
			await end(process_);
		},
	};
}

function firstLine(child: ChildProcess): Promise<string> {
	return new Promise((resolve) => {
		let text = "";
		child.stdout?.setEncoding("utf8").on("data", (more: string) => {
			text += more;
			const [line, rest] = text.split("\n");
			if (rest !== undefined) resolve(line ?? "");
		});
	});
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = once(child, "exit");
	child.kill("SIGKILL");
	await gone;
}

function luaList(words: readonly string[]): string {
	return `{ ${words.map((word) => JSON.stringify(word)).join(", ")} }`;
}
