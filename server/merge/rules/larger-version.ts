import { mergedItems } from "./edits.ts";
import { linesOf, type Rule, type Three } from "./rule.ts";
import { compareVersions, versionsOf } from "./version.ts";

/**
 * Of two versions the larger, where both sides raised one and nothing else differs there. Not when a side lowered it, or when the
 * two cannot be compared.
 *
 * As the person in 103 of 134 real conflicts; in 96 % of the 107 where the person did not take the other side as it was.
 */
export const largerVersion: Rule = {
	name: "larger version",
	settle: (dispute) => {
		const agreed = withLargerVersions(dispute);
		if (agreed === undefined) return undefined;
		const [base = [], ours = [], theirs = []] = [dispute.base, agreed.ours, agreed.theirs].map(linesOf);
		const merged = mergedItems(base, ours, theirs, { mayFollow: (_, between) => between.length > 0 });
		return merged && { ...agreed, text: merged.join("") };
	},
};

// The sides with the larger version where both raised one; undefined when there is no such place, or one where it is not clear.
function withLargerVersions({ base, ours, theirs }: Three): Pick<Three, "ours" | "theirs"> | undefined {
	const [below, our, their] = [base, ours, theirs].map((text) => skeletons(linesOf(text)));
	if (below === undefined || our === undefined || their === undefined) return undefined;
	const replaced = new Map<string, string>();
	for (const [skeleton, line] of below) {
		const [mine, yours] = [our.get(skeleton), their.get(skeleton)];
		if (mine === undefined || yours === undefined || line === mine || line === yours || mine === yours) continue;
		const larger = largerLine(line, mine, yours);
		if (larger === undefined) return undefined;
		replaced.set(larger === mine ? yours : mine, larger);
	}
	if (replaced.size === 0) return undefined;
	const replace = (text: string) =>
		linesOf(text)
			.map((line) => replaced.get(line) ?? line)
			.join("");
	return { ours: replace(ours), theirs: replace(theirs) };
}

// Both sides went up from the base, and one is the larger in every place where they differ.
function largerLine(base: string, ours: string, theirs: string): string | undefined {
	const [below, our, their] = [base, ours, theirs].map((line) => versionsOf(line)?.versions);
	let larger: string | undefined;
	for (const [at, version] of (below ?? []).entries()) {
		const [mine, yours] = [our?.[at] ?? "", their?.[at] ?? ""];
		if (mine === yours) continue;
		if ((compareVersions(mine, version) ?? -1) <= 0 || (compareVersions(yours, version) ?? -1) <= 0) return undefined;
		const order = compareVersions(mine, yours);
		if (order === undefined || order === 0) return undefined;
		const line = order > 0 ? ours : theirs;
		if (larger !== undefined && larger !== line) return undefined;
		larger = line;
	}
	return larger;
}

// The lines that differ from all others by more than their versions.
function skeletons(lines: readonly string[]): Map<string, string> {
	const found = new Map<string, string>();
	const twice = new Set<string>();
	for (const line of lines) {
		const skeleton = versionsOf(line)?.skeleton;
		if (skeleton === undefined) continue;
		if (found.has(skeleton)) twice.add(skeleton);
		found.set(skeleton, line);
	}
	for (const skeleton of twice) found.delete(skeleton);
	return found;
}
