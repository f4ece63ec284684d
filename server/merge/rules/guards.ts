import type { Three } from "./rule.ts";
import { isWord, tokensOf } from "./tokens.ts";

/**
 * Whether a side changed what stands around the words and not them: then a change of the other side may be in other brackets, in a
 * comment, or laid out anew by a formatter.
 */
export function isFrameChanged(texts: Three): boolean {
	const { base, ours, theirs } = texts;
	return [ours, theirs].some(
		(side) =>
			openBrackets(side) !== openBrackets(base) ||
			commentSigns(side) !== commentSigns(base) ||
			wordsOf(side) === wordsOf(base),
	);
}

// Which brackets a text leaves open, and which it closes without having opened them: `)]{` for `a) + b] + {`.
function openBrackets(text: string): string {
	const open: string[] = [];
	for (const [sign] of text.matchAll(/[()[\]{}]/g)) {
		if (partners[open.at(-1) ?? ""] === sign) open.pop();
		else open.push(sign);
	}
	return open.join("");
}

const partners: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

function commentSigns(text: string): number {
	return text.match(/\/\/|\/\*|\*\/|<!--|-->|"""|'''|(?<=^|\s)(?:#|--|;)(?=\s)/gm)?.length ?? 0;
}

function wordsOf(text: string): string {
	return tokensOf(text).filter(isWord).join(" ");
}
