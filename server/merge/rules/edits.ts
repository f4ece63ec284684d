/** One side's change: what stands in the place of `start` to `end` of the base. */
export interface Edit {
	readonly start: number;
	readonly end: number;
	readonly text: readonly string[];
}

/** How lines or tokens are compared and put together. */
export interface Manner {
	/** How much it counts that an item was kept; 1 when not given. */
	readonly weight?: (item: string) => number;
	/** Whether two changes, of ours and theirs, can stand one behind the other, with `between` kept by both. */
	readonly mayFollow: (one: Edit, between: readonly string[], next: Edit) => boolean;
}

/**
 * The base with the changes of both sides. Undefined when two of them overlap or `mayFollow` says no; when it is not certain
 * where a change is, and that makes a difference; when the texts are too large to compare.
 */
export function mergedItems(
	base: readonly string[],
	ours: readonly string[],
	theirs: readonly string[],
	manner: Manner,
): readonly string[] | undefined {
	const merged: string[][] = [];
	for (const byOurs of waysTo(base, ours, manner)) {
		for (const byTheirs of waysTo(base, theirs, manner)) {
			const edits = combine(base, byOurs, byTheirs, manner);
			if (edits === undefined) return undefined;
			merged.push(applied(base, edits));
		}
	}
	const [first] = merged;
	return merged.every((each) => isSame(each, first ?? [])) ? first : undefined;
}

/** The changes from the base to a side, each as early as can be, and each as late; none when the texts are too large to compare. */
export function waysTo(
	base: readonly string[],
	side: readonly string[],
	{ weight = () => 1 }: Pick<Manner, "weight">,
): readonly (readonly Edit[])[] {
	if (base.length * side.length > mostCells) return [];
	const last = ([x, y]: Pair): Pair => [base.length - 1 - x, side.length - 1 - y];
	return [
		editsBetween(base, side, heaviestPairs(base, side, weight)),
		editsBetween(base, side, heaviestPairs(base.toReversed(), side.toReversed(), weight).map(last).toReversed()),
	];
}

// So many take about 2 ms of CPU.
const mostCells = 100_000;

type Pair = readonly [base: number, side: number];

// Both sides' changes in order, those that are the same once.
function combine(
	base: readonly string[],
	ours: readonly Edit[],
	theirs: readonly Edit[],
	{ mayFollow }: Manner,
): readonly Edit[] | undefined {
	const all = [...ours.map((edit) => ({ edit, side: 0 })), ...theirs.map((edit) => ({ edit, side: 1 }))];
	all.sort((one, other) => one.edit.start - other.edit.start || one.edit.end - other.edit.end);
	const combined: { edit: Edit; side: number }[] = [];
	for (const next of all) {
		const last = combined.at(-1);
		if (last !== undefined && last.side !== next.side) {
			const [{ edit: one }, { edit: other }] = [last, next];
			if (one.start === other.start && one.end === other.end && isSame(one.text, other.text)) {
				// Whatever comes next, of either side, has a neighbour of the other.
				combined[combined.length - 1] = { edit: one, side: 2 };
				continue;
			}
			if (one.end > other.start || !mayFollow(one, base.slice(one.end, other.start), other)) return undefined;
		}
		combined.push(next);
	}
	return combined.map(({ edit }) => edit);
}

function applied(base: readonly string[], edits: readonly Edit[]): string[] {
	const result: string[] = [];
	let at = 0;
	for (const { start, end, text } of edits) {
		result.push(...base.slice(at, start), ...text);
		at = end;
	}
	return [...result, ...base.slice(at)];
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
	return one.length === other.length && one.every((item, at) => item === other[at]);
}

function editsBetween(base: readonly string[], side: readonly string[], pairs: readonly Pair[]): readonly Edit[] {
	const edits: Edit[] = [];
	let [atBase, atSide] = [0, 0];
	for (const [x, y] of [...pairs, [base.length, side.length] as const]) {
		if (x > atBase || y > atSide) edits.push({ start: atBase, end: x, text: side.slice(atSide, y) });
		[atBase, atSide] = [x + 1, y + 1];
	}
	return edits;
}

// Of several heaviest common subsequences that which pairs the first items first.
function heaviestPairs(base: readonly string[], side: readonly string[], weight: (item: string) => number): Pair[] {
	const width = side.length + 1;
	const best = new Int32Array((base.length + 1) * width);
	const at = (x: number, y: number) => best[x * width + y] ?? 0;
	const weights = base.map(weight);
	const paired = (x: number, y: number) => at(x + 1, y + 1) + (weights[x] ?? 0);
	for (let x = base.length - 1; x >= 0; x--) {
		for (let y = side.length - 1; y >= 0; y--) {
			best[x * width + y] = Math.max(base[x] === side[y] ? paired(x, y) : 0, at(x + 1, y), at(x, y + 1));
		}
	}
	const pairs: Pair[] = [];
	for (let [x, y] = [0, 0]; x < base.length && y < side.length; ) {
		if (base[x] === side[y] && at(x, y) === paired(x, y)) pairs.push([x++, y++]);
		else if (at(x + 1, y) === at(x, y)) x++;
		else y++;
	}
	return pairs;
}
