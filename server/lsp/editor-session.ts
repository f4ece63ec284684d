import type { InitializeParams } from "vscode-languageserver/node";
import type { Anchor } from "../coordination/identity.ts";
import type { Workspace } from "../workspace.ts";
import { findEditor, whenGone } from "./anchor.ts";
import { Documents } from "./documents.ts";
import type { Editor } from "./editor.ts";
import type { FileChange } from "./file-changes.ts";
import { filePath } from "./file-path.ts";
import type { Outage } from "./outage.ts";
import { Worktrees } from "./worktrees.ts";

export interface EditorSessionOptions {
	readonly editor: Editor;
	readonly outage: Outage;
	readonly open: (directory: string, anchor: Anchor) => Promise<Workspace>;
	/** The editor process is gone. */
	readonly onGone: () => void;
}

/** From `initialize` to `shutdown`: one editor, its documents and their working trees. */
export class EditorSession {
	readonly documents: Documents;
	readonly #worktrees: Worktrees;
	readonly #watching: Disposable;

	/** Opens nothing yet: `initialize` must be answered at once. */
	constructor(params: InitializeParams, { editor, outage, open, onGone }: EditorSessionOptions) {
		const anchor = findEditor(params.processId);
		const { idleMs, fileChanged } = readOptions(params.initializationOptions);
		this.#worktrees = new Worktrees((directory) => open(directory, anchor), outage);
		this.documents = new Documents({ worktrees: this.#worktrees, editor, idleMs, tellsChanges: fileChanged });
		this.#watching = whenGone(anchor, onGone);
	}

	/** The editor created or deleted files, which need not be open. */
	async operated(uris: readonly string[], change: FileChange["change"]): Promise<void> {
		for (const uri of uris) {
			const path = filePath(uri);
			const worktree = path === undefined ? undefined : await this.#worktrees.around(path);
			const resource = path === undefined ? undefined : await worktree?.resourceAt(path);
			if (resource !== undefined) worktree?.changes.tell(resource.id, change);
		}
	}

	/** Gives all locks back and leaves the store. Not `isOrderly`: nobody chose to close what is unsaved. */
	async end(isOrderly: boolean): Promise<void> {
		this.#watching[Symbol.dispose]();
		await this.documents.end(isOrderly);
		await this.#worktrees[Symbol.asyncDispose]();
	}
}

interface Options {
	/** How long an edit lock outlives the last edit when everything is saved. */
	readonly idleMs: number;
	/** Whether the client understands `udo/fileChanged`. */
	readonly fileChanged: boolean;
}

function readOptions(given: unknown): Options {
	const options: Partial<Record<string, unknown>> = typeof given === "object" && given !== null ? { ...given } : {};
	const { idleMs, fileChanged } = options;
	return {
		idleMs: typeof idleMs === "number" && idleMs >= 0 && idleMs <= 86_400_000 ? idleMs : 60_000,
		fileChanged: fileChanged === true,
	};
}
