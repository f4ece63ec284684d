/** The comment lines around what udo adds to a file of somebody else, so that it can be taken out again exactly. */
export interface Marks {
	readonly begin: string;
	readonly end: string;
}

/** Around the check in a hook, and what git's config is told of the hooks. */
export const hookMarks: Marks = {
	begin: "# >>> udo >>> kept by `udo init`, taken out by `udo init --remove`",
	end: "# <<< udo <<<",
};

/** Around what git's config is told of the merge driver. */
export const driverMarks: Marks = {
	begin: "# >>> udo merge driver >>> kept by `udo init --merge-driver`, taken out by `udo init --no-merge-driver`",
	end: "# <<< udo merge driver <<<",
};

/** The block with these lines in it, newline at the end. */
export function markedBlock({ begin, end }: Marks, lines: readonly string[]): string {
	return `${[begin, ...lines, end].join("\n")}\n`;
}

/** The text with its last line ended, so that a block can follow. That udo ended it is noted there, and gone with the last block. */
export function ended(text: string): string {
	return text === "" || text.endsWith("\n") ? text : `${text}\n${openEnd}`;
}

const openEnd = "# udo init added the line break above.\n";

/** The text without the block, byte for byte what it was before; the same text when there is none. */
export function withoutBlock({ begin, end }: Marks, text: string): string {
	const from = startOf(begin, text);
	const to = from === undefined ? -1 : text.indexOf(`\n${end}\n`, from);
	if (to === -1) return text;
	const rest = text.slice(0, from) + text.slice(to + end.length + 2);
	return rest.endsWith(`\n${openEnd}`) ? rest.slice(0, -openEnd.length - 1) : rest;
}

/** Whether the block is in the text. */
export function hasBlock(marks: Marks, text: string): boolean {
	return withoutBlock(marks, text) !== text;
}

/** Where a line begins in a text; undefined when it is not there. */
export function startOf(line: string, text: string): number | undefined {
	if (text.startsWith(`${line}\n`)) return 0;
	const before = text.indexOf(`\n${line}\n`);
	return before === -1 ? undefined : before + 1;
}
