/** Lines that udo adds to a file of somebody else, between two comment lines, so that they can be taken out again exactly. */
const begin = "# >>> udo >>> kept by `udo init`, taken out by `udo init --remove`";
const end = "# <<< udo <<<";

/** The block with these lines in it, newline at the end. */
export function markedBlock(lines: readonly string[]): string {
	return `${[begin, ...lines, end].join("\n")}\n`;
}

/** The text without udo's block, byte for byte what it was before; the same text when there is none. */
export function withoutBlock(text: string): string {
	const from = text.startsWith(begin) ? 0 : text.indexOf(`\n${begin}\n`) + 1;
	if (from === 0 && !text.startsWith(begin)) return text;
	const to = text.indexOf(`\n${end}\n`, from);
	return to === -1 ? text : text.slice(0, from) + text.slice(to + end.length + 2);
}

/** Whether udo's block is in the text. */
export function hasBlock(text: string): boolean {
	return withoutBlock(text) !== text;
}
