import {
	type CodeAction,
	CodeActionKind,
	type CodeActionParams,
	CodeActionTriggerKind,
} from "vscode-languageserver/node";
import { mergesCleanly } from "../coordination/conflict.ts";
import { showText } from "../coordination/describe.ts";
import { describeResource } from "../coordination/resource.ts";
import { type FileView, source } from "./diagnostics.ts";
import type { FileLocks } from "./file-locks.ts";

export const commandNames = ["udo.acquire", "udo.release", "udo.wait", "udo.takeOver", "udo.mergeTheirs"] as const;

export type CommandName = (typeof commandNames)[number];

/** What can be done about the locks of a file. Each is a command with the URI, so that any client can run it. */
export function actionsOf(view: FileView, locks: FileLocks, params: CodeActionParams): CodeAction[] {
	const { diagnostics: all, only, triggerKind } = params.context;
	// Clients send the diagnostics of every server that shares the buffer.
	const diagnostics = all.filter((diagnostic) => diagnostic.source === source);
	const isWanted = only === undefined || only.some((kind) => kind === "" || kind === CodeActionKind.QuickFix);
	// A client that asks at every move of the cursor would show its bulb on every line.
	const isAsked = diagnostics.length > 0 || triggerKind !== CodeActionTriggerKind.Automatic;
	if (!isWanted || !isAsked) return [];
	return offers(view, locks).map(([title, command]) => ({
		title: `udo: ${title}`,
		kind: CodeActionKind.QuickFix,
		...(diagnostics.length > 0 && { diagnostics }),
		command: { title, command, arguments: [params.textDocument.uri] },
	}));
}

function offers(view: FileView, locks: FileLocks): [string, CommandName][] {
	const isMergeable =
		view.isUnsaved &&
		view.foreignChange !== undefined &&
		view.conflicts.some((each) => each.type === "file_edit" && mergesCleanly(each));
	const merge: [string, CommandName][] = isMergeable
		? [[`merge in what others did to ${showText(view.path, 60)}`, "udo.mergeTheirs"]]
		: [];
	return [...merge, ...lockOffers(view, locks)];
}

function lockOffers({ path, held }: FileView, locks: FileLocks): [string, CommandName][] {
	const name = showText(path, 60);
	const [first] = held;
	if (first !== undefined) {
		const what = showText(describeResource(first.lock.resource), 60);
		const actor = showText(first.holder.actor, 40);
		const wait: [string, CommandName] = locks.isWaiting
			? [`stop waiting for ${name}`, "udo.release"]
			: [`wait in line for ${name}`, "udo.wait"];
		return [wait, [`take ${what} over from ${actor}`, "udo.takeOver"]];
	}
	const lock: [string, CommandName][] = locks.has("claim") ? [] : [[`lock ${name}`, "udo.acquire"]];
	const release: [string, CommandName][] =
		locks.has("claim") || locks.has("edit") ? [[`release ${name}`, "udo.release"]] : [];
	return [...lock, ...release];
}
