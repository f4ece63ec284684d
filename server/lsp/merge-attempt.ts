import { cleanMerge } from "../coordination/conflict.ts";
import { type Merged, mergeTexts } from "../merge/merge.ts";

/** What two people made of one text, as far as it can be read. */
export interface ClashTexts {
	readonly base: Buffer | undefined;
	readonly ours: Buffer | undefined;
	readonly theirs: Buffer | undefined;
}

/** What a three-way merge comes to: its outcome in words, and the text when nothing is left to decide. */
export interface MergeAttempt {
	readonly outcome: string;
	readonly merged: Buffer | undefined;
}

/** Tries a three-way merge. */
export async function tryMerge({ base, ours, theirs }: ClashTexts): Promise<MergeAttempt> {
	if (theirs === undefined) return { outcome: "not possible: one side is deleted, or no text", merged: undefined };
	if (ours === undefined || base === undefined) {
		return { outcome: "not possible: what both started from is not known", merged: undefined };
	}
	if ([base, ours, theirs].some((text) => text.includes(0)))
		return { outcome: "not possible: binary", merged: undefined };
	return describe(await mergeTexts({ base, ours, theirs }, "merge"));
}

function describe({ pieces, conflicts }: Merged): MergeAttempt {
	if (conflicts > 0) {
		const [first] = pieces.flatMap((piece) => (piece.kind === "conflict" ? [piece.ours.line] : []));
		const where = first === undefined ? "" : `, the first at line ${first}`;
		return {
			outcome: conflicts === 1 ? `1 conflict${where.replace(", the first", "")}` : `${conflicts} conflicts${where}`,
			merged: undefined,
		};
	}
	const texts = pieces.flatMap((piece) => (piece.kind === "conflict" ? [] : [piece.text]));
	return { outcome: cleanMerge, merged: Buffer.concat(texts) };
}
