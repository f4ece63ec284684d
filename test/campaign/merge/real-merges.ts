import { execFile, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

/** A file that both sides of a merge commit changed, and what the person who merged made of it. */
export interface RealMerge {
	/** The merge commit. */
	readonly commit: string;
	readonly path: string;
	readonly base: Buffer;
	readonly ours: Buffer;
	readonly theirs: Buffer;
	/** Undefined when the merge has no such file. */
	readonly human: Buffer | undefined;
}

/**
 * The files that both sides changed, to different texts, in every commit of this bare repository that has two parents and one
 * merge base, oldest merge first. The same four texts come once. Files are told by their path: renamed ones are not followed.
 */
export async function* realMerges(repository: string): AsyncGenerator<RealMerge> {
	const git = (...args: readonly string[]) => lines(repository, args);
	const merges = await git(
		"rev-list",
		"--all",
		"--reverse",
		"--topo-order",
		"--min-parents=2",
		"--max-parents=2",
		"--parents",
	);
	using blobs = new Blobs(repository);
	const seen = new Set<string>();
	for (let first = 0; first < merges.length; first += chunk) {
		const triples = (await inPairs(merges.slice(first, first + chunk), (line) => withBase(repository, line))).flat();
		const changes = await changesSince(repository, triples);
		for (const [at, { commit }] of triples.entries()) {
			const [ours, theirs, human] = changes.slice(3 * at, 3 * at + 3);
			for (const [path, our] of ours ?? []) {
				const their = theirs?.get(path);
				if (their === undefined || their.blob === our.blob || isOdd(our) || isOdd(their)) continue;
				const made = human?.get(path) ?? { modes: our.modes, base: our.base, blob: our.base };
				const key = [path, our.base, our.blob, their.blob, made.blob].join(" ");
				if (seen.has(key)) continue;
				seen.add(key);
				const texts = [];
				for (const { blob } of [{ blob: our.base }, our, their, made]) texts.push(await blobs.read(blob));
				const [base, mine, yours, merged] = texts;
				// A partial clone lacks some texts.
				if (base === undefined || mine === undefined || yours === undefined) continue;
				yield { commit, path, base, ours: mine, theirs: yours, human: isOdd(made) ? undefined : merged };
			}
		}
	}
}

const chunk = 200;

interface Triple {
	readonly commit: string;
	readonly ours: string;
	readonly theirs: string;
	readonly base: string;
}

async function withBase(repository: string, line: string): Promise<readonly Triple[]> {
	const [commit = "", ours = "", theirs = ""] = line.split(" ");
	// A merge of unrelated histories has no base: git says so with exit 1.
	const bases = await lines(repository, ["merge-base", "--all", ours, theirs]).catch(() => []);
	const [base] = bases;
	return base === undefined || bases.length > 1 ? [] : [{ commit, ours, theirs, base }];
}

/** What became of a file of the base. */
interface Change {
	readonly modes: string;
	readonly base: string;
	readonly blob: string;
}

// Added, deleted, no regular file.
function isOdd({ modes }: Change): boolean {
	return !/^100\d{3} 100\d{3}$/.test(modes);
}

// For each triple three maps: what ours, theirs and the merge changed since the base.
async function changesSince(repository: string, triples: readonly Triple[]): Promise<Map<string, Change>[]> {
	const pairs = triples.flatMap(({ commit, ours, theirs, base }) =>
		[ours, theirs, commit].map((tip) => `${tip} ${base}`),
	);
	const input = pairs.map((pair) => `${pair}\n`).join("");
	const args = ["-c", "core.quotePath=false", "diff-tree", "--stdin", "--always", "-r", "--no-renames", "--raw"];
	const found: Map<string, Change>[] = [];
	for (const line of await lines(repository, [...args, "--no-abbrev"], input)) {
		const change = /^:(\d+ \d+) (\w+) (\w+) \w+\t(.*)$/.exec(line);
		if (change === null) found.push(new Map());
		else found.at(-1)?.set(change[4] ?? "", { modes: change[1] ?? "", base: change[2] ?? "", blob: change[3] ?? "" });
	}
	return found;
}

/** Reads blobs through one git process. */
class Blobs {
	readonly #git;
	readonly #chunks: AsyncIterator<Buffer>;
	#rest = Buffer.alloc(0);

	constructor(repository: string) {
		this.#git = spawn("git", [`--git-dir=${repository}`, "cat-file", "--batch"], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.#chunks = (this.#git.stdout as Readable)[Symbol.asyncIterator]();
	}

	/** Undefined when the repository lacks it. */
	async read(id: string): Promise<Buffer | undefined> {
		this.#git.stdin.write(`${id}\n`);
		let newline = this.#rest.indexOf(10);
		for (; newline === -1; newline = this.#rest.indexOf(10)) await this.#more();
		const head = this.#rest.subarray(0, newline).toString();
		const size = Number(head.split(" ")[2]);
		if (!Number.isInteger(size)) {
			this.#rest = this.#rest.subarray(newline + 1);
			return undefined;
		}
		const end = newline + 1 + size;
		while (this.#rest.length <= end) await this.#more();
		const text = Buffer.from(this.#rest.subarray(newline + 1, end));
		this.#rest = this.#rest.subarray(end + 1);
		return text;
	}

	[Symbol.dispose](): void {
		this.#git.stdin.end();
	}

	async #more(): Promise<void> {
		const { value, done } = await this.#chunks.next();
		if (done === true) throw new Error("git ended early");
		this.#rest = Buffer.concat([this.#rest, value]);
	}
}

async function inPairs<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>): Promise<Result[]> {
	const results: Result[] = [];
	for (let at = 0; at < items.length; at += 2) results.push(...(await Promise.all(items.slice(at, at + 2).map(act))));
	return results;
}

async function lines(repository: string, args: readonly string[], input = ""): Promise<string[]> {
	const running = promisify(execFile)("git", [`--git-dir=${repository}`, ...args], { maxBuffer: 2 ** 30 });
	// A git that reads nothing may be gone before.
	running.child.stdin?.on("error", () => {}).end(input);
	const { stdout } = await running;
	return stdout.split("\n").filter((line) => line !== "");
}
