import { mergedItems } from "./edits.ts";
import { type Dispute, linesOf, type Rule, type Three } from "./rule.ts";
import { tokensOf } from "./tokens.ts";
import { compareVersions, versionsOf } from "./version.ts";

/**
 * Of two versions the larger, where both sides raised one and nothing else differs there. Not when a side lowered it, when the two
 * cannot be compared, or when the smaller one stays in a line nearby.
 *
 * As the person in 100 of 130 real conflicts; in 97 % of the 103 where the person did not take the other side as it was.
 */
export const largerVersion: Rule = {
	name: "larger version",
	settle: (dispute) => {
		const agreed = withLargerVersions(dispute);
		if (agreed === undefined) return undefined;
		const [base = [], ours = [], theirs = []] = [dispute.base, agreed.ours, agreed.theirs].map(linesOf);
		const merged = mergedItems(base, ours, theirs, { mayFollow: (_, between) => between.length > 0 });
		const text = merged?.join("");
		if (text === undefined || belongsToSmaller(text, agreed, dispute)) return undefined;
		return { ours: agreed.ours, theirs: agreed.theirs, text };
	},
};

interface Agreed extends Pick<Three, "ours" | "theirs"> {
	/** The lines that lost. */
	readonly outdone: readonly string[];
}

// The sides with the larger version where both raised one; undefined when there is no such place, or one where it is not clear.
function withLargerVersions({ base, ours, theirs, path }: Dispute): Agreed | undefined {
	const [below, our, their] = [base, ours, theirs].map((text) => skeletons(linesOf(text), path));
	if (below === undefined || our === undefined || their === undefined) return undefined;
	const replaced = new Map<string, string>();
	for (const [skeleton, line] of below) {
		const [mine, yours] = [our.get(skeleton), their.get(skeleton)];
		if (mine === undefined || yours === undefined || line === mine || line === yours || mine === yours) continue;
		const larger = largerLine([line, mine, yours], path);
		if (larger === undefined) return undefined;
		replaced.set(larger === mine ? yours : mine, larger);
	}
	if (replaced.size === 0) return undefined;
	const replace = (text: string) =>
		linesOf(text)
			.map((line) => replaced.get(line) ?? line)
			.join("");
	return { ours: replace(ours), theirs: replace(theirs), outdone: [...replaced.keys()] };
}

const near = 5;

// An address, say, that goes with the smaller version.
function belongsToSmaller(text: string, { outdone }: Agreed, { base, before, after, path }: Dispute): boolean {
	const numbers = (tokens: readonly string[]) => tokens.map((token) => token.replace(/^v/, ""));
	const known = numbers(tokensOf(base));
	const left = numbers(tokensOf(text));
	const smaller = numbers(outdone.flatMap((line) => versionsOf(line, path)?.versions ?? []));
	const around = numbers([...linesOf(before).slice(-near), ...linesOf(after).slice(0, near)].flatMap(tokensOf));
	return smaller.some((version) => [...left, ...around].includes(version) && !known.includes(version));
}

// Both sides went up from the base, and one is the larger in every place where they differ.
function largerLine(lines: readonly [string, string, string], path: string): string | undefined {
	const [below, our, their] = lines.map((line) => versionsOf(line, path)?.versions);
	let larger: string | undefined;
	for (const [at, version] of (below ?? []).entries()) {
		const [mine, yours] = [our?.[at] ?? "", their?.[at] ?? ""];
		if (mine === yours) continue;
		if ((compareVersions(mine, version) ?? -1) <= 0 || (compareVersions(yours, version) ?? -1) <= 0) return undefined;
		const order = compareVersions(mine, yours);
		if (order === undefined || order === 0) return undefined;
		const line = lines[order > 0 ? 1 : 2];
		if (larger !== undefined && larger !== line) return undefined;
		larger = line;
	}
	return larger;
}

// The lines that differ from all others by more than their versions.
function skeletons(lines: readonly string[], path: string): Map<string, string> {
	const found = new Map<string, string>();
	const twice = new Set<string>();
	for (const line of lines) {
		const skeleton = versionsOf(line, path)?.skeleton;
		if (skeleton === undefined) continue;
		if (found.has(skeleton)) twice.add(skeleton);
		found.set(skeleton, line);
	}
	for (const skeleton of twice) found.delete(skeleton);
	return found;
}
