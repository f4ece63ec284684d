import { showDuration, showText } from "../coordination/describe.ts";
import type { Origin } from "../coordination/lock.ts";
import type { Resource } from "../coordination/resource.ts";
import type { BufferState } from "./buffer-state.ts";
import type { Editor } from "./editor.ts";
import { FileLocks } from "./file-locks.ts";
import type { OpenWorktree } from "./open-worktree.ts";

// A refused lock is asked for again this much later, unless what is held changes before.
const tryAgainMs = 1000;
const fullAgainMs = 30_000;
// An editor that reloads what somebody else wrote sends it like typing, and may be one version behind the disk.
const reloadMs = 300;

export interface LockKeeperOptions {
	readonly worktree: OpenWorktree;
	readonly resource: Resource;
	readonly editor: Editor;
	/** How long the edit lock stays after the last edit once everything is on disk. */
	readonly idleMs: number;
	/** Called when a lock was lost. */
	readonly onLost: () => void;
}

/**
 * Takes the edit lock of a file when its buffer needs it, and gives locks back that nobody uses. A lock that was lost is told
 * and not taken again before the person edits again.
 */
export class LockKeeper {
	readonly locks: FileLocks;
	readonly #options: LockKeeperOptions;
	#isWanted = false;
	#activeAt = performance.now();
	#tryAgainAt = 0;
	#diskMovedAt = Number.NEGATIVE_INFINITY;
	#lost: { readonly why: string; readonly at: number } | undefined;

	constructor(options: LockKeeperOptions) {
		this.#options = options;
		this.locks = new FileLocks(options.worktree.workspace.coordinator, options.resource, (why) => {
			this.#lost = { why, at: performance.now() };
			this.#isWanted = false;
			options.onLost();
		});
	}

	/** Why a lock was lost, while that matters. */
	get lost(): string | undefined {
		return this.#lost?.why;
	}

	/** The person edits. */
	edited(): void {
		this.#isWanted = true;
		this.#activeAt = performance.now();
	}

	/** The person took a lock, or gave all up; then the next edit takes it again. */
	decided(what: "took" | "gave up"): void {
		if (what === "gave up") this.#isWanted = false;
		this.#activeAt = performance.now();
		this.#lost = undefined;
	}

	/** The file on disk changed. */
	diskMoved(): void {
		this.#diskMovedAt = performance.now();
	}

	/** Makes the locks agree with the buffer. Answers in how many ms to do so again. */
	async settle(buffer: BufferState): Promise<number> {
		if (buffer.isUnsaved) return this.#take();
		this.#isWanted = false;
		const { idleMs, worktree } = this.#options;
		const claimMs = Math.max(idleMs, worktree.workspace.config.lockTtlMs);
		return Math.min(this.#forgetLoss(), await this.#letGo("edit", idleMs), await this.#letGo("claim", claimMs));
	}

	async #take(): Promise<number> {
		const { worktree, resource } = this.#options;
		if (!this.#isWanted || this.locks.has("edit") || worktree.heldOn(resource).length > 0) return never;
		const waitMs = Math.max(this.#tryAgainAt, this.#diskMovedAt + reloadMs) - performance.now();
		if (waitMs > 0) return waitMs;
		const taken = await this.locks.take("edit", { waitMs: 0 });
		if (taken.ok) {
			this.#lost = undefined;
			return never;
		}
		const isFull = taken.refusal.reason === "limit";
		// A replacement across the whole project is no reason for a message for every file.
		if (isFull && this.#tryAgainAt === 0)
			this.#options.editor.log(
				"info",
				`${showText(resource.id)} is not locked: the session has all the locks it may have`,
			);
		worktree.look();
		const againMs = isFull ? fullAgainMs : tryAgainMs;
		this.#tryAgainAt = performance.now() + againMs;
		return againMs;
	}

	async #letGo(origin: Origin, keptMs: number): Promise<number> {
		if (!this.locks.has(origin)) return never;
		const leftMs = this.#activeAt + keptMs - performance.now();
		if (leftMs > 0) return leftMs;
		await this.locks.release(origin);
		if (origin === "claim") {
			const name = showText(this.#options.resource.id, 60);
			this.#options.editor.show("info", `released ${name} after ${showDuration(keptMs)} without a change`);
		}
		return never;
	}

	#forgetLoss(): number {
		if (this.#lost === undefined) return never;
		const leftMs = this.#lost.at + this.#options.idleMs - performance.now();
		if (leftMs > 0) return leftMs;
		this.#lost = undefined;
		return never;
	}
}

const never = Number.POSITIVE_INFINITY;
