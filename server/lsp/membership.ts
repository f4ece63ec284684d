import type { Resource } from "../coordination/resource.ts";
import type { PresenceEntry } from "../store/store.ts";
import { BranchClash } from "./branch-clash.ts";
import { BufferState } from "./buffer-state.ts";
import { EditClash } from "./edit-clash.ts";
import type { Editor } from "./editor.ts";
import type { FileChange } from "./file-changes.ts";
import { realPath } from "./file-path.ts";
import type { DiskContent, Fingerprint } from "./fingerprint.ts";
import { LockKeeper } from "./lock-keeper.ts";
import type { Member, OpenWorktree } from "./open-worktree.ts";
import type { Worktrees } from "./worktrees.ts";

/** What a document needs as a file of a working tree. */
export interface MembershipOptions {
	readonly path: string;
	readonly worktrees: Worktrees;
	readonly editor: Editor;
	/** How long the edit lock stays after the last edit once everything is on disk. */
	readonly idleMs: number;
	/** What the buffer and the disk had when the document was opened. */
	readonly opened: { readonly text: Fingerprint; readonly disk: Promise<DiskContent> };
	readonly document: MemberDocument;
}

/** The document as its membership sees it. */
export interface MemberDocument {
	/** The text now. */
	text(): string;
	/** Where the last edit was, as far as it is known. */
	line(): number | undefined;
	isClosed(): boolean;
	/** Something that it depends on may have changed. */
	look(): void;
	/** The file on disk may have changed. */
	diskMoved(): void;
	/** Reads the disk into the buffer's state. */
	readDisk(): Promise<void>;
	/** Another session changed the file. */
	hear(change: FileChange): void;
}

/** Where a document belongs, found once, with what looks after it there. */
export interface Membership {
	readonly worktree: OpenWorktree;
	readonly resource: Resource;
	/** With symbolic links resolved. */
	readonly path: string;
	readonly buffer: BufferState;
	readonly clash: EditClash;
	readonly branches: BranchClash;
	readonly keeper: LockKeeper;
	/** Takes it out of the working tree, and its file out of the watch. */
	leave(): void;
}

/** Joins the working tree that a document is in; undefined while it is in none, or when it was closed meanwhile. */
export async function joinWorktree(options: MembershipOptions): Promise<Membership | undefined> {
	const { path, worktrees, editor, idleMs, opened, document } = options;
	const worktree = await worktrees.around(path);
	const resource = await worktree?.resourceAt(path);
	if (worktree === undefined || resource === undefined || document.isClosed()) return undefined;
	const real = realPath(path);
	const watching = await worktree.disk.watch(real, () => document.diskMoved());
	const disk = await opened.disk;
	const buffer = new BufferState(opened.text, disk.fingerprint);
	const clash = new EditClash({
		worktree,
		resource,
		text: () => document.text(),
		readDisk: () => document.readDisk(),
	});
	clash.read(disk);
	const branches = new BranchClash(worktree, resource, () => clash.written(buffer));
	branches.look();
	const keeper = new LockKeeper({ worktree, resource, editor, idleMs, onLost: () => document.look() });
	const joined = worktree.join(memberOf(document, { resource, buffer, clash, branches }));
	return {
		worktree,
		resource,
		path: real,
		buffer,
		clash,
		branches,
		keeper,
		leave: () => {
			watching[Symbol.dispose]();
			joined[Symbol.dispose]();
		},
	};
}

function memberOf(
	document: MemberDocument,
	{ resource, buffer, clash, branches }: Pick<Membership, "resource" | "buffer" | "clash" | "branches">,
): Member {
	return {
		resource,
		get presence(): PresenceEntry {
			return { path: resource.id, unsaved: buffer.isUnsaved, line: document.line() };
		},
		look: () => {
			branches.look();
			document.look();
		},
		hear: (change) => {
			clash.hear(change);
			document.hear(change);
		},
	};
}
