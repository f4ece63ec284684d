/** A line that is one entry of a list, and by what it is told from the others. */
export interface Entry {
	readonly key: string;
	readonly line: string;
}

/**
 * The three-way merge of lists as sets: every entry of either side, as the side has it that changed it. Undefined when a side
 * deleted an entry, since what it or the other added may stand for it; when both changed one; when a list has a key twice.
 */
export function mergedEntries(
	base: readonly Entry[],
	ours: readonly Entry[],
	theirs: readonly Entry[],
): readonly Entry[] | undefined {
	const [below, our, their] = [base, ours, theirs].map(byKey);
	if (below === undefined || our === undefined || their === undefined) return undefined;
	const merged: Entry[] = [];
	for (const key of new Set([...below.keys(), ...our.keys(), ...their.keys()])) {
		const [before, mine, yours] = [below.get(key), our.get(key), their.get(key)];
		if (before !== undefined && (mine === undefined || yours === undefined)) return undefined;
		if (mine !== before && yours !== before && mine !== yours) return undefined;
		const line = mine === before ? yours : mine;
		if (line !== undefined) merged.push({ key, line });
	}
	return merged;
}

/** A way to order texts, under which each of these lists is in strict order; undefined when there is none. */
export function orderOf(lists: readonly (readonly string[])[]): ((one: string, other: string) => number) | undefined {
	return orders.find((order) =>
		lists.every((list) => list.every((item, at) => at === 0 || order(list[at - 1] ?? "", item) < 0)),
	);
}

const orders: readonly ((one: string, other: string) => number)[] = [
	(one, other) => (one < other ? -1 : one > other ? 1 : 0),
	(one, other) => orders[0]?.(one.toLowerCase(), other.toLowerCase()) ?? 0,
	// Punctuation left out, as editors sort.
	(one, other) =>
		orders[1]?.(one.replaceAll(/[^0-9A-Za-z\x80-\xff]/g, ""), other.replaceAll(/[^0-9A-Za-z\x80-\xff]/g, "")) ?? 0,
];

function byKey(entries: readonly Entry[]): ReadonlyMap<string, string> | undefined {
	const map = new Map(entries.map(({ key, line }) => [key, line]));
	return map.size === entries.length ? map : undefined;
}
