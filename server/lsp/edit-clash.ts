import type { Resource } from "../coordination/resource.ts";
import type { BufferState } from "./buffer-state.ts";
import { BufferTexts } from "./buffer-texts.ts";
import { ConflictRecord } from "./conflict-record.ts";
import { DiskConflict } from "./disk-conflict.ts";
import type { FileChange } from "./file-changes.ts";
import type { DiskContent } from "./fingerprint.ts";
import { type MergeAttempt, tryMerge } from "./merge-attempt.ts";
import type { OpenWorktree } from "./open-worktree.ts";
import { RivalConflict } from "./rival-conflict.ts";

export interface EditClashOptions {
	readonly worktree: OpenWorktree;
	readonly resource: Resource;
	/** The text of the buffer now. */
	readonly text: () => string;
	/** Reads the disk into the buffer's state. */
	readonly readDisk: () => Promise<void>;
}

/**
 * The `file_edit` conflicts of one buffer: its unsaved changes against what somebody else wrote to the file, or against the unsaved
 * changes of another editor. Finds them, keeps their texts up to date while they are open, and supersedes them when the buffer is
 * saved, reverted or closed. What somebody settled is accepted: what is on disk then is not reported again.
 */
export class EditClash {
	readonly #readDisk: () => Promise<void>;
	readonly #texts: BufferTexts;
	readonly #disk = new DiskConflict();
	readonly #rival: RivalConflict;
	readonly #record: ConflictRecord;

	constructor({ worktree, resource, text, readDisk }: EditClashOptions) {
		this.#readDisk = readDisk;
		this.#texts = new BufferTexts(text);
		this.#rival = new RivalConflict(worktree, resource);
		this.#record = new ConflictRecord(worktree, resource, this.#texts);
	}

	/** The disk had this content just now. */
	read(content: DiskContent): void {
		this.#texts.read(content);
	}

	/** Another session changed the file in its editor, or saved it. */
	hear(change: FileChange): void {
		this.#rival.hear(change);
	}

	/** Makes the recorded conflicts agree with the buffer. Answers in how many ms to do so again. */
	async settle(buffer: BufferState): Promise<number> {
		this.#disk.see(buffer);
		this.#texts.keepOnly(buffer);
		const conflict = await this.#record.read(buffer);
		if (conflict === undefined) {
			await this.#learnHowItEnded(buffer);
			if (this.#disk.isEdited(buffer)) return this.#find(buffer);
			this.#disk.forget();
			this.#rival.forget();
			return never;
		}
		const over = this.#record.whyOver(conflict, buffer);
		if (over === undefined) return this.#record.follow(conflict, buffer);
		await this.#record.supersede(conflict, over);
		return 0;
	}

	/** The text of the buffer as its editor would write it. */
	written(buffer: BufferState): Buffer {
		return this.#texts.written(buffer);
	}

	/** The three-way merge of the buffer with what is on disk. */
	tryMerge(buffer: BufferState): Promise<MergeAttempt> {
		return tryMerge(this.#texts.of(buffer));
	}

	/** The person merged what is on disk into the buffer. */
	merged(): Promise<void> {
		return this.#record.merged();
	}

	/** The buffer is gone; see OpenFile.close. */
	close(buffer: BufferState, isOrderly: boolean): Promise<void> {
		return this.#record.close(buffer, isOrderly);
	}

	async #learnHowItEnded(buffer: BufferState): Promise<void> {
		const how = await this.#record.ended();
		if (how === "none") return;
		this.#rival.over();
		if (how === "superseded") return;
		// Whoever settled it wrote the file before.
		await this.#readDisk();
		this.#disk.accept(buffer);
		this.#rival.accept();
	}

	async #find(buffer: BufferState): Promise<number> {
		const sureMs = this.#disk.sureIn(buffer);
		if (sureMs !== undefined) return sureMs > 0 ? sureMs : this.#record.report(buffer, undefined);
		const found = await this.#rival.find();
		if (found.kind === "clash") return this.#record.report(buffer, found.rival);
		return found.kind === "none" ? never : found.inMs;
	}
}

const never = Number.POSITIVE_INFINITY;
