import type {
	DidChangeTextDocumentParams,
	DidOpenTextDocumentParams,
	TextDocumentContentChangeEvent,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { background } from "../coordination/background.ts";
import { filePath } from "./file-path.ts";
import { OpenFile, type OpenFileOptions } from "./open-file.ts";

// A document outside any repository, or whose store is out of reach, may get one.
const lookAgainMs = 2000;

/** The documents that are open in the editor. Those that are no files (untitled, a diff, a malformed URI) are left out. */
export class Documents {
	readonly #options: Omit<OpenFileOptions, "path" | "document">;
	readonly #open = new Map<string, Entry>();
	readonly #timer: NodeJS.Timeout;
	#isEnded = false;

	constructor(options: Omit<OpenFileOptions, "path" | "document">) {
		this.#options = options;
		this.#timer = setInterval(() => {
			for (const { file } of this.#open.values()) if (file.view === undefined) file.look();
		}, lookAgainMs);
		this.#timer.unref();
	}

	/** The open file of a URI as the client spelt it. */
	at(uri: string): OpenFile | undefined {
		return this.#open.get(uri)?.file;
	}

	opened({ textDocument: { uri, languageId, version, text } }: DidOpenTextDocumentParams): void {
		const path = filePath(uri);
		if (path === undefined || this.#isEnded) return;
		background(this.closed(uri, true));
		const document = TextDocument.create(uri, languageId, version, text);
		this.#open.set(uri, { document, file: new OpenFile({ ...this.#options, path, document }) });
	}

	changed({ textDocument: { uri, version }, contentChanges }: DidChangeTextDocumentParams): void {
		const entry = this.#open.get(uri);
		if (entry === undefined || contentChanges.length === 0) return;
		// The same object, changed in place: the file keeps seeing it.
		TextDocument.update(entry.document, contentChanges, version);
		entry.file.edited(lineOf(contentChanges.at(-1)));
	}

	saved(uri: string): void {
		this.at(uri)?.saved();
	}

	async closed(uri: string, isOrderly: boolean): Promise<void> {
		const entry = this.#open.get(uri);
		this.#open.delete(uri);
		await entry?.file.close(isOrderly);
	}

	/** Closes all; see OpenFile.close. */
	async end(isOrderly: boolean): Promise<void> {
		this.#isEnded = true;
		clearInterval(this.#timer);
		await Promise.all([...this.#open.keys()].map((uri) => this.closed(uri, isOrderly)));
	}
}

interface Entry {
	readonly document: TextDocument;
	readonly file: OpenFile;
}

function lineOf(change: TextDocumentContentChangeEvent | undefined): number | undefined {
	return change !== undefined && "range" in change ? change.range.start.line : undefined;
}
