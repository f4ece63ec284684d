import { isAccountedFor } from "./accounted.ts";
import { adjacentLines } from "./adjacent-lines.ts";
import { hasMarkersOfItsOwn } from "./guards.ts";
import { largerVersion } from "./larger-version.ts";
import { usesWhatIsGone } from "./names.ts";
import type { Dispute, Rule } from "./rule.ts";
import { sortedList } from "./sorted-list.ts";
import { words } from "./words.ts";

/** A conflict that a rule settled. */
export interface Ruled {
	readonly rule: string;
	readonly text: string;
}

/**
 * What the first rule that is sure makes of a conflict, if it accounts for every token; undefined when none is sure, or none was
 * before `isLate` said that there is no more time.
 */
export function settle(dispute: Dispute, isLate: () => boolean): Ruled | undefined {
	if (hasMarkersOfItsOwn(dispute) || usesWhatIsGone(dispute)) return undefined;
	for (const { name, settle } of rules) {
		if (isLate()) return undefined;
		const settled = settle(dispute);
		if (settled === undefined) continue;
		const { text, ours, theirs } = settled;
		if (isAccountedFor({ base: dispute.base, ours, theirs }, text)) return { rule: name, text };
	}
	return undefined;
}

const rules: readonly Rule[] = [largerVersion, adjacentLines, words, sortedList];
