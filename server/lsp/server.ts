import { createConnection, type WatchDog } from "vscode-languageserver";
import {
	CodeActionKind,
	type Connection,
	createProtocolConnection,
	type InitializeResult,
	StreamMessageReader,
	StreamMessageWriter,
	TextDocumentSyncKind,
} from "vscode-languageserver/node";
import { background, onBackgroundFailure } from "../coordination/background.ts";
import { UdoError } from "../errors.ts";
import { actionsOf, commandNames } from "./actions.ts";
import { runCommand } from "./commands.ts";
import { Editor } from "./editor.ts";
import { EditorSession, type EditorSessionOptions } from "./editor-session.ts";
import { Inbox } from "./inbox.ts";
import { Outage } from "./outage.ts";

export interface ServeOptions extends Pick<EditorSessionOptions, "open"> {
	readonly input: NodeJS.ReadableStream;
	readonly output: NodeJS.WritableStream;
	readonly version: string;
	/** Ends the server as if the editor had gone. */
	readonly ended: AbortSignal;
}

/**
 * Serves one editor until it says `exit`, closes the streams or dies; then all its locks are given back. Answers whether it
 * said `shutdown` before.
 */
export async function serve(options: ServeOptions): Promise<{ readonly isOrderly: boolean }> {
	const end = new AbortController();
	for (const event of ["end", "close", "error"]) options.input.once(event, () => end.abort());
	options.output.on("error", () => end.abort());
	options.ended.addEventListener("abort", () => end.abort());
	const watchDog: WatchDog = { shutdownReceived: false, initialize: () => {}, exit: () => end.abort() };
	const inbox = new Inbox();
	const connection = connect(options, watchDog, inbox);
	const editor = new Editor(connection);
	const outage = new Outage(editor);
	onBackgroundFailure((error) => outage.report(error));
	const close = wire(connection, { editor, outage, open: options.open, onGone: () => end.abort() }, options.version);
	connection.listen();
	if (!end.signal.aborted) await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
	options.input.pause();
	await inbox.empty();
	await close();
	connection.dispose();
	return { isOrderly: watchDog.shutdownReceived };
}

// Not the library's own for stdio: that one calls process.exit as soon as stdin ends, with our locks still held.
function connect({ input, output }: ServeOptions, watchDog: WatchDog, inbox: Inbox): Connection {
	const reader = new StreamMessageReader(input);
	const writer = new StreamMessageWriter(output);
	const options = { messageStrategy: inbox };
	return createConnection((logger) => createProtocolConnection(reader, writer, logger, options), watchDog);
}

/** Connects messages with what they mean. Answers how to end the session that `initialize` starts. */
function wire(connection: Connection, options: EditorSessionOptions, version: string): () => Promise<void> {
	const { editor, outage } = options;
	let session: EditorSession | undefined;
	let closing: Promise<void> | undefined;
	const on =
		<Params>(body: (session: EditorSession, params: Params) => Promise<void> | void) =>
		(params: Params): void => {
			const current = session;
			if (current !== undefined) background((async () => body(current, params))());
		};
	const close = (isOrderly: boolean): Promise<void> => {
		closing ??= session?.end(isOrderly);
		session = undefined;
		return closing ?? Promise.resolve();
	};

	connection.onInitialize((params) => {
		session ??= new EditorSession(params, options);
		return answer(version);
	});
	connection.onShutdown(() => close(true));
	connection.onDidOpenTextDocument(on(({ documents }, params) => documents.opened(params)));
	connection.onDidChangeTextDocument(on(({ documents }, params) => documents.changed(params)));
	connection.onDidSaveTextDocument(on(({ documents }, { textDocument }) => documents.saved(textDocument.uri)));
	connection.onDidCloseTextDocument(on(({ documents }, { textDocument }) => documents.closed(textDocument.uri, true)));
	connection.workspace.onDidCreateFiles(on((current, { files }) => current.operated(files.map(uriOf), "create")));
	connection.workspace.onDidDeleteFiles(on((current, { files }) => current.operated(files.map(uriOf), "delete")));
	connection.workspace.onDidRenameFiles(
		on(async (current, { files }) => {
			await current.operated(
				files.map(({ oldUri }) => oldUri),
				"delete",
			);
			await current.operated(
				files.map(({ newUri }) => newUri),
				"create",
			);
		}),
	);
	connection.onCodeAction((params) => {
		const file = session?.documents.at(params.textDocument.uri);
		return file?.view === undefined || file.locks === undefined ? [] : actionsOf(file.view, file.locks, params);
	});
	connection.onExecuteCommand(async ({ command, arguments: [uri] = [] }) => {
		const name = commandNames.find((known) => known === command);
		if (name === undefined) return null;
		try {
			await runCommand(name, session?.documents.at(String(uri)), editor);
		} catch (error) {
			if (error instanceof UdoError) editor.show("warning", error.message);
			else outage.report(error);
		}
		return null;
	});
	return () => close(false);
}

/**
 * Push diagnostics only: VS Code asks a server that lets it every 2 s, also for closed tabs. No hovers and highlights: empty
 * answers of a second server show "No information available" (neovim#29282).
 */
function answer(version: string): InitializeResult {
	const filters = [{ scheme: "file", pattern: { glob: "**" } }];
	return {
		serverInfo: { name: "udo", version },
		capabilities: {
			positionEncoding: "utf-16",
			textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
			codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
			executeCommandProvider: { commands: [...commandNames] },
			workspace: {
				workspaceFolders: { supported: true },
				fileOperations: { didCreate: { filters }, didDelete: { filters }, didRename: { filters } },
			},
		},
	};
}

function uriOf({ uri }: { readonly uri: string }): string {
	return uri;
}
