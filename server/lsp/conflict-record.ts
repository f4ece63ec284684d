import { type Conflict, type ConflictId, isBeingSettled, newConflictId, type Side } from "../coordination/conflict.ts";
import { showSession, showText } from "../coordination/describe.ts";
import { type Resource, resourceKey } from "../coordination/resource.ts";
import type { Store } from "../store/store.ts";
import type { BufferState } from "./buffer-state.ts";
import type { BufferTexts } from "./buffer-texts.ts";
import { isSameTree } from "./diagnostics.ts";
import { noFile } from "./fingerprint.ts";
import type { Held } from "./held.ts";
import { type ClashTexts, tryMerge } from "./merge-attempt.ts";
import type { OpenWorktree } from "./open-worktree.ts";

// The texts of an open conflict are told anew so often at most while somebody types.
const tellMs = 1000;

/** The one conflict in the store that a buffer is a side of: reported, kept up to date, and ended. */
export class ConflictRecord {
	readonly #worktree: OpenWorktree;
	readonly #resource: Resource;
	readonly #texts: BufferTexts;
	#own: Own | undefined;

	constructor(worktree: OpenWorktree, resource: Resource, texts: BufferTexts) {
		this.#worktree = worktree;
		this.#resource = resource;
		this.#texts = texts;
	}

	/** The conflict if it is open. Asks the store where it matters: what was seen last may be from before our own report. */
	async read(buffer: BufferState): Promise<Conflict | undefined> {
		const mightBe = this.#own !== undefined || (buffer.isUnsaved && buffer.foreignChange !== undefined);
		const conflicts = mightBe
			? await this.#worktree.readConflicts(this.#resource)
			: this.#worktree.conflictsOn(this.#resource);
		return conflicts.find((conflict) => this.#sideIn(conflict) !== undefined);
	}

	/** Why an open conflict is none any more; undefined while it is one. */
	whyOver(conflict: Conflict, buffer: BufferState): string | undefined {
		if (isBeingSettled(conflict)) return undefined;
		const { id, cause } = conflict;
		if (!buffer.isUnsaved) return buffer.foreignChange === undefined ? "saved, or as it is on disk" : "reverted";
		// One from before this language server started may be about a disk content that it never saw.
		const isSeen = this.#own?.id === id && this.#own.isReported;
		const isBack = cause === this.#diskCause && isSeen && buffer.foreignChange === undefined;
		return isBack ? "what was on disk before is there again" : undefined;
	}

	/** Records a conflict with `rival`, or without one with what is on disk. Answers in how many ms to follow it. */
	async report(buffer: BufferState, rival: Held | undefined): Promise<number> {
		const { here, workspace } = this.#worktree;
		const { store, project, coordinator } = workspace;
		const { session, author } = coordinator;
		const { outcome } = await tryMerge(this.#texts.of(buffer));
		const { base, ours, theirs } = this.#texts.of(buffer);
		const other = rival ?? this.#worktree.heldOn(this.#resource).find(({ holder }) => isSameTree(here, holder));
		const id = newConflictId();
		const by = other && showSession({ session: other.holder.id, actor: other.holder.actor });
		const me = showSession({ session: session.id, actor: session.actor });
		const place = { host: here.host, worktree: here.worktree };
		const what = buffer.disk === noFile ? "deleted" : "changed";
		const reported = await store.reportConflict(
			{
				id,
				project,
				type: "file_edit",
				resource: resourceKey(this.#resource),
				sessions: [session.id, ...(other === undefined ? [] : [other.holder.id])],
				cause: rival === undefined ? this.#diskCause : this.#pairCause + [session.id, rival.holder.id].sort().join(" "),
				summary:
					rival === undefined
						? `${showText(this.#resource.id, 120)}: ${me} has unsaved changes, and ${by ?? "somebody else"} ${what} the file`
						: `${showText(this.#resource.id, 120)}: ${me} and ${by} both have unsaved changes`,
				next: `udo resolve ${id}`,
				place,
				owners: {
					ours: { kind: "editor", session: session.id, actor: session.actor, place },
					theirs:
						rival === undefined
							? { kind: "disk", place }
							: { kind: "editor", session: rival.holder.id, actor: rival.holder.actor, place },
				},
				blobs: { ...(base && { base }), ...(ours && { ours }), ...(rival === undefined && theirs && { theirs }) },
				...(rival === undefined && { attempts: [{ strategy: "three-way merge", outcome } as const] }),
			},
			author,
		);
		// A name that was not taken: another process of this editor was quicker.
		this.#own = {
			id: reported.id,
			side: "ours",
			told: this.#texts.fingerprint(buffer),
			toldAt: performance.now(),
			isReported: true,
		};
		return tellMs;
	}

	/** Tells the newest texts of the open conflict, and what a merge of them comes to. Answers in how many ms to do so again. */
	async follow(conflict: Conflict, buffer: BufferState): Promise<number> {
		const side = this.#sideIn(conflict) ?? "ours";
		const { id } = conflict;
		const own =
			this.#own?.id === id ? this.#own : { id, side, told: "", toldAt: Number.NEGATIVE_INFINITY, isReported: false };
		this.#own = own;
		const told = this.#texts.fingerprint(buffer);
		const again = isBeingSettled(conflict) ? tellMs : never;
		if (told === own.told) return again;
		const waitMs = own.toldAt + tellMs - performance.now();
		if (waitMs > 0) return waitMs;
		const { store, project, coordinator } = this.#worktree.workspace;
		if (isAway(store)) return tellMs;
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
		return again;
	}

	/** The conflict is over without anybody's decision. */
	async supersede({ id }: Pick<Conflict, "id">, why: string): Promise<void> {
		this.#own = undefined;
		const { store, project, coordinator } = this.#worktree.workspace;
		await store.resolveConflict(project, id, why, coordinator.author, "superseded");
	}

	/** How the conflict ended that this buffer was a side of and that is open no more; asked once, "none" when there was none. */
	async ended(): Promise<"none" | "superseded" | "settled"> {
		const own = this.#own;
		if (own === undefined) return "none";
		const { store, project } = this.#worktree.workspace;
		const known = await store.conflicts(project, "all");
		const how = known.find(({ id }) => id === own.id)?.how;
		// The team's conflicts cannot be seen: it may well be open.
		if (how === undefined && isAway(store)) return "none";
		this.#own = undefined;
		return how === "superseded" ? "superseded" : "settled";
	}

	/** The person merged what is on disk into the buffer. */
	async merged(): Promise<void> {
		const own = this.#own;
		this.#own = undefined;
		if (own === undefined) return;
		const { store, project, coordinator } = this.#worktree.workspace;
		await store.resolveConflict(project, own.id, "merged in the editor", coordinator.author, "three-way merge");
	}

	/** The buffer is gone: by the person's choice, or with an editor that died, whose text the conflict keeps. */
	async close(buffer: BufferState, isOrderly: boolean): Promise<void> {
		const own = this.#own;
		if (own === undefined) return;
		if (isOrderly) return this.supersede(own, "closed in the editor");
		const { store, project, coordinator } = this.#worktree.workspace;
		const blobs = { [own.side]: this.#texts.written(buffer) };
		await store.amendConflict(project, own.id, { blobs }, coordinator.author);
	}

	#sideIn({ cause, sessions }: Conflict): Side | undefined {
		const { id } = this.#worktree.workspace.coordinator.session;
		if (cause === this.#diskCause) return "ours";
		if (!cause.startsWith(this.#pairCause)) return undefined;
		return sessions[0] === id ? "ours" : sessions[1] === id ? "theirs" : undefined;
	}

	async #textsIn({ id, cause }: Conflict, side: Side, buffer: BufferState): Promise<ClashTexts> {
		const known = this.#texts.of(buffer);
		const { store, project } = this.#worktree.workspace;
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

	get #diskCause(): string {
		return `file_edit disk ${this.#where} ${this.#worktree.workspace.coordinator.session.id}`;
	}

	get #pairCause(): string {
		return `file_edit buffers ${this.#where} `;
	}

	get #where(): string {
		const { here } = this.#worktree;
		return `${here.host} ${here.worktree}\n${this.#resource.id}\n`;
	}
}

function isAway(store: Store): boolean {
	const link = store.link();
	return link !== undefined && link.state !== "connected";
}

/** What is known here of the conflict. */
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
