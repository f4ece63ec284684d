/** Whether git takes a text for binary, which it does not merge: a NUL in its first 8,000 bytes. */
export function isBinary(text: Uint8Array): boolean {
	return text.subarray(0, 8000).includes(0);
}
