/**
 * A buffer's text as its editor would write it over this file: with the file's byte order mark, its line ends, and no newline at
 * the end where it has none. Editors take these off when they read, and put them back when they write.
 */
export function asWritten(text: string, file: Buffer | undefined): Buffer {
	if (file === undefined || file.length === 0) return Buffer.from(text);
	let written = text;
	if (!written.includes("\r\n") && isCrlf(file)) written = written.replaceAll("\n", "\r\n");
	if (file.at(-1) !== 10 && written.endsWith("\n")) written = written.replace(/\r?\n$/, "");
	const hasMark = file.subarray(0, 3).equals(byteOrderMark);
	return Buffer.concat([hasMark && !written.startsWith("\ufeff") ? byteOrderMark : Buffer.of(), Buffer.from(written)]);
}

/** What an editor shows of a file that has this content. */
export function asShown(bytes: Buffer, hasCrlf: boolean): string {
	const text = bytes.toString("utf8").replace(/^\ufeff/, "");
	return hasCrlf ? text : text.replaceAll("\r\n", "\n");
}

const byteOrderMark = Buffer.from("\ufeff");

// Every line of it.
function isCrlf(file: Buffer): boolean {
	let lines = 0;
	for (let at = file.indexOf(10); at !== -1; at = file.indexOf(10, at + 1)) {
		if (file[at - 1] !== 13) return false;
		lines += 1;
	}
	return lines > 0;
}
