import type { Plumbing } from "../plumbing.ts";

/** An object as git keeps it. */
export interface GitObject {
	readonly type: string;
	readonly bytes: Buffer;
}

/** Reads objects through one `git cat-file --batch`, which starts with the first of them and ends with this. */
export class ObjectReader implements Disposable {
	readonly #git: Plumbing;
	readonly #environment: Readonly<Record<string, string>>;
	#child: ReturnType<Plumbing["start"]> | undefined;
	readonly #asked: ((answer: GitObject | undefined | Error) => void)[] = [];
	#unread: Buffer = Buffer.alloc(0);
	#failure: Error | undefined;

	constructor(git: Plumbing, environment: Readonly<Record<string, string>>) {
		this.#git = git;
		this.#environment = environment;
	}

	/** The object, or undefined when there is none. */
	read(id: string): Promise<GitObject | undefined> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		this.#child ??= this.#start();
		const { stdin } = this.#child;
		return new Promise((resolve, reject) => {
			this.#asked.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
			stdin.write(`${id}\n`);
		});
	}

	[Symbol.dispose](): void {
		this.#failure ??= new Error("the reader is closed");
		this.#child?.stdin.end();
	}

	#start(): ReturnType<Plumbing["start"]> {
		const child = this.#git.start(["cat-file", "--batch"], { environment: this.#environment });
		child.stdout.on("data", (chunk: Buffer) => this.#hear(chunk));
		child.stdin.on("error", () => {});
		child.stderr.resume();
		child.once("error", (cause) => this.#fail(cause));
		child.once("close", () => this.#fail(new Error("git cat-file ended")));
		return child;
	}

	#hear(chunk: Buffer): void {
		this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
		for (;;) {
			const end = this.#unread.indexOf("\n");
			if (end === -1) return;
			const [, type, size] = /^\S+ (\w+)(?: (\d+))?$/.exec(this.#unread.subarray(0, end).toString()) ?? [];
			if (type === undefined || size === undefined) {
				this.#unread = this.#unread.subarray(end + 1);
				this.#asked.shift()?.(undefined);
				continue;
			}
			const from = end + 1;
			const to = from + Number(size);
			if (this.#unread.length < to + 1) return;
			const bytes = Buffer.from(this.#unread.subarray(from, to));
			this.#unread = this.#unread.subarray(to + 1);
			this.#asked.shift()?.({ type, bytes });
		}
	}

	#fail(cause: Error): void {
		this.#failure ??= cause;
		for (const answer of this.#asked.splice(0)) answer(cause);
	}
}
