import { randomBytes, randomInt } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identifyProcess, livenessOf, type ProcessIdentity } from "../../coordination/process.ts";
import { codeOf, HeldError } from "../../errors.ts";
import { unwritable, writeDurably } from "./disk-state.ts";

const longestWaitMs = 10_000;
// Of a process that cannot be looked at: in another container, or before the machine was started anew.
const longestUnknownMs = 60_000;

/**
 * Lets one udo at a time change conflicted files in a working tree. Each leaves a claim of a name that nobody else uses, and goes on
 * when it then sees no other's: of two, one at least sees the other. The claim of a dead process counts no more.
 */
export class TreeLock {
	readonly #directory: string;
	#depth = 0;

	constructor(directory: string) {
		this.#directory = directory;
	}

	/** Runs `body` while no other process is at it; may be called inside itself. Throws HeldError when that takes too long. */
	async alone<Result>(body: () => Promise<Result>): Promise<Result> {
		const claim = this.#depth === 0 ? await this.#claimed() : undefined;
		this.#depth += 1;
		try {
			return await body();
		} finally {
			this.#depth -= 1;
			if (claim !== undefined) await rm(claim, { force: true });
		}
	}

	async #claimed(): Promise<string> {
		const deadline = performance.now() + longestWaitMs;
		for (;;) {
			let rival = await this.#rival(undefined);
			if (rival === undefined) {
				const mine = await this.#claim();
				rival = await this.#rival(mine);
				if (rival === undefined) return mine;
				await rm(mine, { force: true });
			}
			if (performance.now() > deadline) throw held(rival);
			await delay(randomInt(10, 50));
		}
	}

	async #claim(): Promise<string> {
		const name = randomBytes(6).toString("hex");
		const [draft, claim] = [join(this.#directory, `draft-${name}`), join(this.#directory, `claim-${name}`)];
		for (;;) {
			await mkdir(this.#directory, { recursive: true, mode: 0o700 });
			try {
				await writeDurably(draft, Buffer.from(JSON.stringify(identifyProcess(process.pid) ?? nobody)), 0o600);
				await link(draft, claim);
				return claim;
			} catch (error) {
				// Another udo has just tidied up.
				if (codeOf(error) !== "ENOENT") throw unwritable("the git directory", error);
			} finally {
				await rm(draft, { force: true });
			}
		}
	}

	async #rival(mine: string | undefined): Promise<ProcessIdentity | undefined> {
		for (const name of await readdir(this.#directory).catch(() => [])) {
			const path = join(this.#directory, name);
			if (!name.startsWith("claim-") || path === mine) continue;
			const text = await readFile(path, "utf8").catch(() => undefined);
			if (text === undefined) continue;
			const owner = JSON.parse(text) as ProcessIdentity;
			const liveness = livenessOf(owner);
			const isOver = liveness === "unknown" ? await isOlder(path, longestUnknownMs) : liveness === "dead";
			if (!isOver) return owner;
			await rm(path, { force: true });
		}
		return undefined;
	}
}

const nobody: ProcessIdentity = { pid: process.pid, started: "", boot: "", space: "" };

async function isOlder(path: string, ms: number): Promise<boolean> {
	const found = await stat(path).catch(() => undefined);
	return found === undefined || Date.now() - found.mtimeMs > ms;
}

function held({ pid }: ProcessIdentity): HeldError {
	return new HeldError("another udo is settling conflicts in this working tree", {
		why: `process ${pid} has been at it for ${longestWaitMs / 1000} s; nothing was changed.`,
		next: "the same again, when it has ended",
	});
}
