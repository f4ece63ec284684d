import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificates } from "./redis-certificates.ts";
import { RedisClient, type Reply } from "./redis-client.ts";

/** Whether there is a Redis to test with; test/setup.ts installs it where it may, and says so where it may not. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

// Linux ends the server with this process, however that ends; elsewhere "exit" has to do.
const dieWithParent =
	spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0 ? ["setpriv", "--pdeathsig", "KILL"] : [];
const startMs = 20_000;

export interface RedisOptions {
	/** `always`, `everysec`, `no` keep a log on disk; without it nothing survives a kill. */
	readonly appendfsync?: "always" | "everysec" | "no";
	/** What everybody needs to come in. */
	readonly password?: string;
	/** ACL rules, such as `udo on >secret ~udo:* +@all`. */
	readonly users?: readonly string[];
	/** Listens on a free TCP port as well; so it does with `host`, `port` and `tls`. */
	readonly tcp?: boolean;
	/** 127.0.0.1 unless said. */
	readonly host?: string;
	readonly port?: number;
	/** Speaks TLS on its TCP port. */
	readonly tls?: Certificates;
	/** Copies this one. */
	readonly replicaOf?: RedisServer;
	/** A network namespace to live in. Its unix socket is reachable from everywhere. */
	readonly namespace?: string;
	/** `sentinel` needs `configuration`, which Redis rewrites. */
	readonly mode?: "server" | "sentinel";
	/** Lines of a configuration file. */
	readonly configuration?: readonly string[];
}

/** A real Redis in a directory of its own, killed and removed when disposed of. Its unix socket is always there. */
export class RedisServer implements AsyncDisposable {
	readonly directory: string;
	/** Path of the unix socket. */
	readonly socket: string;
	/** Where it listens on TCP; 0 when it does not. */
	readonly port: number;
	readonly host: string;
	readonly #options: RedisOptions;
	#child: ChildProcess | undefined;
	#client: RedisClient | undefined;

	private constructor(directory: string, port: number, options: RedisOptions) {
		this.directory = directory;
		this.socket = join(directory, "redis.sock");
		this.port = port;
		this.host = options.host ?? "127.0.0.1";
		this.#options = options;
	}

	/** Resolves when it answers. */
	static async start(options: RedisOptions = {}): Promise<RedisServer> {
		const { host, namespace, port: wanted, tcp = false, tls } = options;
		const isTcp = tcp || tls !== undefined || host !== undefined;
		// Which ports another namespace has free cannot be seen from here; there is nobody else in it either.
		const port = wanted ?? (!isTcp ? 0 : namespace === undefined ? await freePort() : 6379);
		const directory = await mkdtemp(join(tmpdir(), "udo-redis-"));
		const server = new RedisServer(directory, port, options);
		await writeFile(join(directory, "redis.conf"), `${server.#configuration.join("\n")}\n`, { mode: 0o600 });
		try {
			await server.restart();
		} catch (error) {
			await server[Symbol.asyncDispose]();
			throw error;
		}
		return server;
	}

	/** How REDIS_URL names it: by TCP when it listens there, else by its socket. */
	get url(): string {
		const { password, tls } = this.#options;
		if (this.port === 0) return `redis+unix://${password === undefined ? "" : `:${password}@`}${this.socket}`;
		return `${tls === undefined ? "redis" : "rediss"}://${password === undefined ? "" : `:${password}@`}${this.host}:${this.port}`;
	}

	get pid(): number {
		if (this.#child?.pid === undefined) throw new Error("Redis does not run");
		return this.#child.pid;
	}

	/** Sends one command over the unix socket, past all that is done to TCP; rejects with what Redis has against it. */
	async command(...words: readonly (string | number)[]): Promise<Reply> {
		if (!this.#client?.isOpen) {
			this.#client = new RedisClient(this.socket);
			const { password } = this.#options;
			if (password !== undefined) await this.#client.send("AUTH", password);
		}
		return this.#client.send(...words);
	}

	/** One field of INFO, such as `used_cpu_user`. */
	async info(field: string): Promise<string | undefined> {
		const text = String(await this.command("INFO", "everything"));
		return new RegExp(`^${field}:(.*?)\r?$`, "m").exec(text)?.[1];
	}

	/** kill -9; resolves when it is gone. */
	async kill(): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		this.#client?.[Symbol.dispose]();
		this.#client = undefined;
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
		const gone = once(child, "exit");
		child.kill("SIGKILL");
		await gone;
	}

	/** It stands still until `resume`: connections stay, nothing answers. */
	stop(): void {
		process.kill(this.pid, "SIGSTOP");
	}

	resume(): void {
		process.kill(this.pid, "SIGCONT");
	}

	/** Starts it again in the same directory at the same address, killed before if need be; resolves when it answers. */
	async restart(): Promise<void> {
		await this.kill();
		const { mode, namespace } = this.#options;
		const [command = "", ...args] = [
			...dieWithParent,
			...(namespace === undefined ? [] : ["ip", "netns", "exec", namespace]),
			"redis-server",
			join(this.directory, "redis.conf"),
			...(mode === "sentinel" ? ["--sentinel"] : []),
		];
		const child = spawn(command, args, { cwd: this.directory, stdio: ["ignore", "pipe", "pipe"] });
		killAtExit(child);
		this.#child = child;
		let said = "";
		const keep = (text: string) => {
			said = (said + text).slice(-2000);
		};
		child.stdout.setEncoding("utf8").on("data", keep);
		child.stderr.setEncoding("utf8").on("data", keep);
		let failure: unknown;
		child.on("error", (error) => {
			failure = error;
		});
		const deadline = performance.now() + startMs;
		while (!(await this.#answers())) {
			if (child.exitCode !== null || failure !== undefined || performance.now() > deadline)
				throw new Error(`Redis did not start: ${failure ?? said}`);
			await new Promise((resolve) => setTimeout(resolve, 3));
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
	}

	// LOADING is an error, too: then it does not answer yet.
	async #answers(): Promise<boolean> {
		return this.command("PING").then(
			() => true,
			() => false,
		);
	}

	get #configuration(): readonly string[] {
		const { appendfsync, configuration = [], mode, password, replicaOf, tls, users = [] } = this.#options;
		const common = [
			`dir ${this.directory}`,
			`port ${tls === undefined ? this.port : 0}`,
			`bind ${this.host}`,
			"protected-mode no",
			`unixsocket ${this.socket}`,
			"daemonize no",
			...(tls === undefined ? [] : [`tls-port ${this.port}`, "tls-auth-clients no", ...tlsFiles(tls)]),
			...(password === undefined ? [] : [`requirepass ${password}`]),
			...users.map((rule) => `user ${rule}`),
			...configuration,
		];
		if (mode === "sentinel") return common;
		return [
			...common,
			'save ""',
			...(appendfsync === undefined ? ["appendonly no"] : ["appendonly yes", `appendfsync ${appendfsync}`]),
			"repl-diskless-sync-delay 0",
			...(replicaOf === undefined ? [] : [`replicaof ${replicaOf.host} ${replicaOf.port}`]),
			...(replicaOf?.password === undefined ? [] : [`masterauth ${replicaOf.password}`]),
		];
	}

	/** What everybody needs to come in; undefined when nothing is needed. */
	get password(): string | undefined {
		return this.#options.password;
	}
}

/**
 * A TCP port of 127.0.0.1 that is free now, below the range from which connections take theirs, so that a server that is
 * killed finds it free again. With `reach`, the one that much above is free as well.
 */
export async function freePort(reach = 0): Promise<number> {
	for (;;) {
		const port = 10_000 + Math.floor(Math.random() * 12_000);
		if ((await isFree(port)) && (reach === 0 || (await isFree(port + reach)))) return port;
	}
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.on("error", () => resolve(false));
		server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
	});
}

function tlsFiles({ authority, certificate, key }: Certificates): string[] {
	return [`tls-ca-cert-file ${authority}`, `tls-cert-file ${certificate}`, `tls-key-file ${key}`];
}

const running = new Set<ChildProcess>();

function killAtExit(child: ChildProcess): void {
	if (running.size === 0) process.once("exit", killAll);
	running.add(child);
	child.once("exit", () => {
		running.delete(child);
		if (running.size === 0) process.removeListener("exit", killAll);
	});
}

function killAll(): void {
	for (const child of running) child.kill("SIGKILL");
}
