import { performance } from "node:perf_hooks";
import { type Hunk, hunkAt } from "./hunk.ts";
import { mergeTexts, type Texts } from "./merge.ts";
import type { Automatic, Conflict, Piece } from "./piece.ts";
import type { Style } from "./refine.ts";
import { restyled } from "./restyle.ts";
import { fileKind } from "./rules/file-kind.ts";
import { settle } from "./rules/settle.ts";

/** Whatever a merge with rules needs to know besides the texts. */
export interface SafeContext {
	/** The path in the repository: what kind of file it is decides which rules are asked. */
	readonly path: string;
	/** How the conflicts that stay are cut. */
	readonly style: Style;
	/** How a person settled exactly this conflict before; asked first. A failure of it is thrown on. */
	readonly remembered?: (hunk: Hunk) => Promise<Buffer | undefined>;
	/** After so many ms what is not settled stays a conflict; 2,000 when not given. */
	readonly deadlineMs?: number;
}

/** A merge, in order, of which some conflicts may have been settled by a rule. */
export interface SafelyMerged {
	readonly pieces: readonly Piece[];
	/** How many are left for a person. */
	readonly conflicts: number;
	/** How many a rule or the memory settled. */
	readonly automatic: number;
	readonly by: "udo" | "git";
	/** For a lock file or another generated one with conflicts: the command that makes it anew. Nothing is settled there. */
	readonly regenerate: string | undefined;
}

/**
 * Merges as `mergeTexts` does, and then settles those conflicts that were settled before (in every kind of text but generated
 * ones) or that a guarded rule is sure of (in code and configuration). Each of them is a piece of its own, which can be undone.
 */
export async function mergeSafely(texts: Texts, context: SafeContext): Promise<SafelyMerged> {
	const start = performance.now();
	const left = () => (context.deadlineMs ?? 2000) - (performance.now() - start);
	const exact = await mergeTexts(texts, context.style);
	const file = fileKind(context.path);
	const asExact = { ...exact, automatic: 0, regenerate: undefined };
	if (exact.conflicts === 0) return asExact;
	if (file.kind === "generated") return { ...asExact, regenerate: file.regenerate };
	// Only in this style is it known which lines of the base a conflict is about.
	const { pieces } = context.style === "diff3" ? exact : await mergeTexts(texts, "diff3");
	const settled: Piece[] = [];
	for (const [at, piece] of pieces.entries()) {
		const hunk = hunkAt(pieces, at);
		const automatic =
			piece.kind === "conflict" && hunk && (await settledPiece(piece, hunk, file.kind !== "prose", context, left));
		settled.push(automatic || piece);
	}
	const automatic = settled.filter(({ kind }) => kind === "automatic").length;
	if (automatic === 0) return asExact;
	const shown = settled.flatMap((piece) => (piece.kind === "conflict" ? restyled(piece, context.style) : [piece]));
	const conflicts = shown.filter(({ kind }) => kind === "conflict").length;
	return { pieces: shown, conflicts, automatic, by: exact.by, regenerate: undefined };
}

async function settledPiece(
	{ ours, base, theirs, crlf }: Conflict,
	hunk: Hunk,
	mayRule: boolean,
	{ path, remembered }: SafeContext,
	left: () => number,
): Promise<Automatic | undefined> {
	if (base === undefined) return undefined;
	const automatic = (rule: string, text: Buffer): Automatic => ({
		kind: "automatic",
		rule,
		text,
		ours,
		base,
		theirs,
		crlf,
	});
	const known = remembered && left() > 0 ? await inTime(remembered(hunk), left()) : undefined;
	if (known === late) return undefined;
	if (known !== undefined) return automatic("remembered", known);
	if (!mayRule || left() <= 0 || longest(hunk) > longestRuled) return undefined;
	const ruled = settle(
		{
			path,
			base: hunk.base.toString("latin1"),
			ours: hunk.ours.toString("latin1"),
			theirs: hunk.theirs.toString("latin1"),
			before: hunk.before.subarray(-farthest).toString("latin1"),
			after: hunk.after.subarray(0, farthest).toString("latin1"),
		},
		() => left() <= 0,
	);
	return ruled && left() > 0 ? automatic(ruled.rule, Buffer.from(ruled.text, "latin1")) : undefined;
}

// A rule looks at neighbouring lines, and a person reads what it did: larger conflicts are for the person.
const longestRuled = 20_000;
const farthest = 4000;

function longest({ base, ours, theirs }: Hunk): number {
	return Math.max(base.length, ours.length, theirs.length);
}

const late = Symbol("late");

async function inTime<Result>(work: Promise<Result>, ms: number): Promise<Result | typeof late> {
	let timer: NodeJS.Timeout | undefined;
	const timeUp = new Promise<typeof late>((resolve) => {
		timer = setTimeout(resolve, ms, late);
	});
	try {
		return await Promise.race([work, timeUp]);
	} finally {
		clearTimeout(timer);
		// What fails after its time is nobody's concern any more.
		work.catch(() => {});
	}
}
