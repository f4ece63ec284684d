import { type Conflict, type ConflictId, newConflictId, type Side } from "../coordination/conflict.ts";
import { showSession, showText } from "../coordination/describe.ts";
import { type Resource, resourceKey } from "../coordination/resource.ts";
import type { SessionId } from "../coordination/session.ts";
import type { BufferState } from "./buffer-state.ts";
import { asWritten } from "./disk-spelling.ts";
import type { FileChange } from "./file-changes.ts";
import type { Held } from "./held.ts";
import { type ClashTexts, type MergeAttempt, tryMerge } from "./merge-attempt.ts";
import type { OpenWorktree } from "./open-worktree.ts";
import { type DiskContent, noFile, type Print, printOfText } from "./print.ts";

// An editor tells of its own save a few ms after it, and whoever writes a file may do so in several steps.
const sureMs = 40;
// An editor that reloads what somebody else wrote sends it like typing, and may be one version behind the disk.
const reloadMs = 300;
// The texts of an open conflict are told anew so often at most while somebody types.
const tellMs = 1000;
const mostLately = 16;
// What others do in their buffers is told by presence, twice a second.
const rivalMs = 500;

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
	readonly #options: EditClashOptions;
	readonly #contents = new Map<Print, Buffer>();
	readonly #heard = new Map<SessionId, "unsaved" | "saved">();
	#disk: Print | undefined;
	#diskSince = Number.NEGATIVE_INFINITY;
	#sureAfterMs = sureMs;
	#wasEdited = false;
	/** What the disk had lately, newest last. */
	#lately: readonly Print[] = [];
	#own: Own | undefined;
	#accepted: Print | undefined;
	#isRivalAccepted = false;
	#quietUntil = Number.NEGATIVE_INFINITY;

	constructor(options: EditClashOptions) {
		this.#options = options;
	}

	/** The disk had this content just now. */
	read({ print, bytes }: DiskContent): void {
		if (bytes !== undefined) this.#contents.set(print, bytes);
	}

	/** Another session changed the file in its editor, or saved it. */
	hear({ session, change, worktree }: FileChange): void {
		if (session === undefined || worktree !== this.#options.worktree.here.worktree) return;
		this.#heard.set(session, change === "edit" ? "unsaved" : "saved");
	}

	/** Makes the recorded conflicts agree with the buffer. Answers in how many ms to do so again. */
	async settle(buffer: BufferState): Promise<number> {
		this.#see(buffer);
		const conflict = await this.#readOwn(buffer);
		if (conflict === undefined) {
			await this.#learnHowItEnded(buffer);
			if (this.#isEdited(buffer)) return this.#find(buffer);
			this.#accepted = undefined;
			this.#isRivalAccepted = false;
			return never;
		}
		const over = this.#whyOver(conflict, buffer);
		if (over === undefined) return this.#follow(conflict, buffer);
		this.#own = undefined;
		await this.#supersede(conflict.id, over);
		return 0;
	}

	/** The text of the buffer as its editor would write it. */
	written(buffer: BufferState): Buffer {
		return asWritten(this.#options.text(), this.#contents.get(buffer.baseDisk));
	}

	/** The three-way merge of the buffer with what is on disk. */
	tryMerge(buffer: BufferState): Promise<MergeAttempt> {
		return tryMerge(this.#textsOf(buffer));
	}

	/** The person merged what is on disk into the buffer. */
	async merged(): Promise<void> {
		const own = this.#own;
		this.#own = undefined;
		if (own === undefined) return;
		const { store, project, coordinator } = this.#options.worktree.workspace;
		await store.resolveConflict(project, own.id, "merged in the editor", coordinator.author, "three-way merge");
	}

	/** The buffer is gone: by the person's choice, or with an editor that died, whose text the conflict keeps. */
	async close(buffer: BufferState, isOrderly: boolean): Promise<void> {
		if (this.#own === undefined) return;
		if (isOrderly) return this.#supersede(this.#own.id, "closed in the editor");
		const { store, project, coordinator } = this.#options.worktree.workspace;
		const blobs = { [this.#own.side]: this.written(buffer) };
		await store.amendConflict(project, this.#own.id, { blobs }, coordinator.author);
	}

	#see(buffer: BufferState): void {
		if (buffer.disk !== this.#disk) {
			// Only what was there before can have been overlooked by whoever wrote the file.
			this.#sureAfterMs = this.#wasEdited ? sureMs : reloadMs;
			this.#diskSince = performance.now();
			this.#disk = buffer.disk;
			this.#lately = [...this.#lately.slice(1 - mostLately), buffer.disk];
		}
		this.#wasEdited = this.#isEdited(buffer);
		for (const print of this.#contents.keys()) {
			if (print !== buffer.disk && print !== buffer.baseDisk) this.#contents.delete(print);
		}
	}

	// An editor that reloads a file which is written often shows what the disk had a moment ago.
	#isEdited(buffer: BufferState): boolean {
		return buffer.isUnsaved && !this.#lately.includes(buffer.text);
	}

	// Asks the store where it matters: what was seen last may be from before our own report.
	async #readOwn(buffer: BufferState): Promise<Conflict | undefined> {
		const { worktree, resource } = this.#options;
		const mightBe = this.#own !== undefined || (buffer.isUnsaved && buffer.foreignChange !== undefined);
		const conflicts = mightBe ? await worktree.readConflicts(resource) : worktree.conflictsOn(resource);
		return conflicts.find((conflict) => this.#sideIn(conflict) !== undefined);
	}

	#sideIn({ cause, sessions }: Conflict): Side | undefined {
		const { id } = this.#options.worktree.workspace.coordinator.session;
		if (cause === this.#diskCause) return "ours";
		if (!cause.startsWith(this.#pairCause)) return undefined;
		return sessions[0] === id ? "ours" : sessions[1] === id ? "theirs" : undefined;
	}

	async #learnHowItEnded(buffer: BufferState): Promise<void> {
		const own = this.#own;
		if (own === undefined) return;
		const { store, project } = this.#options.worktree.workspace;
		const known = await store.conflicts(project, "all");
		const how = known.find(({ id }) => id === own.id)?.how;
		this.#own = undefined;
		this.#quietUntil = performance.now() + 2 * rivalMs;
		this.#heard.clear();
		if (how === "superseded") return;
		// Whoever settled it wrote the file before.
		await this.#options.readDisk();
		this.#accepted = buffer.disk;
		this.#isRivalAccepted = true;
	}

	#whyOver({ id, cause }: Conflict, buffer: BufferState): string | undefined {
		if (!buffer.isUnsaved) return buffer.foreignChange === undefined ? "saved, or as it is on disk" : "reverted";
		// One from before this language server started may be about a disk content that it never saw.
		const isSeen = this.#own?.id === id && this.#own.isReported;
		const isBack = cause === this.#diskCause && isSeen && buffer.foreignChange === undefined;
		return isBack ? "what was on disk before is there again" : undefined;
	}

	async #find(buffer: BufferState): Promise<number> {
		if (buffer.foreignChange !== undefined && buffer.disk !== this.#accepted) {
			const waitMs = this.#diskSince + this.#sureAfterMs - performance.now();
			if (waitMs > 0) return waitMs;
			return this.#report(buffer, undefined);
		}
		const rival = this.#options.worktree.heldOn(this.#options.resource).find((held) => this.#isHere(held));
		if (rival === undefined || this.#isRivalAccepted) return never;
		const isClash = performance.now() >= this.#quietUntil && (await this.#isUnsavedThere(rival.holder.id));
		return isClash ? this.#report(buffer, rival) : rivalMs;
	}

	async #isUnsavedThere(session: SessionId): Promise<boolean> {
		const heard = this.#heard.get(session);
		if (heard !== undefined) return heard === "unsaved";
		const { store, project } = this.#options.worktree.workspace;
		const { id } = this.#options.resource;
		const places = await store.presence(project);
		return places.some((place) => place.session === session && place.path === id && place.unsaved);
	}

	async #report(buffer: BufferState, rival: Held | undefined): Promise<number> {
		const { worktree, resource } = this.#options;
		const { store, project, coordinator } = worktree.workspace;
		const { session, author } = coordinator;
		const { outcome } = await this.tryMerge(buffer);
		const { base, ours, theirs } = this.#textsOf(buffer);
		const other = rival ?? worktree.heldOn(resource).find((held) => this.#isNear(held));
		const id = newConflictId();
		const by = other && showSession({ session: other.holder.id, actor: other.holder.actor });
		const me = showSession({ session: session.id, actor: session.actor });
		const what = buffer.disk === noFile ? "deleted" : "changed";
		const reported = await store.reportConflict(
			{
				id,
				project,
				type: "file_edit",
				resource: resourceKey(resource),
				sessions: [session.id, ...(other === undefined ? [] : [other.holder.id])],
				cause: rival === undefined ? this.#diskCause : this.#pairCause + [session.id, rival.holder.id].sort().join(" "),
				summary:
					rival === undefined
						? `${showText(resource.id, 120)}: ${me} has unsaved changes, and ${by ?? "somebody else"} ${what} the file`
						: `${showText(resource.id, 120)}: ${me} and ${by} both have unsaved changes`,
				next: `udo resolve ${id}`,
				place: { host: worktree.here.host, worktree: worktree.here.worktree },
				blobs: { ...(base && { base }), ...(ours && { ours }), ...(rival === undefined && theirs && { theirs }) },
				...(rival === undefined && { attempts: [{ strategy: "three-way merge", outcome } as const] }),
			},
			author,
		);
		// A name that was not taken: another process of this editor was quicker.
		this.#own = {
			id: reported.id,
			side: "ours",
			told: this.#told(buffer),
			toldAt: performance.now(),
			isReported: true,
		};
		return tellMs;
	}

	async #follow(conflict: Conflict, buffer: BufferState): Promise<number> {
		const side = this.#sideIn(conflict) ?? "ours";
		const { id } = conflict;
		const own =
			this.#own?.id === id ? this.#own : { id, side, told: "", toldAt: Number.NEGATIVE_INFINITY, isReported: false };
		this.#own = own;
		const told = this.#told(buffer);
		if (told === own.told) return never;
		const waitMs = own.toldAt + tellMs - performance.now();
		if (waitMs > 0) return waitMs;
		const { store, project, coordinator } = this.#options.worktree.workspace;
		const texts = await this.#textsIn(conflict, side, buffer);
		const { outcome } = await tryMerge(texts);
		const last = conflict.attempts.findLast(({ strategy }) => strategy === "three-way merge")?.outcome;
		const mine = texts[side];
		const theirs = conflict.cause === this.#diskCause ? texts.theirs : undefined;
		const amendment = {
			blobs: { ...(theirs && { theirs }), ...(mine && { [side]: mine }) },
			...(outcome !== last &&
				texts.theirs !== undefined && { attempt: { strategy: "three-way merge", outcome } as const }),
		};
		await store.amendConflict(project, id, amendment, coordinator.author);
		this.#own = { ...own, told, toldAt: performance.now() };
		return never;
	}

	async #textsIn({ id, cause }: Conflict, side: Side, buffer: BufferState): Promise<ClashTexts> {
		const known = this.#textsOf(buffer);
		const { store, project } = this.#options.worktree.workspace;
		const read = async (each: Side) => {
			const bytes = await store.conflictBlob(project, id, each);
			return bytes && Buffer.from(bytes);
		};
		const isAdopted = this.#own?.isReported !== true;
		const base = isAdopted ? await read("base") : known.base;
		if (cause === this.#diskCause) return { ...known, base };
		const mine = known.ours;
		return side === "ours"
			? { base, ours: mine, theirs: await read("theirs") }
			: { base, ours: await read("ours"), theirs: mine };
	}

	#textsOf(buffer: BufferState): ClashTexts {
		return {
			base: this.#contents.get(buffer.baseDisk),
			ours: this.written(buffer),
			theirs: this.#contents.get(buffer.disk),
		};
	}

	#told(buffer: BufferState): string {
		return `${printOfText(this.#options.text())} ${buffer.disk}`;
	}

	async #supersede(id: ConflictId, why: string): Promise<void> {
		const { store, project, coordinator } = this.#options.worktree.workspace;
		await store.resolveConflict(project, id, why, coordinator.author, "superseded");
	}

	#isHere(held: Held): boolean {
		return held.lock.origin === "edit" && this.#isNear(held);
	}

	#isNear({ holder }: Held): boolean {
		const { here } = this.#options.worktree;
		return holder.host === here.host && holder.worktree === here.worktree;
	}

	get #diskCause(): string {
		return `file_edit disk ${this.#where} ${this.#options.worktree.workspace.coordinator.session.id}`;
	}

	get #pairCause(): string {
		return `file_edit buffers ${this.#where} `;
	}

	get #where(): string {
		const { here } = this.#options.worktree;
		return `${here.host} ${here.worktree}\n${this.#options.resource.id}\n`;
	}
}

/** The conflict that this buffer is a side of. */
interface Own {
	readonly id: ConflictId;
	readonly side: Side;
	/** Which texts the store was told last, and when on the monotonic clock. */
	readonly told: string;
	readonly toldAt: number;
	/** Whether it was found by this language server. */
	readonly isReported: boolean;
}

const never = Number.POSITIVE_INFINITY;
