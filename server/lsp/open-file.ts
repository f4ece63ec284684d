import type { TextEdit } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { showText } from "../coordination/describe.ts";
import type { Resource } from "../coordination/resource.ts";
import type { PresenceEntry } from "../store/store.ts";
import { BranchClash } from "./branch-clash.ts";
import { BufferState } from "./buffer-state.ts";
import { Coalesced } from "./coalesced.ts";
import { diagnosticsOf, type FileView } from "./diagnostics.ts";
import { asShown } from "./disk-spelling.ts";
import { EditClash } from "./edit-clash.ts";
import type { Editor } from "./editor.ts";
import type { FileChange } from "./file-changes.ts";
import type { FileLocks } from "./file-locks.ts";
import { realPath } from "./file-path.ts";
import { LockKeeper } from "./lock-keeper.ts";
import type { Member, OpenWorktree } from "./open-worktree.ts";
import { type DiskContent, noFile, type Print, printOfText, readDisk } from "./print.ts";
import type { Worktrees } from "./worktrees.ts";

// Typing in a large file must not mean a hash of it at every key once it is locked anyway.
const soonMs = 10;
const lockedSoonMs = 250;
// After the store failed.
const tryAgainMs = 1000;
// The editor's own save reaches the disk before we hear of it.
const ownSaveMs = 200;

export interface OpenFileOptions {
	readonly path: string;
	readonly document: TextDocument;
	readonly worktrees: Worktrees;
	readonly editor: Editor;
	/** How long the edit lock stays after the last edit once everything is on disk. */
	readonly idleMs: number;
	readonly tellsChanges: boolean;
}

/**
 * One document that is open in the editor. What happens to it (typing, saving, the disk, other sessions) only asks for `#settle`,
 * which looks at everything and makes locks, diagnostics and presence agree with it. So no order of events matters.
 */
export class OpenFile {
	readonly #options: OpenFileOptions;
	readonly #settling = new Coalesced(() => this.#settle());
	readonly #openedText: Print;
	// Read at once: opening the repository takes a while, in which somebody may write the file.
	readonly #openedDisk: Promise<DiskContent>;
	#place: Place | undefined;
	#savedText: Print | undefined;
	#isTextNews = false;
	#isDiskNews = false;
	#isNew = false;
	#isEdited = false;
	#line: number | undefined;
	#foreignSince: number | undefined;
	#published = "[]";
	#isClosed = false;

	constructor(options: OpenFileOptions) {
		this.#options = options;
		this.#openedText = printOfText(options.document.getText());
		this.#openedDisk = readDisk(options.path);
		this.look();
	}

	/** Everything there is to say about it; undefined while it belongs to no working tree. */
	get view(): FileView | undefined {
		if (this.#place === undefined) return undefined;
		const { worktree, resource, buffer, keeper } = this.#place;
		const isForeignSure = this.#foreignSince !== undefined && performance.now() - this.#foreignSince >= ownSaveMs;
		return {
			path: resource.id,
			here: worktree.here,
			held: worktree.heldOn(resource),
			isUnsaved: buffer.isUnsaved,
			lost: keeper.lost,
			foreignChange: isForeignSure ? buffer.foreignChange : undefined,
			conflicts: worktree.conflictsOn(resource),
		};
	}

	/** Its locks; undefined while it belongs to no working tree. */
	get locks(): FileLocks | undefined {
		return this.#place?.keeper.locks;
	}

	/** The document has another text; `line` is where, when the editor said so. */
	edited(line: number | undefined): void {
		this.#line = line ?? this.#line;
		this.#isTextNews = true;
		this.#isEdited = true;
		this.#place?.keeper.edited();
		this.#settling.ask(this.locks?.has("edit") === true ? lockedSoonMs : soonMs);
	}

	/** The editor wrote the document as it is now. */
	saved(): void {
		this.#savedText = printOfText(this.#options.document.getText());
		this.look();
	}

	/** The person took the lock, or gave it up (then the next edit takes it again). */
	decided(what: "took" | "gave up"): void {
		this.#place?.keeper.decided(what);
		this.#place?.worktree.look();
		this.look();
	}

	/** Something that it depends on may have changed. */
	look(): void {
		this.#settling.ask(0);
	}

	/** Puts what somebody else wrote to the disk into the buffer, when nothing of it touches the buffer's own changes. */
	async mergeTheirs(): Promise<"merged" | "refused" | "in conflict"> {
		const { document, editor } = this.#options;
		if (this.#place === undefined) return "in conflict";
		const { clash, buffer } = this.#place;
		const before = document.getText();
		const { merged } = await clash.tryMerge(buffer);
		if (merged === undefined || document.getText() !== before) return "in conflict";
		const text = asShown(merged, before.includes("\r\n"));
		const isDone = await editor.edit(document.uri, editOf(before, text, document));
		if (!isDone) return "refused";
		buffer.merged();
		await clash.merged();
		this.look();
		return "merged";
	}

	/** Gives the locks back and clears the diagnostics. Not `isOrderly`: the editor died, or its server is being stopped. */
	async close(isOrderly: boolean): Promise<void> {
		this.#isClosed = true;
		// At once: the same document may be opened again before the rest is done.
		if (this.#published !== "[]") this.#options.editor.publish(this.#options.document.uri, []);
		await this.#settling.stop();
		this.#place?.watching[Symbol.dispose]();
		this.#place?.membership[Symbol.dispose]();
		const place = this.#place;
		if (place === undefined) return;
		try {
			await place.branches.close(isOrderly);
			await place.clash.close(place.buffer, isOrderly);
		} finally {
			await place.keeper.locks.end();
		}
	}

	async #settle(): Promise<void> {
		try {
			await this.#agree();
		} catch (error) {
			this.#settling.ask(tryAgainMs);
			throw error;
		}
	}

	async #agree(): Promise<void> {
		this.#place ??= await this.#findPlace();
		const place = this.#place;
		if (place === undefined || this.#isClosed) return;
		await this.#readDisk(place);
		this.#readText(place);
		if (this.#isClosed) return;
		const againMs = await place.keeper.settle(place.buffer);
		if (againMs < Number.POSITIVE_INFINITY) this.#settling.ask(againMs);
		if (!this.#isClosed) this.#publish(place);
		if (this.#isClosed) return;
		const lookMs = await place.clash.settle(place.buffer);
		if (lookMs < Number.POSITIVE_INFINITY) this.#settling.ask(lookMs);
	}

	async #findPlace(): Promise<Place | undefined> {
		const { path, worktrees } = this.#options;
		const worktree = await worktrees.around(path);
		const resource = await worktree?.resourceAt(path);
		if (worktree === undefined || resource === undefined || this.#isClosed) return undefined;
		const real = realPath(path);
		const watching = await worktree.disk.watch(real, () => {
			this.#isDiskNews = true;
			this.look();
		});
		const openedDisk = await this.#openedDisk;
		const buffer = new BufferState(this.#openedText, openedDisk.print);
		const clash = new EditClash({
			worktree,
			resource,
			text: () => this.#options.document.getText(),
			readDisk: async () => {
				this.#isDiskNews = true;
				if (this.#place !== undefined) await this.#readDisk(this.#place);
			},
		});
		clash.read(openedDisk);
		const branches = new BranchClash(worktree, resource, () => clash.written(buffer));
		branches.look();
		this.#isTextNews = true;
		this.#isDiskNews = true;
		const { editor, idleMs } = this.#options;
		const keeper = new LockKeeper({ worktree, resource, editor, idleMs, onLost: () => this.look() });
		if (this.#isEdited) keeper.edited();
		const membership = worktree.join(this.#memberOf(resource, buffer, { clash, branches }));
		return { worktree, resource, path: real, buffer, clash, branches, keeper, watching, membership };
	}

	#memberOf(resource: Resource, buffer: BufferState, { clash, branches }: Pick<Place, "clash" | "branches">): Member {
		const presence = (): PresenceEntry => ({ path: resource.id, unsaved: buffer.isUnsaved, line: this.#line });
		return {
			resource,
			get presence() {
				return presence();
			},
			look: () => {
				branches.look();
				this.look();
			},
			hear: (change) => {
				clash.hear(change);
				this.#hear(change);
			},
		};
	}

	async #readDisk({ path, buffer, clash, resource, worktree, keeper }: Place): Promise<void> {
		const savedText = this.#savedText;
		if (!this.#isDiskNews && savedText === undefined) return;
		this.#isDiskNews = false;
		this.#savedText = undefined;
		const before = buffer.disk;
		const content = await readDisk(path);
		const disk = content.print;
		clash.read(content);
		// The disk may be ahead of the editor's word that it saved.
		this.#isNew ||= before === noFile || disk === noFile;
		if (savedText !== undefined) {
			buffer.saved(savedText, disk);
			worktree.changes.tell(resource.id, this.#isNew ? "create" : "save");
			this.#isNew = false;
		} else if (disk !== before) {
			buffer.found(disk);
			keeper.diskMoved();
		}
		worktree.presence.moved();
	}

	#readText({ buffer, branches, resource, worktree }: Place): void {
		if (!this.#isTextNews) return;
		this.#isTextNews = false;
		const wasUnsaved = buffer.isUnsaved;
		buffer.typed(printOfText(this.#options.document.getText()));
		branches.look();
		if (buffer.isUnsaved && !wasUnsaved && this.#isEdited) worktree.changes.tell(resource.id, "edit");
		worktree.presence.moved();
	}

	#publish({ buffer }: Place): void {
		this.#foreignSince = buffer.foreignChange === undefined ? undefined : (this.#foreignSince ?? performance.now());
		const unsureMs = (this.#foreignSince ?? Number.NEGATIVE_INFINITY) + ownSaveMs - performance.now();
		if (unsureMs > 0) this.#settling.ask(unsureMs);
		const diagnostics = this.view === undefined ? [] : diagnosticsOf(this.view);
		const text = JSON.stringify(diagnostics);
		if (text === this.#published) return;
		this.#published = text;
		this.#options.editor.publish(this.#options.document.uri, diagnostics);
	}

	#hear({ path, change, worktree, session, actor }: FileChange): void {
		if (!this.#options.tellsChanges || this.#isClosed) return;
		const { uri } = this.#options.document;
		this.#options.editor.fileChanged({
			uri,
			path,
			change,
			worktree,
			session: session ?? "",
			actor: showText(actor ?? "", 60),
		});
	}
}

// Only what differs: the cursor stays where it is.
function editOf(before: string, after: string, document: TextDocument): TextEdit {
	const most = Math.min(before.length, after.length);
	let start = 0;
	while (start < most && before[start] === after[start]) start++;
	let end = 0;
	while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end++;
	// Whole lines: no character and no line end is cut in two.
	const from = before.lastIndexOf("\n", start - 1) + 1;
	const next = end === 0 ? -1 : before.indexOf("\n", before.length - end);
	const to = next === -1 ? before.length : next + 1;
	return {
		range: { start: document.positionAt(from), end: document.positionAt(to) },
		newText: after.slice(from, after.length - (before.length - to)),
	};
}

/** Where a document belongs, found once. */
interface Place {
	readonly worktree: OpenWorktree;
	readonly resource: Resource;
	/** With symbolic links resolved. */
	readonly path: string;
	readonly buffer: BufferState;
	readonly clash: EditClash;
	readonly branches: BranchClash;
	readonly keeper: LockKeeper;
	readonly watching: Disposable;
	readonly membership: Disposable;
}
