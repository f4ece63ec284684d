/** Three texts, one character a byte, so that every encoding survives. */
export interface Three {
	readonly base: string;
	readonly ours: string;
	readonly theirs: string;
}

/** A conflict as a rule sees it. */
export interface Dispute extends Three {
	/** The path of the file in the repository. */
	readonly path: string;
	/** What is settled right before and after; may be empty. */
	readonly before: string;
	readonly after: string;
}

/** Something that is sure about some conflicts. It answers undefined to all others, and the same when the sides are swapped. */
export interface Rule {
	readonly name: string;
	readonly settle: (dispute: Dispute) => Settled | undefined;
}

/** What a rule makes of a conflict. */
export interface Settled {
	readonly text: string;
	/** The sides without what the rule decided against, such as the smaller of two versions: all else has to be in the text. */
	readonly ours: string;
	readonly theirs: string;
}

/** A text as lines with their ends. */
export function linesOf(text: string): string[] {
	return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
