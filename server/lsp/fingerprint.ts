import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** Tells two contents apart without keeping them. Equal for a buffer and a file that shows as that buffer. */
export type Fingerprint = string & { readonly __brand: "Fingerprint" };

/** The fingerprint of a file that is not there. */
export const noFile = "no file" as Fingerprint;

/** The fingerprint of a buffer. Line ends, a byte order mark and a missing last newline do not count: editors normalise them. */
export function fingerprintOf(text: string): Fingerprint {
	const plain = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
	const from = plain.startsWith("\ufeff") ? 1 : 0;
	return `text ${hash(plain.slice(from, plain.endsWith("\n") ? -1 : undefined))}` as Fingerprint;
}

/** What is on disk; `bytes` where it is text that a buffer could show. */
export interface DiskContent {
	readonly fingerprint: Fingerprint;
	readonly bytes: Buffer | undefined;
}

/** Reads a file; its fingerprint is `noFile` when there is none. Never rejects: all unreadable files are alike. */
export async function readDisk(path: string): Promise<DiskContent> {
	let bytes: Buffer;
	try {
		bytes = await readFile(path);
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : "";
		const isMissing = code === "ENOENT" || code === "ENOTDIR";
		return { fingerprint: isMissing ? noFile : ("unreadable" as Fingerprint), bytes: undefined };
	}
	if (!isUtf8(bytes)) return { fingerprint: `bytes ${hash(bytes)}` as Fingerprint, bytes: undefined };
	return { fingerprint: fingerprintOf(bytes.toString("utf8")), bytes };
}

/** Whether a buffer can have the same fingerprint: false for a missing file, and for one in an encoding other than UTF-8. */
export function isComparable(fingerprint: Fingerprint): boolean {
	return fingerprint.startsWith("text ");
}

function hash(content: string | Uint8Array): string {
	return createHash("sha1").update(content).digest("base64");
}
