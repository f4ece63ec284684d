import { linesOf, type Three } from "./rule.ts";
import { isWord, tokensOf } from "./tokens.ts";

type Counts = Map<string, number>;

/**
 * The check before a rule's text is taken, whatever the rule: each token is in it as often as the changes of both sides say, and
 * no line that both sides added is in it twice. Lines that both added are one change. What both deleted, or added within other
 * lines, may have been one or two.
 */
export function isAccountedFor({ base, ours, theirs }: Three, text: string): boolean {
	const [below, our, their, merged] = [base, ours, theirs, text].map((each) => counted(linesOf(each)));
	if (below === undefined || our === undefined || their === undefined || merged === undefined) return false;
	for (const [line, times] of merged) {
		const [before, mine, yours] = [below, our, their].map((counts) => counts.get(line) ?? 0) as [
			number,
			number,
			number,
		];
		if (isWord(line) && mine > before && yours > before && times > Math.max(mine, yours)) return false;
	}
	const [byOurs, byTheirs, to] = [our, their, merged].map(tokensIn) as [Counts, Counts, Counts];
	const from = tokensIn(withAdded(below, our, their));
	return [...new Set([from, byOurs, byTheirs, to].flatMap((counts) => [...counts.keys()]))].every((token) => {
		const before = from.get(token) ?? 0;
		const [mine, yours] = [(byOurs.get(token) ?? 0) - before, (byTheirs.get(token) ?? 0) - before];
		const change = (to.get(token) ?? 0) - before;
		const both = mine + yours;
		const once = mine * yours <= 0 ? both : Math.sign(mine) * Math.max(Math.abs(mine), Math.abs(yours));
		return change >= Math.min(both, once) && change <= Math.max(both, once);
	});
}

// The base with the lines that both sides added.
function withAdded(base: Counts, ours: Counts, theirs: Counts): Counts {
	const agreed = new Map(base);
	for (const [line, mine] of ours) {
		const least = Math.min(mine, theirs.get(line) ?? 0);
		if (least > (base.get(line) ?? 0)) agreed.set(line, least);
	}
	return agreed;
}

function tokensIn(lines: Counts): Counts {
	const counts: Counts = new Map();
	for (const [line, times] of lines) {
		// The white space at the start of a line says something, so it is not the same as that between words.
		for (const token of tokensOf(`\n${line}`)) counts.set(token, (counts.get(token) ?? 0) + times);
	}
	return counts;
}

function counted(items: readonly string[]): Counts {
	const counts: Counts = new Map();
	for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
	return counts;
}
