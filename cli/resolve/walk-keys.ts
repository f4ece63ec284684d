import { showText } from "../../server/coordination/describe.ts";
import type { Choice } from "./choice.ts";
import type { OpenHunk } from "./hunks.ts";
import type { Target } from "./target.ts";

/** The choice that a key stands for; undefined when it stands for none. */
export function choiceOfKey(key: string, { candidates, isAmbiguous }: OpenHunk): Choice | undefined {
	if (isAmbiguous) return undefined;
	if (key === "o") return { kind: "ours" };
	if (key === "t") return { kind: "theirs" };
	if (key === "b") return { kind: "both" };
	if (key === "B") return { kind: "both, theirs first" };
	const number = /^[1-9]$/.test(key) ? Number(key) : 0;
	return candidates[number - 1] === undefined ? undefined : { kind: "candidate", number };
}

/** The question that is asked about a conflict: each key and what it does. */
export function hunkKeys(hunk: OpenHunk, identical: number, forAll: boolean): string {
	const { length } = hunk.candidates;
	const choices = hunk.isAmbiguous
		? ["e edit"]
		: [
				"o ours",
				"t theirs",
				"b both (B theirs first)",
				...(length > 0 ? [length === 1 ? "1 candidate" : `1-${length} candidates`] : []),
				"e edit",
			];
	const all = identical > 1 && !forAll ? [`a all ${identical} identical`] : [];
	return `${forAll ? `for all ${identical}: ` : ""}${[...choices, ...all, "s skip", "u undo", "q quit", "? help"].join(" · ")}`;
}

const ofGit = {
	ours: "what is on the branch you are on (in a rebase: what you rebase onto)",
	theirs: "what is merged, picked or replayed",
};

/** What each key does, at length. */
export function helpLines(hunk: OpenHunk, identical: number, owners: Target["owners"] = ofGit): readonly string[] {
	return [
		`o  ours: ${owners.ours}`,
		`t  theirs: ${owners.theirs}`,
		"b  both, ours first; B both, theirs first",
		...hunk.candidates.map(({ name }, i) => `${i + 1}  candidate ${i + 1}: ${showText(name)}`),
		"e  edit this conflict in your editor",
		...(identical > 1
			? [`a  then one of the above: the same for all ${identical} conflicts with these very sides`]
			: []),
		"s  skip it for now",
		"u  undo the last choice, byte for byte",
		"q  quit; what was settled stays so",
	];
}
