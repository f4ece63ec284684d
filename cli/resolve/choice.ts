import { both, type OpenHunk } from "./hunks.ts";

/** How a conflict is settled. */
export type Choice =
	| { readonly kind: "ours" | "theirs" | "both" | "both, theirs first" }
	/** One of the list, counted from 1. */
	| { readonly kind: "candidate"; readonly number: number }
	/** A text that somebody wrote. */
	| { readonly kind: "text"; readonly text: Buffer; readonly from: string };

/** The text that a choice means for a conflict, and what it is in words. Candidates are those that there are. */
export function textOf(choice: Choice, hunk: OpenHunk): { readonly text: Buffer; readonly what: string } {
	switch (choice.kind) {
		case "ours":
		case "theirs":
			return { text: hunk[choice.kind], what: choice.kind };
		case "both":
			return { text: both(hunk.ours, hunk.theirs), what: "both, ours first" };
		case "both, theirs first":
			return { text: both(hunk.theirs, hunk.ours), what: choice.kind };
		case "candidate": {
			const candidate = hunk.candidates[choice.number - 1];
			if (candidate !== undefined)
				return { text: candidate.text, what: `candidate ${choice.number}, ${candidate.name}` };
			throw new Error(`there is no candidate ${choice.number}`);
		}
		case "text":
			return { text: choice.text, what: choice.from };
	}
}

/** The choice as it is meant for conflicts with the same sides elsewhere, which may have other candidates. */
export function forIdentical(choice: Choice, hunk: OpenHunk): Choice {
	if (choice.kind !== "candidate") return choice;
	const { text, what } = textOf(choice, hunk);
	return { kind: "text", text, from: what };
}
