import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Sandbox, udoScript } from "./sandbox.ts";
import { until } from "./until.ts";

export interface Diagnostic {
	readonly code: string;
	readonly source: string;
	readonly severity: number;
	readonly message: string;
	readonly range: { readonly start: { readonly line: number; readonly character: number } };
}

export interface LspClientOptions {
	readonly actor?: string;
	/** How long edit locks outlive the last edit. */
	readonly idleMs?: number;
	readonly capabilities?: object;
	readonly initializationOptions?: object;
	readonly environment?: NodeJS.ProcessEnv;
}

interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: unknown;
	readonly result?: unknown;
	readonly error?: { readonly code: number; readonly message: string };
}

/** An editor as the server sees it: a process of its own, and a real server on real pipes. */
export class LspClient implements AsyncDisposable {
	readonly server: ChildProcess;
	/** The process that the server takes for the editor. */
	readonly editor: ChildProcess;
	/** Everything the server sent, in order. */
	readonly received: Message[] = [];
	stderr = "";
	readonly #directory: string;
	readonly #published = new Map<string, readonly Diagnostic[]>();
	readonly #versions = new Map<string, number>();
	readonly #answers = new Map<string, { readonly result: unknown; readonly asked: unknown[] }>();
	#bytes = Buffer.alloc(0);
	#nextId = 1;

	constructor(sandbox: Sandbox, options: LspClientOptions = {}) {
		this.#directory = sandbox.repository;
		this.editor = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
		this.server = spawn(process.execPath, [udoScript, "lsp", "--stdio"], {
			cwd: sandbox.repository,
			env: { ...sandbox.environment, UDO_ACTOR: options.actor ?? "ed@editor", ...options.environment },
			stdio: "pipe",
		});
		this.server.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
		this.server.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr += text;
		});
		this.server.stdin?.on("error", () => {});
	}

	/** A client that has shaken hands. */
	static async start(sandbox: Sandbox, options: LspClientOptions = {}): Promise<LspClient> {
		const client = new LspClient(sandbox, options);
		await client.initialize(options);
		return client;
	}

	async initialize(options: LspClientOptions = {}): Promise<unknown> {
		const result = await this.request("initialize", {
			processId: this.editor.pid,
			rootUri: null,
			capabilities: options.capabilities ?? {},
			initializationOptions: { idleMs: options.idleMs ?? 60_000, ...options.initializationOptions },
		});
		this.notify("initialized", {});
		return result;
	}

	async request(method: string, params?: unknown): Promise<unknown> {
		const id = this.#nextId++;
		this.#send({ id, method, params });
		const answer = await until(
			() => this.received.find((message) => message.id === id && message.method === undefined),
			(found) => found !== undefined || this.hasExited,
		);
		if (answer === undefined) throw new Error(`no answer to ${method}; stderr: ${this.stderr}`);
		if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
		return answer.result;
	}

	notify(method: string, params?: unknown): void {
		this.#send({ method, params });
	}

	uri(path: string): string {
		return pathToFileURL(join(this.#directory, path)).href;
	}

	/** Opens a document with what is on disk, or another text. */
	open(path: string, text = readFileSync(join(this.#directory, path), "utf8")): void {
		this.openUri(this.uri(path), text);
	}

	openUri(uri: string, text: string): void {
		this.#versions.set(uri, 0);
		this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "text", version: 0, text } });
	}

	/** The person changes the document to this text. */
	type(path: string, text: string): void {
		this.change(path, [{ text }]);
	}

	change(path: string, contentChanges: readonly object[]): void {
		const uri = this.uri(path);
		const version = (this.#versions.get(uri) ?? 0) + 1;
		this.#versions.set(uri, version);
		this.notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges });
	}

	/** The editor writes the document. */
	async save(path: string, text: string | Uint8Array): Promise<void> {
		await writeFile(join(this.#directory, path), text);
		this.notify("textDocument/didSave", { textDocument: { uri: this.uri(path) } });
	}

	close(path: string): void {
		this.notify("textDocument/didClose", { textDocument: { uri: this.uri(path) } });
	}

	/** Our diagnostics of a document as the editor shows them now. */
	diagnostics(path: string): readonly Diagnostic[] {
		return this.#published.get(this.uri(path)) ?? [];
	}

	codes(path: string): readonly string[] {
		return this.diagnostics(path).map(({ code }) => code);
	}

	/** Resolves when the document shows exactly these diagnostics. */
	async shows(path: string, ...codes: string[]): Promise<void> {
		const wanted = JSON.stringify(codes);
		await until(
			() => this.codes(path),
			(shown) => JSON.stringify(shown) === wanted,
		);
	}

	/** What was sent to the person, or to the log. */
	messages(method: "window/showMessage" | "window/logMessage"): readonly string[] {
		return this.of(method).map((params) => (params as { message: string }).message);
	}

	/** The parameters of everything the server sent under a method. */
	of(method: string): readonly unknown[] {
		return this.received.filter((message) => message.method === method).map(({ params }) => params);
	}

	/** From now on answers the server's requests of a method with this; returns what it asks. Others are answered with null. */
	answering(method: string, result: unknown): readonly unknown[] {
		const asked: unknown[] = [];
		this.#answers.set(method, { result, asked });
		return asked;
	}

	execute(command: string, path: string): Promise<unknown> {
		return this.request("workspace/executeCommand", { command, arguments: [this.uri(path)] });
	}

	get hasExited(): boolean {
		return this.server.exitCode !== null || this.server.signalCode !== null;
	}

	/** The server's exit code, or the signal that killed it. */
	async exited(): Promise<number | string | null> {
		if (!this.hasExited) await once(this.server, "exit");
		return this.server.exitCode ?? this.server.signalCode;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.hasExited) {
			this.server.kill("SIGKILL");
			await this.exited();
		}
		this.editor.kill("SIGKILL");
	}

	#send(message: object): void {
		const text = JSON.stringify({ jsonrpc: "2.0", ...message });
		this.server.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
	}

	// Anything on stdout that is no message makes this throw: that is a promise of the server, too.
	#receive(chunk: Buffer): void {
		this.#bytes = Buffer.concat([this.#bytes, chunk]);
		for (;;) {
			const end = this.#bytes.indexOf("\r\n\r\n");
			if (end === -1) return;
			const length = /^Content-Length: (\d+)$/.exec(this.#bytes.subarray(0, end).toString())?.[1];
			if (length === undefined) throw new Error(`not a header: ${this.#bytes.toString().slice(0, 200)}`);
			const from = end + 4;
			if (this.#bytes.length < from + Number(length)) return;
			this.#take(JSON.parse(this.#bytes.subarray(from, from + Number(length)).toString()) as Message);
			this.#bytes = this.#bytes.subarray(from + Number(length));
		}
	}

	#take(message: Message): void {
		this.received.push(message);
		if (message.method === "textDocument/publishDiagnostics") {
			const { uri, diagnostics } = message.params as { uri: string; diagnostics: readonly Diagnostic[] };
			this.#published.set(uri, diagnostics);
		}
		if (message.id === undefined || message.method === undefined) return;
		const answer = this.#answers.get(message.method);
		answer?.asked.push(message.params);
		this.#send({ id: message.id, result: answer?.result ?? null });
	}
}
