/** In an alignment: this line of the base is not in the side. */
export const gone = -1;
/** In an alignment: git may or may not pair this line of the base, or pair it with one of several. */
export const unsure = -2;

/** Two texts as the numbers of their lines; or the numbers of those lines that git compares. */
interface Pair {
	readonly base: Int32Array;
	readonly side: Int32Array;
}

/**
 * Settles an alignment where the only doubt is how far a change slides: where, between two certain pairs, one text is the other
 * with one group of lines added.
 *
 * git slides a group down as far as it goes, unless the other text has a change to line up with, which it has not here. So git
 * ends with each line of the shorter text at the first partner it can have. Proof: take the first line that has a later one. If it
 * stands before the added group, what is left over in its place is a group that starts with an equal line, and could slide on; if
 * it stands behind, more lines are left over than were added, and the edit script is not a shortest one.
 */
export function settleSlides(alignment: Int32Array, { base, side }: Pair, compared: Pair): void {
	const isCompared = { base: flags(base.length, compared.base), side: flags(side.length, compared.side) };
	for (let line = 0; line < alignment.length; line++) {
		if (alignment[line] !== unsure) continue;
		let start = line;
		while (start > 0 && !isPaired(alignment, start - 1)) start--;
		let end = line + 1;
		while (end < alignment.length && !isPaired(alignment, end)) end++;
		const sideStart = start === 0 ? 0 : (alignment[start - 1] ?? 0) + 1;
		const sideEnd = end === alignment.length ? side.length : (alignment[end] ?? 0);
		const [below, above] = [base.subarray(start, end), side.subarray(sideStart, sideEnd)];
		const [comparedBelow, comparedAbove] = [
			isCompared.base.subarray(start, end),
			isCompared.side.subarray(sideStart, sideEnd),
		];
		line = end;
		const added = above.length - below.length;
		const kept =
			added > 0
				? firstPartners(below, above, comparedBelow, comparedAbove)
				: firstPartners(above, below, comparedAbove, comparedBelow);
		if (kept === undefined) continue;
		for (let at = 0; at < below.length; at++) {
			const pair = at < kept ? at : added > 0 || at >= kept - added ? at + added : gone;
			alignment[start + at] = pair === gone ? gone : sideStart + pair;
		}
	}
}

// How many lines of the shorter text come before the one group that the longer one has more; undefined if it has not just that.
function firstPartners(
	shorter: Int32Array,
	longer: Int32Array,
	shorterCompared: Uint8Array,
	longerCompared: Uint8Array,
): number | undefined {
	// All lines of the shorter one find a partner among those that git compares: so a shortest script leaves none of them over.
	let at = 0;
	for (let i = 0; i < longer.length; i++) if (longerCompared[i] === 1 && shorter[at] === longer[i]) at++;
	if (at < shorter.length || shorterCompared.includes(0)) return undefined;
	let kept = 0;
	while (kept < shorter.length && shorter[kept] === longer[kept]) kept++;
	const added = longer.length - shorter.length;
	for (let i = kept; i < shorter.length; i++) if (shorter[i] !== longer[i + added]) return undefined;
	return kept;
}

function isPaired(alignment: Int32Array, line: number): boolean {
	return (alignment[line] ?? unsure) >= 0;
}

function flags(length: number, lines: Int32Array): Uint8Array {
	const result = new Uint8Array(length);
	for (const line of lines) result[line] = 1;
	return result;
}
