/**
 * The lines, by number, that git's diff compares. The others count as changed from the start: lines that the other text does not have, and,
 * among them, very frequent ones (xdiff's heuristic against slow diffs: at least about √n times in the other text, and in the
 * changed part less than a quarter of a run of such lines).
 *
 * Undefined when a frequent line that is left out is not enclosed by absent ones: then git may slide a change over it.
 */
export function comparedLines(
	base: Int32Array,
	side: Int32Array,
): { readonly base: Int32Array; readonly side: Int32Array } | undefined {
	const shorter = Math.min(base.length, side.length);
	let start = 0;
	while (start < shorter && base[start] === side[start]) start++;
	let tail = 0;
	while (tail < shorter - start && base[base.length - 1 - tail] === side[side.length - 1 - tail]) tail++;
	const ofBase = comparedOf(base, occurrences(side), start, base.length - tail);
	const ofSide = comparedOf(side, occurrences(base), start, side.length - tail);
	return ofBase && ofSide && { base: ofBase, side: ofSide };
}

const absent = 0;
const ordinary = 1;
const frequent = 2;

function comparedOf(ids: Int32Array, elsewhere: Int32Array, start: number, end: number): Int32Array | undefined {
	const limit = frequentFrom(ids.length);
	const kinds = new Uint8Array(ids.length).fill(ordinary);
	for (let line = start; line < end; line++) {
		const times = elsewhere[ids[line] ?? 0] ?? 0;
		kinds[line] = times === 0 ? absent : times < limit ? ordinary : frequent;
	}
	const compared: number[] = [];
	let previous: number = ordinary;
	for (let line = 0; line < ids.length; line++) {
		const kind = kinds[line] ?? ordinary;
		if (kind === ordinary || (kind === frequent && !isLeftOut(kinds, line, start, end))) {
			if (previous === frequent) return undefined;
			compared.push(line);
			previous = ordinary;
		} else {
			if (kind === frequent && previous === ordinary) return undefined;
			previous = kind;
		}
	}
	return Int32Array.from(compared);
}

// xdiff looks at most 100 lines far.
function isLeftOut(kinds: Uint8Array, line: number, start: number, end: number): boolean {
	const before = runFrom(kinds, line - 1, -1, Math.max(start, line - 100) - 1);
	const after = runFrom(kinds, line + 1, 1, Math.min(end, line + 101));
	if (before.absent === 0 || after.absent === 0) return false;
	return 3 * (before.frequent + after.frequent + 2) < before.absent + after.absent;
}

function runFrom(kinds: Uint8Array, from: number, step: 1 | -1, stop: number): { absent: number; frequent: number } {
	const run = { absent: 0, frequent: 0 };
	for (let line = from; line !== stop && kinds[line] !== ordinary; line += step) {
		if (kinds[line] === absent) run.absent++;
		else run.frequent++;
	}
	return run;
}

// xdiff's rough square root, a power of two, at most 1024.
function frequentFrom(lines: number): number {
	let root = 1;
	for (let rest = lines; rest > 0; rest = Math.floor(rest / 4)) root *= 2;
	return Math.min(root, 1024);
}

// How many times each number occurs. Numbers are small: they count the distinct lines of the texts.
function occurrences(ids: Int32Array): Int32Array {
	const times = new Int32Array(ids.reduce((most, id) => Math.max(most, id), 0) + 1);
	for (const id of ids) times[id] = (times[id] ?? 0) + 1;
	return times;
}
