/**
 * A path as git has it, repo-relative, in latin1: one character for each byte, since names need not be UTF-8. The input and
 * output of git are read and written in latin1 then.
 */
export type BytePath = string & { readonly __brand: "BytePath" };

/** The path for node:fs. */
export function onDisk(directory: string, path: BytePath): Buffer {
	return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
}

/** The path as people read it; bytes that are no UTF-8 become U+FFFD. */
export function readable(path: BytePath): string {
	return Buffer.from(path, "latin1").toString();
}

/** The records of `git … -z`. */
export function records(output: Buffer): readonly string[] {
	return output.toString("latin1").split("\0").slice(0, -1);
}

/** What git reads: paths or lines in latin1, each with its end. */
export function bytes(lines: readonly string[], end = "\0"): Buffer {
	return Buffer.from(lines.map((line) => line + end).join(""), "latin1");
}

/** A path as a line for those parts of git that know no -z: quoted, so that it may contain line breaks and quotes. */
export function quotedLine(path: string): string {
	return `"${path.replace(/[^\w./ -]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`;
}
