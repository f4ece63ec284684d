import { UsageError } from "../../server/errors.ts";
import type { OpenHunk } from "./hunks.ts";

/** How a conflict is settled. */
export type Choice =
	| { readonly kind: "ours" | "theirs" | "both" | "both, theirs first" }
	/** One of the list, counted from 1. */
	| { readonly kind: "candidate"; readonly number: number }
	/** A text that somebody wrote. */
	| { readonly kind: "text"; readonly text: Buffer; readonly from: string };

/** The text that a choice means for a conflict, and what it is in words. Throws UsageError for a candidate that there is not. */
export function textOf(choice: Choice, hunk: OpenHunk): { readonly text: Buffer; readonly what: string } {
	switch (choice.kind) {
		case "ours":
		case "theirs":
			return { text: hunk[choice.kind], what: choice.kind };
		case "both":
			return { text: joined(hunk.ours, hunk.theirs), what: "both, ours first" };
		case "both, theirs first":
			return { text: joined(hunk.theirs, hunk.ours), what: choice.kind };
		case "candidate": {
			const candidate = hunk.candidates[choice.number - 1];
			if (candidate !== undefined)
				return { text: candidate.text, what: `candidate ${choice.number}, ${candidate.name}` };
			throw new UsageError(`there is no candidate ${choice.number} for this conflict`, {
				why: `there are ${hunk.candidates.length}.`,
				next: "udo resolve PATH lists them",
			});
		}
		case "text":
			return { text: choice.text, what: choice.from };
	}
}

// A side that does not end its last line would run into the other.
function joined(first: Buffer, second: Buffer): Buffer {
	if (first.length === 0 || first.at(-1) === 10 || second.length === 0) return Buffer.concat([first, second]);
	const newline = first.includes("\r\n") ? "\r\n" : "\n";
	return Buffer.concat([first, Buffer.from(newline), second]);
}
