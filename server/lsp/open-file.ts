import type { TextDocument } from "vscode-languageserver-textdocument";
import { showText } from "../coordination/describe.ts";
import { Coalesced } from "./coalesced.ts";
import type { FileView } from "./diagnostics.ts";
import { asShown } from "./disk-spelling.ts";
import type { Editor } from "./editor.ts";
import type { FileChange } from "./file-changes.ts";
import type { FileLocks } from "./file-locks.ts";
import { type DiskContent, type Fingerprint, fingerprintOf, noFile, readDisk } from "./fingerprint.ts";
import { leastEdit } from "./least-edit.ts";
import { joinWorktree, type Membership } from "./membership.ts";
import { ShownDiagnostics } from "./shown-diagnostics.ts";
import type { Worktrees } from "./worktrees.ts";

// Typing in a large file must not mean a hash of it at every key once it is locked anyway.
const soonMs = 10;
const lockedSoonMs = 250;
// After the store failed.
const tryAgainMs = 1000;

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
	readonly #shown: ShownDiagnostics;
	readonly #openedText: Fingerprint;
	// Read at once: opening the repository takes a while, in which somebody may write the file.
	readonly #openedDisk: Promise<DiskContent>;
	#membership: Membership | undefined;
	#savedText: Fingerprint | undefined;
	#isTextNews = false;
	#isDiskNews = false;
	#isNew = false;
	#isEdited = false;
	#line: number | undefined;
	#isClosed = false;

	constructor(options: OpenFileOptions) {
		this.#options = options;
		this.#shown = new ShownDiagnostics(options.editor, options.document.uri);
		this.#openedText = fingerprintOf(options.document.getText());
		this.#openedDisk = readDisk(options.path);
		this.look();
	}

	/** Everything there is to say about it; undefined while it belongs to no working tree. */
	get view(): FileView | undefined {
		return this.#membership && this.#shown.viewOf(this.#membership);
	}

	/** Its locks; undefined while it belongs to no working tree. */
	get locks(): FileLocks | undefined {
		return this.#membership?.keeper.locks;
	}

	/** The document has another text; `line` is where, when the editor said so. */
	edited(line: number | undefined): void {
		this.#line = line ?? this.#line;
		this.#isTextNews = true;
		this.#isEdited = true;
		this.#membership?.keeper.edited();
		this.#settling.ask(this.locks?.has("edit") === true ? lockedSoonMs : soonMs);
	}

	/** The editor wrote the document as it is now. */
	saved(): void {
		this.#savedText = fingerprintOf(this.#options.document.getText());
		this.look();
	}

	/** The person took the lock, or gave it up (then the next edit takes it again). */
	decided(what: "took" | "gave up"): void {
		this.#membership?.keeper.decided(what);
		this.#membership?.worktree.look();
		this.look();
	}

	/** Something that it depends on may have changed. */
	look(): void {
		this.#settling.ask(0);
	}

	/** Puts what somebody else wrote to the disk into the buffer, when nothing of it touches the buffer's own changes. */
	async mergeTheirs(): Promise<"merged" | "refused" | "in conflict"> {
		const { document, editor } = this.#options;
		if (this.#membership === undefined) return "in conflict";
		const { clash, buffer } = this.#membership;
		const before = document.getText();
		const { merged } = await clash.tryMerge(buffer);
		if (merged === undefined || document.getText() !== before) return "in conflict";
		const text = asShown(merged, before.includes("\r\n"));
		const isDone = await editor.edit(document.uri, leastEdit(document, text));
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
		this.#shown.clear();
		await this.#settling.stop();
		const membership = this.#membership;
		if (membership === undefined) return;
		membership.leave();
		try {
			await membership.branches.close(isOrderly);
			await membership.clash.close(membership.buffer, isOrderly);
		} finally {
			await membership.keeper.locks.end();
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
		this.#membership ??= await this.#join();
		const membership = this.#membership;
		if (membership === undefined || this.#isClosed) return;
		await this.#readDisk(membership);
		this.#readText(membership);
		if (this.#isClosed) return;
		this.#settleIn(await membership.keeper.settle(membership.buffer));
		if (this.#isClosed) return;
		this.#settleIn(this.#shown.update(membership));
		this.#settleIn(await membership.clash.settle(membership.buffer));
	}

	#settleIn(ms: number): void {
		if (ms < Number.POSITIVE_INFINITY) this.#settling.ask(ms);
	}

	async #join(): Promise<Membership | undefined> {
		const { path, worktrees, editor, idleMs, document } = this.#options;
		const diskMoved = (): void => {
			this.#isDiskNews = true;
			this.look();
		};
		const membership = await joinWorktree({
			path,
			worktrees,
			editor,
			idleMs,
			opened: { text: this.#openedText, disk: this.#openedDisk },
			document: {
				text: () => document.getText(),
				line: () => this.#line,
				isClosed: () => this.#isClosed,
				look: () => this.look(),
				diskMoved,
				readDisk: async () => {
					this.#isDiskNews = true;
					if (this.#membership !== undefined) await this.#readDisk(this.#membership);
				},
				hear: (change) => this.#hear(change),
			},
		});
		if (membership === undefined) return undefined;
		this.#isTextNews = true;
		this.#isDiskNews = true;
		if (this.#isEdited) membership.keeper.edited();
		return membership;
	}

	async #readDisk({ path, buffer, clash, resource, worktree, keeper }: Membership): Promise<void> {
		const savedText = this.#savedText;
		if (!this.#isDiskNews && savedText === undefined) return;
		this.#isDiskNews = false;
		this.#savedText = undefined;
		const before = buffer.disk;
		const content = await readDisk(path);
		const disk = content.fingerprint;
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

	#readText({ buffer, branches, resource, worktree }: Membership): void {
		if (!this.#isTextNews) return;
		this.#isTextNews = false;
		const wasUnsaved = buffer.isUnsaved;
		buffer.typed(fingerprintOf(this.#options.document.getText()));
		branches.look();
		if (buffer.isUnsaved && !wasUnsaved && this.#isEdited) worktree.changes.tell(resource.id, "edit");
		worktree.presence.moved();
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
