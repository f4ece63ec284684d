import type { Vocabulary } from "./vocabulary.ts";

/** Some lines of a text: from `start` up to, not including, `end`, counted from 0. */
export interface Range {
	readonly start: number;
	readonly end: number;
}

/**
 * A text as lines. A line is bytes up to and with its LF, whatever the encoding, so CRLF, a missing final newline and bytes that
 * are no UTF-8 survive, and two lines are equal exactly when git says so. Equal lines have the same number in `ids`.
 */
export class Lines {
	readonly ids: Int32Array;
	readonly #bytes: Buffer;
	readonly #starts: Int32Array;

	/** Texts that are to be compared share `vocabulary`. */
	constructor(bytes: Buffer, vocabulary: Vocabulary) {
		const starts: number[] = [0];
		const ids: number[] = [];
		for (let start = 0; start < bytes.length; ) {
			const { id, end } = vocabulary.number(bytes, start);
			ids.push(id);
			starts.push(end);
			start = end;
		}
		this.#bytes = bytes;
		this.#starts = Int32Array.from(starts);
		this.ids = Int32Array.from(ids);
	}

	get count(): number {
		return this.ids.length;
	}

	/** The bytes of these lines; shares memory with the text. */
	text({ start, end }: Range): Buffer {
		return this.#bytes.subarray(this.#starts[start], this.#starts[end]);
	}
}

/** How many lines a text has; an unfinished last line counts. */
export function countLines(text: Buffer): number {
	let count = 0;
	for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count++;
	return text.length > 0 && text[text.length - 1] !== 10 ? count + 1 : count;
}
