/**
 * A text cut into words, versions, white space and single signs. A version is one token, so that no rule can take one half of it
 * from each side; so is the white space at the start of a line, since it may mean something. Bytes that are no ASCII are letters.
 */
export function tokensOf(text: string): string[] {
	return text.match(token) ?? [];
}

/** Whether a token says something by itself: it has a letter or digit. */
export function isWord(token: string): boolean {
	return /[0-9A-Za-z_$\x80-\xff]/.test(token);
}

// A version has at least one dot; `v`, a pre-release and build metadata belong to it.
const token =
	/(?<![\w.])v?\d+(?:\.\d+)+(?:-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?(?:\+[0-9A-Za-z.-]+)?|[\w$\x80-\xff]+|\n[ \t]*|[ \t\r]+|[\s\S]/g;
