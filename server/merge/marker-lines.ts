/** A line that looks like a conflict marker. */
export interface MarkerLine {
	readonly sign: "<" | "|" | "=" | ">";
	/** Where it starts and ends in the text, its line break included. */
	readonly start: number;
	readonly end: number;
	readonly label: string;
}

/** The lines of a text that look like conflict markers of `size` characters, in order. */
export function markerLines(text: Buffer, size: number): readonly MarkerLine[] {
	const pattern = new RegExp(
		`^(?:(<{N})(?: (.*))?|(\\|{N})(?: (.*))?|(={N})|(>{N})(?: (.*))?)\\r?(?:\\n|(?![^]))`.replaceAll("N", String(size)),
		"gm",
	);
	return [...text.toString("latin1").matchAll(pattern)].map((match) => {
		const [whole, opening, ours, bar, base, equal, , theirs] = match;
		const sign = opening !== undefined ? "<" : bar !== undefined ? "|" : equal !== undefined ? "=" : ">";
		const label = Buffer.from((ours ?? base ?? theirs ?? "").replace(/\r$/, ""), "latin1").toString();
		return { sign, start: match.index, end: match.index + whole.length, label };
	});
}
