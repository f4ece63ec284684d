import { createConnection, isIP, type Socket } from "node:net";
import { type ConnectionOptions as TlsOptions, connect as tlsConnect } from "node:tls";
import { AbstractConnector, Redis, type RedisOptions } from "ioredis";
import { LinkError } from "./failure.ts";
import { type Address, type RedisTls, type Secret, showAddress } from "./settings.ts";

/** How to talk to one server. */
export interface ClientTerms {
	readonly address: Address;
	readonly db: number;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	readonly tls: RedisTls | undefined;
	/** How long connecting may take, until Redis has let us in. */
	readonly connectMs: number;
	/** How long a command may take; also how long a silent server has to answer a ping. */
	readonly commandMs: number;
}

export interface SendOptions {
	/** Strings in the answer come as bytes. */
	readonly isBinary?: boolean;
	/** For this command instead of `commandMs`. */
	readonly patienceMs?: number;
	/** The process may end without waiting for the answer. */
	readonly isIdle?: boolean;
}

// Long enough to cost nothing, short enough that a connection cut without a word is noticed before two heartbeats are missed.
const pulseMs = 5_000;

// One command may be late because a script of somebody's is slow; after two without any answer between them the connection counts
// as dead: a server that was stopped or cut off answers on a new one only.
const lateAtMost = 2;

/**
 * One connection to one server, from its handshake to its end; it never reconnects. It does not keep the process alive unless a
 * command is under way. Rejects with what the system, ioredis or Redis says; `explainFailure` puts that into words.
 */
export class Client {
	readonly #redis: Redis;
	readonly #commandMs: number;
	readonly #pulse: NodeJS.Timeout;
	readonly #unanswered = new Set<(error: Error) => void>();
	readonly #endListeners = new Set<(error: Error) => void>();
	#late = 0;
	#isGathering = false;
	#heardAt = performance.now();
	#end: Error | undefined;
	/** The address that answers: another one after a failover. */
	readonly peer: string;

	private constructor(redis: Redis, terms: ClientTerms) {
		this.#redis = redis;
		this.#commandMs = terms.commandMs;
		this.peer = showAddress(terms.address);
		this.#pulse = setInterval(() => this.#checkPulse(), Math.max(pulseMs, terms.commandMs)).unref();
		redis.on("error", (error) => this.close(error));
		redis.on("end", () => this.close(new LinkError("closed", "the connection was closed")));
	}

	/** Connects and logs in. */
	static async open(terms: ClientTerms): Promise<Client> {
		const redis = new Redis(ioredisOptions(terms));
		let failure: Error | undefined;
		const onError = (error: Error) => {
			failure ??= error;
		};
		redis.on("error", onError);
		const timer = setTimeout(() => {
			const isSilent = terms.tls !== undefined && redis.status === "connecting" && !redis.stream?.connecting;
			const what = isSilent ? "no TLS handshake (does that port speak TLS?)" : "no answer";
			failure ??= new LinkError("timeout", `${what} within ${terms.connectMs} ms`);
			redis.disconnect();
		}, terms.connectMs).unref();
		try {
			await redis.connect();
			// ioredis goes on in database 0 when the one that was asked for does not exist.
			if (failure !== undefined) throw failure;
			return new Client(redis, terms);
		} catch (error) {
			redis.disconnect();
			throw unlikeScript(failure ?? error);
		} finally {
			clearTimeout(timer);
			redis.off("error", onError);
			redis.on("error", () => {});
		}
	}

	/** How many commands are under way. */
	get inFlight(): number {
		return this.#unanswered.size;
	}

	/** Why it ended, once it has. */
	get end(): Error | undefined {
		return this.#end;
	}

	/** Sends a command and answers what Redis answers. */
	send(
		command: string,
		args: readonly (string | number | Uint8Array)[],
		{ isBinary = false, patienceMs = this.#commandMs, isIdle = false }: SendOptions = {},
	): Promise<unknown> {
		return new Promise((resolve, reject) => {
			if (this.#end !== undefined) {
				reject(this.#end);
				return;
			}
			const settle = (settled: () => void) => {
				clearTimeout(timer);
				this.#unanswered.delete(fail);
				settled();
			};
			const fail = (error: Error) => settle(() => reject(error));
			// When this process itself was busy for so long, the answer is waiting in the socket: it gets one turn of the loop more.
			const timer = setTimeout(() => {
				setImmediate(() => {
					if (!this.#unanswered.has(fail)) return;
					fail(new LinkError("timeout", `no answer within ${patienceMs} ms`));
					this.#late += 1;
					if (this.#late >= lateAtMost) this.close(new LinkError("timeout", `no answer within ${patienceMs} ms`));
				});
			}, patienceMs);
			if (isIdle) timer.unref();
			this.#unanswered.add(fail);
			this.#gather();
			const words = args.map((arg) => (arg instanceof Uint8Array ? bytes(arg) : arg));
			const answer = isBinary ? this.#redis.callBuffer(command, ...words) : this.#redis.call(command, ...words);
			answer.then(
				(value) => {
					this.#heard();
					settle(() => resolve(value));
				},
				(error: Error) => {
					this.#heard();
					settle(() => reject(this.#end ?? error));
				},
			);
		});
	}

	/** Calls back for each message of the channels that this connection is subscribed to. */
	onMessage(listener: (channel: string, message: string) => void): void {
		this.#redis.on("message", (channel: string, message: string) => {
			this.#heard();
			listener(channel, message);
		});
	}

	/** Calls back once, when the connection has ended, also when `close` ended it. */
	onEnd(listener: (error: Error) => void): void {
		if (this.#end !== undefined) listener(this.#end);
		else this.#endListeners.add(listener);
	}

	/** Ends the connection at once; commands under way are rejected. */
	close(reason: Error = new LinkError("closed", "the connection was closed here")): void {
		if (this.#end !== undefined) return;
		this.#end = reason;
		clearInterval(this.#pulse);
		this.#redis.disconnect();
		for (const fail of [...this.#unanswered]) fail(reason);
		for (const listener of this.#endListeners) listener(reason);
	}

	// ioredis writes each command by itself: gathered, those of one turn are one system call, which halves what a command costs.
	#gather(): void {
		if (this.#isGathering) return;
		this.#isGathering = true;
		const { stream } = this.#redis;
		stream.cork();
		process.nextTick(() => {
			this.#isGathering = false;
			stream.uncork();
		});
	}

	#heard(): void {
		this.#late = 0;
		this.#heardAt = performance.now();
	}

	#checkPulse(): void {
		if (performance.now() - this.#heardAt < pulseMs / 2 || this.inFlight > 0) return;
		this.send("ping", [], { isIdle: true }).catch((error: Error) => {
			if (error instanceof LinkError) this.close(error);
		});
	}
}

/** Its sockets neither keep the process alive while nobody waits, nor linger after their end. */
class QuietConnector extends AbstractConnector {
	readonly #terms: ClientTerms;

	constructor(terms: ClientTerms) {
		super(0);
		this.#terms = terms;
	}

	override async connect(): Promise<Socket> {
		const { address, tls } = this.#terms;
		const target = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
		this.stream = tls === undefined ? createConnection(target) : tlsConnect({ ...target, ...tlsOptions(tls, address) });
		return this.stream.unref();
	}

	override disconnect(): void {
		this.stream?.destroy();
	}
}

function ioredisOptions(terms: ClientTerms) {
	return {
		lazyConnect: true,
		Connector: class extends QuietConnector {
			constructor() {
				super(terms);
			}
		},
		...(terms.username !== undefined && { username: terms.username }),
		...(terms.password !== undefined && { password: terms.password.reveal() }),
		db: terms.db,
		...(terms.tls !== undefined && { tls: {} }),
		keepAlive: 10_000,
		// What cannot be sent now fails now, and nothing is ever sent twice: udo's own requests carry ids, and are repeated knowingly.
		enableOfflineQueue: false,
		autoResendUnfulfilledCommands: false,
		autoResubscribe: false,
		maxRetriesPerRequest: 0,
		retryStrategy: () => null,
		// Both would need rights that udo does not need otherwise, and ioredis prints on stderr when they are missing.
		enableReadyCheck: false,
		disableClientInfo: true,
	} satisfies RedisOptions;
}

// Redis says ERR to many things. Of a script it means a bug in it; of a login, that Redis does not let us in.
function unlikeScript(error: unknown): unknown {
	const [, refusal] = /^ERR ([\s\S]*)$/.exec(error instanceof Error ? error.message : "") ?? [];
	return refusal === undefined ? error : new LinkError("refused", refusal);
}

function tlsOptions({ ca }: RedisTls, address: Address): TlsOptions {
	return {
		rejectUnauthorized: true,
		...(ca !== undefined && { ca: ca.pem }),
		...(address.kind === "tcp" && isIP(address.host) === 0 && { servername: address.host }),
	};
}

function bytes(array: Uint8Array): Buffer {
	return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
