import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** Tells two contents apart without keeping them. Equal for a buffer and a file that shows as that buffer. */
export type Print = string & { readonly __brand: "Print" };

/** The print of a file that is not there. */
export const noFile = "no file" as Print;

/** The print of a buffer. Line ends, a byte order mark and a missing last newline do not count: editors normalise them. */
export function printOfText(text: string): Print {
	const plain = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
	const from = plain.startsWith("\ufeff") ? 1 : 0;
	return `text ${hash(plain.slice(from, plain.endsWith("\n") ? -1 : undefined))}` as Print;
}

/** The print of a file on disk, `noFile` when there is none. Never rejects: all unreadable files are alike. */
export async function printOfFile(path: string): Promise<Print> {
	let bytes: Buffer;
	try {
		bytes = await readFile(path);
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : "";
		return code === "ENOENT" || code === "ENOTDIR" ? noFile : ("unreadable" as Print);
	}
	return isUtf8(bytes) ? printOfText(bytes.toString("utf8")) : (`bytes ${hash(bytes)}` as Print);
}

/** Whether a buffer can have the same print: false for a missing file, and for one in an encoding other than UTF-8. */
export function isComparable(print: Print): boolean {
	return print.startsWith("text ");
}

function hash(content: string | Uint8Array): string {
	return createHash("sha1").update(content).digest("base64");
}
