import { linesOf, type Three } from "./rule.ts";
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

/** Whether the base has conflict markers that neither side has: git leaves them where several merge bases conflict with each other. */
export function hasMarkersOfItsOwn({ base, ours, theirs }: Three): boolean {
	const known = new Set([ours, theirs].flatMap(linesOf));
	return linesOf(base).some((line) => /^(<{7,}|>{7,}) /.test(line) && !known.has(line));
}

/** The brackets that a merge of the three has to leave open; undefined when both sides changed that. */
export function mergedBrackets({ base, ours, theirs }: Three): string | undefined {
	const [below, our, their] = [base, ours, theirs].map(openBrackets);
	return our === below || our === their ? their : their === below ? our : undefined;
}

/** Which brackets a text leaves open, and which it closes without having opened them: `)]{` for `a) + b] + {`. */
export function openBrackets(text: string): string {
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
