import { showText } from "../server/coordination/describe.ts";
import { quoted } from "../server/shell-word.ts";

/** A pathspec, as a word of a command, that means this one path wherever it is typed; `:/!a` or `:/a*` would mean something else. */
export function fromTop(path: string): string {
	return quoted(
		`${/^[\w.][^*?[\\]*$/.test(path) ? ":/" : ":(top,literal)"}${showText(path, Number.POSITIVE_INFINITY)}`,
	);
}
