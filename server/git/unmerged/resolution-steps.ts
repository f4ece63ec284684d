import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Plumbing } from "../plumbing.ts";
import type { Repository } from "../repository.ts";
import { type DiskState, digestOf, readDisk, writeDisk, writeDurably } from "./disk-state.ts";
import { indexLines, restoreIndexLines } from "./unmerged.ts";

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
	/** What it settled, by the keys under which resolutions are remembered; the text in base64. */
	readonly settled: readonly { readonly key: string; readonly text: string }[];
}

export type StepDraft = Pick<Step, "by" | "path" | "what" | "isLast" | "settled"> & { readonly to: DiskState };

/**
 * What udo did to the conflicted paths of a working tree, each step written down before it is made, so that it can be undone to the
 * byte whenever the process dies. Steps belong to one operation of git; those of an earlier one are forgotten.
 */
export class ResolutionSteps {
	readonly #git: Plumbing;
	readonly #worktree: string;
	readonly #directory: string;
	readonly #operation: string;

	constructor(git: Plumbing, repository: Repository, operation: string) {
		this.#git = git;
		this.#worktree = repository.worktree;
		this.#directory = join(repository.gitDirectory, "udo-resolve");
		this.#operation = operation;
	}

	/** Writes the step down, then makes it. Whoever dies in between has changed nothing, and undoing it changes nothing either. */
	async make(draft: StepDraft, from: DiskState): Promise<void> {
		const { to, ...step } = draft;
		await this.#forgetUndone(step.path, digestOf(from));
		const index = await indexLines(this.#git, step.path);
		await this.#write({ ...step, index, before: from, after: digestOf(to) });
		if (digestOf(to) !== digestOf(from)) await writeDisk(join(this.#worktree, step.path), to, this.#directory);
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
	async undo(first: Step): Promise<"undone" | "changed"> {
		const steps = (await this.all()).filter(({ path, number }) => path === first.path && number >= first.number);
		const place = join(this.#worktree, first.path);
		const now = digestOf(await readDisk(place));
		const isChain = steps.every(({ after }, i) => {
			const next = steps[i + 1];
			return next === undefined ? true : digestOf(next.before) === after;
		});
		const isBack = now === digestOf(first.before);
		const isKnown = steps.some(({ after, before }) => after === now || digestOf(before) === now);
		if (!isBack && !(isChain && isKnown)) return "changed";
		if (!isBack) await writeDisk(place, first.before, this.#directory);
		await restoreIndexLines(this.#git, first.path, first.index);
		for (const { number } of steps.toReversed()) await this.#forget(number);
		await this.#sweep();
		await rmdir(this.#directory).catch(() => {});
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

	async #write({ before, ...step }: Omit<Step, "number">): Promise<void> {
		await mkdir(this.#directory, { recursive: true, mode: 0o700 });
		await this.#sweep();
		const { kind } = before;
		const bytes = kind === "file" ? before.bytes : kind === "link" ? before.target : Buffer.alloc(0);
		const head = JSON.stringify({ ...step, operation: this.#operation, before: { kind, mode: modeOf(before) } });
		const draft = join(this.#directory, `draft-${randomBytes(4).toString("hex")}`);
		await writeDurably(draft, Buffer.concat([Buffer.from(`${head}\n`), bytes]), 0o600);
		// Another udo may be at it in this tree: a number is taken once.
		for (let number = 1 + Math.max(0, ...(await this.#numbers())); ; number += 1) {
			const isFree = await link(draft, this.#file(number)).then(() => true, ifTaken);
			if (isFree) break;
		}
		await rm(draft);
	}

	async #read(number: number): Promise<Step | undefined> {
		const text = await readFile(this.#file(number));
		const end = text.indexOf("\n");
		const { operation, before, ...step } = JSON.parse(text.subarray(0, end).toString()) as Kept;
		if (operation === this.#operation) return { ...step, number, before: stateOf(before, text.subarray(end + 1)) };
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

	#forget(number: number): Promise<void> {
		return rm(this.#file(number), { force: true });
	}

	#file(number: number): string {
		return join(this.#directory, String(number).padStart(6, "0"));
	}
}

interface Kept extends Omit<Step, "before" | "number"> {
	readonly operation: string;
	readonly before: { readonly kind: DiskState["kind"]; readonly mode: number };
}

function ifTaken(error: NodeJS.ErrnoException): false {
	if (error.code === "EEXIST") return false;
	throw error;
}

function modeOf(state: DiskState): number {
	return state.kind === "file" ? state.mode : 0;
}

function stateOf({ kind, mode }: Kept["before"], bytes: Buffer): DiskState {
	if (kind === "file") return { kind, bytes, mode };
	return kind === "link" ? { kind, target: bytes } : { kind };
}
