import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { median, ms, notMeasured, type Part, type Row } from "./row.ts";
import { Scratch } from "./scratch.ts";

const rounds = 9;
const servers = [
	{
		what: "docker-langserver",
		script: resolve("node_modules/dockerfile-language-server-nodejs/bin/docker-langserver"),
		args: ["--stdio"],
		file: "Dockerfile",
		text: "FROM scratch\n",
	},
	{ what: "udo lsp", script: resolve("dist/udo.js"), args: ["lsp", "--stdio"], file: "a.txt", text: "a\n" },
];

/** Start to the answer to `initialize`, and the memory with one document open. */
export async function measureLanguageServers(): Promise<Part> {
	await using scratch = await Scratch.create();
	const measured = new Map(servers.map(({ what }) => [what, { start: [] as number[], memory: [] as number[] }]));
	const failures = new Map<string, unknown>();
	for (let round = 0; round < rounds; round++) {
		for (const server of servers.filter(({ what }) => !failures.has(what))) {
			try {
				const { startMs, memory } = await startOnce(scratch, server);
				measured.get(server.what)?.start.push(startMs);
				measured.get(server.what)?.memory.push(memory);
			} catch (error) {
				failures.set(server.what, error);
			}
		}
	}
	const peer = median(measured.get("docker-langserver")?.start ?? []);
	const rows = servers.map(({ what }): Row => {
		if (failures.has(what)) return notMeasured(what, failures.get(what));
		const { start = [], memory = [] } = measured.get(what) ?? {};
		const told = `initialize after ${ms(median(start))}; RSS ${median(memory).toFixed(0)} MiB with a document open`;
		return { what, measured: told, ...(what === "udo lsp" && { goal: `≤ ${ms(1.25 * peer)}; ≤ 80 MiB` }) };
	});
	return { title: "language server", rows };
}

async function startOnce(
	scratch: Scratch,
	{ script, args, file, text }: (typeof servers)[number],
): Promise<{ readonly startMs: number; readonly memory: number }> {
	const started = performance.now();
	const child = spawn(process.execPath, [script, ...args], {
		cwd: scratch.repository,
		env: scratch.environment,
		stdio: ["pipe", "pipe", "ignore"],
	});
	try {
		const folder = pathToFileURL(scratch.repository).href;
		const capabilities = {};
		const workspaceFolders = [{ uri: folder, name: "repo" }];
		send(child, {
			id: 1,
			method: "initialize",
			params: { processId: process.pid, rootUri: folder, capabilities, workspaceFolders },
		});
		await answer(child, 1);
		const startMs = performance.now() - started;
		send(child, { method: "initialized", params: {} });
		const uri = pathToFileURL(join(scratch.repository, file)).href;
		const textDocument = { uri, languageId: "plaintext", version: 1, text };
		send(child, { method: "textDocument/didOpen", params: { textDocument } });
		// Whatever it does about the document is done when it answers the next request.
		send(child, { id: 2, method: "shutdown" });
		await answer(child, 2);
		const status = await readFile(`/proc/${child.pid}/status`, "utf8");
		return { startMs, memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 };
	} finally {
		child.kill("SIGKILL");
	}
}

function send(child: ChildProcess, message: object): void {
	const body = JSON.stringify({ jsonrpc: "2.0", ...message });
	child.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function answer(child: ChildProcess, id: number): Promise<void> {
	return new Promise((done, fail) => {
		let received = "";
		const timeout = setTimeout(() => fail(new Error(`no answer to request ${id} within 20 s`)), 20_000);
		const listen = (chunk: Buffer) => {
			received += chunk.toString();
			if (!new RegExp(`"id":\\s*${id}\\b[^]*"result"|"result"[^]*"id":\\s*${id}\\b`).test(received)) return;
			clearTimeout(timeout);
			child.stdout?.off("data", listen);
			done();
		};
		child.stdout?.on("data", listen);
		child.once("exit", () => fail(new Error("the server ended")));
	});
}
