import { type Edit, mergedItems } from "./edits.ts";
import { isFrameChanged } from "./guards.ts";
import { wroteTheSame } from "./names.ts";
import { linesOf, type Rule } from "./rule.ts";
import { isWord, tokensOf } from "./tokens.ts";

/**
 * Changes of both sides in lines next to each other, as long as each of them keeps the lines and a word of each: what is inserted or deleted
 * right beside the other's change stays a conflict, and so does a change of brackets, comments or layout, or a name that both wrote.
 *
 * As the person in 131 of 155 real conflicts; in 94 % of the 139 where the person did not take a side as it was.
 */
export const adjacentLines: Rule = {
	name: "adjacent lines",
	settle: ({ base, ours, theirs }) => {
		if (isFrameChanged({ base, ours, theirs }) || wroteTheSame({ base, ours, theirs })) return undefined;
		const [below = [], our = [], their = []] = [base, ours, theirs].map(linesOf);
		const isReplacement = ({ start, end, text }: Edit) =>
			end > start && text.length === end - start && text.every((line, at) => isSameLine(below[start + at] ?? "", line));
		const merged = mergedItems(below, our, their, {
			mayFollow: (one, between, next) => between.length > 0 || (isReplacement(one) && isReplacement(next)),
		});
		return merged && { text: merged.join(""), ours, theirs };
	},
};

// Without a word in common, one was deleted and another inserted.
function isSameLine(one: string, other: string): boolean {
	const words = tokensOf(one).filter(isWord);
	return words.length === 0 || tokensOf(other).some((token) => words.includes(token));
}
