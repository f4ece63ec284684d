import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plumbing } from "../plumbing.ts";
import type { Repository } from "../repository.ts";
import { type DiskState, digestOf, readDisk, unwritable, writeDisk, writeDurably } from "./disk-state.ts";
import { TreeLock } from "./tree-lock.ts";
import { indexLines, restoreIndexLines, stageLines, type UnmergedPath } from "./unmerged.ts";

const draftLifeMs = 10_000;

/** Whether udo settled it by itself, or a person did. */
export type StepMaker = "merge" | "resolve";

/** One change that udo made to a conflicted path, with what was there before. */
export interface Step {
	readonly number: number;
	readonly by: StepMaker;
	readonly path: string;
	/** In words, for whoever undoes it. */
	readonly what: string;
	/** The path's lines of the index before. */
	readonly index: readonly string[];
	readonly before: DiskState;
	/** The digest of what udo put there. */
	readonly after: string;
	/** Whether nothing of the conflict was left, so that it was to be staged. */
	readonly isLast: boolean;
	/** Whether git has it since: what is undone then is unmerged again. */
	readonly isStaged: boolean;
}

export type StepDraft = Pick<Step, "by" | "path" | "what" | "isLast"> & { readonly to: DiskState };

/**
 * What udo did to the conflicted paths of a working tree, each step written down before it is made, so that it can be undone to the
 * byte whenever the process dies. Steps belong to one operation of git; those of an earlier one are forgotten.
 */
export class ResolutionSteps {
	readonly #git: Plumbing;
	readonly #worktree: string;
	readonly #directory: string;
	readonly #operation: string;
	readonly #lock: TreeLock;

	constructor(git: Plumbing, repository: Repository, operation: string) {
		this.#git = git;
		this.#worktree = repository.worktree;
		this.#directory = join(repository.gitDirectory, "udo-resolve");
		this.#operation = operation;
		this.#lock = new TreeLock(this.#directory);
	}

	/** Runs `body` while no other udo settles anything in this working tree. Throws HeldError. */
	async alone<Result>(body: () => Promise<Result>): Promise<Result> {
		try {
			return await this.#lock.alone(body);
		} finally {
			// Only when nothing is in it.
			await rmdir(this.#directory).catch(() => {});
		}
	}

	/**
	 * Writes the step down, then makes it. Whoever dies in between has changed nothing, and undoing it changes nothing either.
	 * Makes none when the path is no longer `from`. Throws UdoError `unwritable`, `path_elsewhere`.
	 */
	make(draft: StepDraft, from: DiskState): Promise<"made" | "changed"> {
		return this.#lock.alone(() => this.#make(draft, from));
	}

	async #make({ to, ...step }: StepDraft, from: DiskState): Promise<"made" | "changed"> {
		const { path } = step;
		await this.#forgetUndone(path, digestOf(from));
		const index = await indexLines(this.#git, path);
		const written = { ...step, index, before: from, after: digestOf(to), isStaged: false };
		const number = await this.#write(written).catch((cause: unknown) => Promise.reject(unwritable(path, cause)));
		if (digestOf(to) === digestOf(from)) return "made";
		const isWritten = await writeDisk(this.#worktree, path, { from, to }, this.#directory).catch(
			async (cause: unknown) => {
				await this.#forget(number);
				throw cause;
			},
		);
		if (isWritten === "written") return "made";
		await this.#forget(number);
		return "changed";
	}

	/** Notes that what the newest step of a path left was staged. */
	async noteStaged(path: string): Promise<void> {
		const last = (await this.all()).findLast((step) => step.path === path);
		if (last !== undefined) await writeFile(this.#stagedFile(last.number), "");
	}

	/**
	 * Forgets the steps of an earlier conflict of this path, which git has begun anew: they were staged, and it is unmerged again, or
	 * other versions are being merged now.
	 */
	async forgetEarlier(unmerged: UnmergedPath): Promise<void> {
		const { path } = unmerged;
		const lines = stageLines(unmerged).join("\0");
		const steps = (await this.all()).filter((step) => step.path === path);
		if (!steps.some(({ isStaged, index }) => isStaged || index.join("\0") !== lines)) return;
		for (const { number } of steps.toReversed()) await this.#forget(number);
	}

	/** The steps of this operation, oldest first. */
	async all(): Promise<readonly Step[]> {
		const steps: Step[] = [];
		for (const number of await this.#numbers()) {
			const step = await this.#read(number);
			if (step !== undefined) steps.push(step);
		}
		return steps;
	}

	/** Takes a path's steps back, the newest and all down to `first`. Changes nothing when somebody else changed the path since. */
	undo(first: Step): Promise<"undone" | "changed"> {
		return this.alone(() => this.#undo(first));
	}

	async #undo(first: Step): Promise<"undone" | "changed"> {
		const steps = (await this.all()).filter(({ path, number }) => path === first.path && number >= first.number);
		const state = await readDisk(this.#worktree, first.path);
		const now = digestOf(state);
		const isChain = steps.every(({ after }, i) => {
			const next = steps[i + 1];
			return next === undefined ? true : digestOf(next.before) === after;
		});
		const isBack = now === digestOf(first.before);
		const isKnown = steps.some(({ after, before }) => after === now || digestOf(before) === now);
		if (!isBack && !(isChain && isKnown)) return "changed";
		const change = { from: state, to: first.before };
		if (!isBack && (await writeDisk(this.#worktree, first.path, change, this.#directory)) === "changed")
			return "changed";
		await restoreIndexLines(this.#git, first.path, first.index);
		for (const { number } of steps.toReversed()) await this.#forget(number);
		await this.#sweep();
		return "undone";
	}

	// What a udo left behind that was killed while it wrote; a younger one may be being written now.
	async #sweep(): Promise<void> {
		for (const name of await readdir(this.#directory).catch(() => [])) {
			const path = join(this.#directory, name);
			if (!name.startsWith("draft-")) continue;
			const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: Date.now() }));
			if (Date.now() - mtimeMs > draftLifeMs) await rm(path, { force: true });
		}
	}

	// A step whose outcome is gone, since git made the file anew: nothing is left to undo.
	async #forgetUndone(path: string, now: string): Promise<void> {
		const steps = (await this.all()).filter((step) => step.path === path);
		const back = steps.findIndex(({ before }) => digestOf(before) === now);
		if (back === -1) return;
		for (const { number } of steps.slice(back).toReversed()) await this.#forget(number);
	}

	async #write({ before, isStaged: _, ...step }: Omit<Step, "number">): Promise<number> {
		await mkdir(this.#directory, { recursive: true, mode: 0o700 });
		await this.#sweep();
		const { kind } = before;
		const bytes = kind === "file" ? before.bytes : kind === "link" ? before.target : Buffer.alloc(0);
		const head = JSON.stringify({ ...step, operation: this.#operation, before: { kind, mode: modeOf(before) } });
		const draft = join(this.#directory, `draft-${randomBytes(4).toString("hex")}`);
		try {
			await writeDurably(draft, Buffer.concat([Buffer.from(`${head}\n`), bytes]), 0o600);
			const number = 1 + Math.max(0, ...(await this.#numbers()));
			await rename(draft, this.#file(number));
			return number;
		} finally {
			await rm(draft, { force: true });
		}
	}

	async #read(number: number): Promise<Step | undefined> {
		const text = await readFile(this.#file(number)).catch(() => undefined);
		// Another udo has just undone it.
		if (text === undefined) return undefined;
		const end = text.indexOf("\n");
		const { operation, before, ...step } = JSON.parse(text.subarray(0, end).toString()) as Kept;
		if (operation === this.#operation) {
			const isStaged = existsSync(this.#stagedFile(number));
			return { ...step, number, isStaged, before: stateOf(before, text.subarray(end + 1)) };
		}
		await this.#forget(number);
		return undefined;
	}

	async #numbers(): Promise<readonly number[]> {
		const names = await readdir(this.#directory).catch(() => []);
		return names
			.filter((name) => /^\d{6,}$/.test(name))
			.map(Number)
			.sort((a, b) => a - b);
	}

	async #forget(number: number): Promise<void> {
		await rm(this.#file(number), { force: true });
		await rm(this.#stagedFile(number), { force: true });
	}

	#stagedFile(number: number): string {
		return `${this.#file(number)}.staged`;
	}

	#file(number: number): string {
		return join(this.#directory, String(number).padStart(6, "0"));
	}
}

interface Kept extends Omit<Step, "before" | "number" | "isStaged"> {
	readonly operation: string;
	readonly before: { readonly kind: DiskState["kind"]; readonly mode: number };
}

function modeOf(state: DiskState): number {
	return state.kind === "file" ? state.mode : 0;
}

function stateOf({ kind, mode }: Kept["before"], bytes: Buffer): DiskState {
	if (kind === "file") return { kind, bytes, mode };
	if (kind === "link") return { kind, target: bytes };
	return { kind: kind === "directory" ? kind : "absent" };
}
