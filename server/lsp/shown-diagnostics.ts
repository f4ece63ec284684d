import { diagnosticsOf, type FileView } from "./diagnostics.ts";
import type { Editor } from "./editor.ts";
import type { Membership } from "./membership.ts";

// The editor's own save reaches the disk before we hear of it.
const ownSaveMs = 200;

/** The diagnostics of one document as the editor shows them: told when they change. */
export class ShownDiagnostics {
	readonly #editor: Editor;
	readonly #uri: string;
	#foreignSince: number | undefined;
	#published = "[]";

	constructor(editor: Editor, uri: string) {
		this.#editor = editor;
		this.#uri = uri;
	}

	/** Everything there is to say about a file. */
	viewOf({ worktree, resource, buffer, keeper }: Membership): FileView {
		const isForeignSure = this.#foreignSince !== undefined && performance.now() - this.#foreignSince >= ownSaveMs;
		return {
			path: resource.id,
			here: worktree.here,
			session: worktree.workspace.coordinator.session.id,
			held: worktree.heldOn(resource),
			isUnsaved: buffer.isUnsaved,
			lost: keeper.lost,
			foreignChange: isForeignSure ? buffer.foreignChange : undefined,
			conflicts: worktree.conflictsOn(resource),
		};
	}

	/** Shows what there is to say now. Answers in how many ms to do so again. */
	update(membership: Membership): number {
		const { foreignChange } = membership.buffer;
		this.#foreignSince = foreignChange === undefined ? undefined : (this.#foreignSince ?? performance.now());
		const unsureMs = (this.#foreignSince ?? Number.NEGATIVE_INFINITY) + ownSaveMs - performance.now();
		const diagnostics = diagnosticsOf(this.viewOf(membership));
		const text = JSON.stringify(diagnostics);
		if (text !== this.#published) {
			this.#published = text;
			this.#editor.publish(this.#uri, diagnostics);
		}
		return unsureMs > 0 ? unsureMs : Number.POSITIVE_INFINITY;
	}

	/** Shows nothing any more. */
	clear(): void {
		if (this.#published !== "[]") this.#editor.publish(this.#uri, []);
	}
}
