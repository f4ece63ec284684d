import { connect, type Socket } from "node:net";

/** What Redis answers, as RESP has it. */
export type Reply = string | number | null | readonly Reply[];

/** A client of its own for tests, so that nothing of ours is tested with itself: one connection, text only. */
export class RedisClient implements Disposable {
	readonly #socket: Socket;
	readonly #asked: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
	#unread = Buffer.alloc(0);
	#ended: Error | undefined;

	constructor(path: string) {
		this.#socket = connect(path);
		this.#socket.on("data", (chunk) => this.#read(chunk));
		this.#socket.on("error", (error) => this.#end(error));
		this.#socket.on("close", () => this.#end(new Error("Redis closed the connection")));
	}

	/** Whether it can still be used. */
	get isOpen(): boolean {
		return this.#ended === undefined;
	}

	/** Sends one command; rejects with what Redis has against it. */
	send(...command: readonly (string | number)[]): Promise<Reply> {
		if (this.#ended !== undefined) return Promise.reject(this.#ended);
		const words = command.map((word) => `$${Buffer.byteLength(`${word}`)}\r\n${word}\r\n`);
		this.#socket.ref();
		this.#socket.write(`*${words.length}\r\n${words.join("")}`);
		return new Promise((resolve, reject) => this.#asked.push({ resolve, reject }));
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}

	#read(chunk: Buffer): void {
		this.#unread = Buffer.concat([this.#unread, chunk]);
		for (let parsed = parse(this.#unread, 0); parsed !== undefined; parsed = parse(this.#unread, 0)) {
			this.#unread = this.#unread.subarray(parsed.end);
			const { reply } = parsed;
			const waiting = this.#asked.shift();
			if (reply instanceof Error) waiting?.reject(reply);
			else waiting?.resolve(reply);
		}
		// An idle connection keeps no process alive.
		if (this.#asked.length === 0) this.#socket.unref();
	}

	#end(error: Error): void {
		this.#ended ??= error;
		for (const { reject } of this.#asked.splice(0)) reject(this.#ended);
	}
}

interface Parsed {
	readonly reply: Reply | Error;
	readonly end: number;
}

function parse(bytes: Buffer, start: number): Parsed | undefined {
	const lineEnd = bytes.indexOf("\r\n", start);
	if (lineEnd === -1) return undefined;
	const line = bytes.toString("utf8", start + 1, lineEnd);
	const end = lineEnd + 2;
	switch (String.fromCharCode(bytes[start] ?? 0)) {
		case "+":
			return { reply: line, end };
		case "-":
			return { reply: new Error(line), end };
		case ":":
			return { reply: Number(line), end };
		case "$":
			return parseText(bytes, Number(line), end);
		case "*":
			return parseList(bytes, Number(line), end);
		default:
			throw new Error(`not RESP: ${line}`);
	}
}

function parseText(bytes: Buffer, length: number, start: number): Parsed | undefined {
	if (length === -1) return { reply: null, end: start };
	const end = start + length;
	return bytes.length < end + 2 ? undefined : { reply: bytes.toString("utf8", start, end), end: end + 2 };
}

function parseList(bytes: Buffer, length: number, start: number): Parsed | undefined {
	if (length === -1) return { reply: null, end: start };
	const list: Reply[] = [];
	let end = start;
	while (list.length < length) {
		const item = parse(bytes, end);
		if (item === undefined) return undefined;
		list.push(item.reply instanceof Error ? item.reply.message : item.reply);
		end = item.end;
	}
	return { reply: list, end };
}
