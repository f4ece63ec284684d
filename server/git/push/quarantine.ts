import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import type { Plumbing } from "../plumbing.ts";

const abandonedMs = 3_600_000;

/**
 * A place for new objects beside a repository, in which the objects of other repositories are seen as well. What is made here
 * is gone with it, unless `keep` moved it into the repository.
 */
export class Quarantine implements AsyncDisposable {
	/** What a git needs to work in here. */
	readonly environment: Readonly<Record<string, string>>;
	readonly #directory: string;
	readonly #objects: string;

	private constructor(directory: string, objects: string) {
		this.#directory = directory;
		this.#objects = objects;
		// A commit is what it says, whatever this clone has been told to see in its place.
		this.environment = { GIT_OBJECT_DIRECTORY: directory, GIT_NO_REPLACE_OBJECTS: "1" };
	}

	/** `objects` is the repository's object directory, `others` those of other repositories. */
	static async open(parent: string, objects: string, others: readonly string[]): Promise<Quarantine> {
		await removeAbandoned(parent);
		const directory = join(parent, `push-${randomUUID()}`);
		await mkdir(join(directory, "info"), { recursive: true });
		const seen = [...new Set([objects, ...others])].filter((each) => !each.includes("\n"));
		await writeFile(join(directory, "info", "alternates"), seen.map((each) => `${quotedPath(each)}\n`).join(""));
		return new Quarantine(directory, objects);
	}

	/** Writes a commit and answers its id, which has as many digits as `like`. */
	async writeCommit(body: Buffer, like: string): Promise<string> {
		const bytes = Buffer.concat([Buffer.from(`commit ${body.length}\0`), body]);
		const id = createHash(like.length === 40 ? "sha1" : "sha256")
			.update(bytes)
			.digest("hex");
		const fan = join(this.#directory, id.slice(0, 2));
		await mkdir(fan, { recursive: true });
		await writeFile(join(fan, id.slice(2)), await promisify(deflate)(bytes, { level: 1 }));
		return id;
	}

	/** Moves all that `tip` needs beyond what is `known` there into the repository. Answers the pack it is in. */
	async keep(git: Plumbing, tip: string, known: readonly string[]): Promise<string> {
		const input = [tip, ...known.map((commit) => `^${commit}`), ""].join("\n");
		const made = join(this.#directory, "kept");
		const args = ["-c", "pack.threads=1", "pack-objects", "-q", "--revs", "--delta-base-offset", made];
		const name = (await git.read(args, { input, environment: this.environment })).trim();
		await mkdir(join(this.#objects, "pack"), { recursive: true });
		// The index last: only with it does git see the pack.
		for (const end of ["pack", "idx"]) {
			await rename(`${made}-${name}.${end}`, join(this.#objects, "pack", `pack-${name}.${end}`));
		}
		return name;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
	}
}

// What a process that was killed left behind.
async function removeAbandoned(parent: string): Promise<void> {
	const names = await readdir(parent).catch(() => []);
	for (const name of names.filter((each) => each.startsWith("push-"))) {
		const { mtimeMs } = await stat(join(parent, name)).catch(() => ({ mtimeMs: Date.now() }));
		if (Date.now() - mtimeMs > abandonedMs) await rm(join(parent, name), { recursive: true, force: true });
	}
}

// A line of info/alternates that starts with a quote or a hash means something else.
function quotedPath(path: string): string {
	return /^["#]/.test(path) ? `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : path;
}
