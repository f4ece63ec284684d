import { type Edit, mergedItems } from "./edits.ts";
import { isFrameChanged } from "./guards.ts";
import { linesOf, type Rule } from "./rule.ts";

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
