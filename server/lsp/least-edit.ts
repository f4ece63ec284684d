import type { TextEdit } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";

/** The edit that makes `text` of a document: only the lines that differ, so that the cursor stays where it is. */
export function leastEdit(document: TextDocument, text: string): TextEdit {
	const before = document.getText();
	const most = Math.min(before.length, text.length);
	let start = 0;
	while (start < most && before[start] === text[start]) start++;
	let end = 0;
	while (end < most - start && before.at(-1 - end) === text.at(-1 - end)) end++;
	// Whole lines: no character and no line end is cut in two.
	const from = before.lastIndexOf("\n", start - 1) + 1;
	const next = end === 0 ? -1 : before.indexOf("\n", before.length - end);
	const to = next === -1 ? before.length : next + 1;
	return {
		range: { start: document.positionAt(from), end: document.positionAt(to) },
		newText: text.slice(from, text.length - (before.length - to)),
	};
}
