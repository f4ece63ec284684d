import {
	type Connection,
	type Diagnostic,
	LogMessageNotification,
	MessageType,
	ShowMessageNotification,
	type TextEdit,
} from "vscode-languageserver/node";

/** What the server tells the editor. An editor that is gone is told nothing, without an error. */
export class Editor {
	readonly #connection: Connection;

	constructor(connection: Connection) {
		this.#connection = connection;
	}

	/** Replaces our diagnostics of a document; an empty list clears them. */
	publish(uri: string, diagnostics: Diagnostic[]): void {
		send(() => this.#connection.sendDiagnostics({ uri, diagnostics }));
	}

	/**
	 * One short line for the person. Not through `connection.window`: vscode-languageserver 10.1.2 makes requests of its
	 * messages (vscode-languageserver-node#507), at which Neovim stops with "Press ENTER".
	 */
	show(level: "warning" | "info", message: string): void {
		const type = level === "warning" ? MessageType.Warning : MessageType.Info;
		send(() => this.#connection.sendNotification(ShowMessageNotification.type, { type, message: `udo: ${message}` }));
	}

	/** A line in the editor's log of this server. */
	log(level: "error" | "info", message: string): void {
		const type = level === "error" ? MessageType.Error : MessageType.Info;
		send(() => this.#connection.sendNotification(LogMessageNotification.type, { type, message: `udo: ${message}` }));
	}

	/** Changes the text of a document; false when the editor cannot or will not. */
	async edit(uri: string, edit: TextEdit): Promise<boolean> {
		const label = "udo: merge in what others did";
		const answer = await this.#connection.workspace.applyEdit({ label, edit: { changes: { [uri]: [edit] } } });
		return answer?.applied === true;
	}

	/** Another session changed a file that is open here. Only for clients that asked: others would warn about it. */
	fileChanged(change: FileChanged): void {
		send(() => this.#connection.sendNotification("udo/fileChanged", change));
	}

	/** Shows that something takes time, where the editor can; its cancel button aborts `cancelled`. */
	async progress(title: string): Promise<Progress> {
		const reporter = await this.#connection.window.createWorkDoneProgress();
		const cancelled = new AbortController();
		reporter.token.onCancellationRequested(() => cancelled.abort());
		reporter.begin(title, undefined, undefined, true);
		return { cancelled: cancelled.signal, report: (text) => reporter.report(text), done: () => reporter.done() };
	}
}

export interface Progress {
	readonly cancelled: AbortSignal;
	report(text: string): void;
	done(): void;
}

export interface FileChanged {
	readonly uri: string;
	readonly path: string;
	readonly change: "edit" | "save" | "create" | "delete";
	readonly worktree: string;
	readonly session: string;
	readonly actor: string;
}

// A closed connection throws at once, a broken one rejects.
function send(message: () => Promise<void>): void {
	try {
		message().catch(() => {});
	} catch {}
}
