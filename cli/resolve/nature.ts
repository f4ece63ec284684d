import { isBinary } from "../../server/git/binary.ts";
import type { Plumbing } from "../../server/git/plumbing.ts";
import { mergeAttributes, type Stage, stageBytes, type UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import type { Texts } from "../../server/merge/merge.ts";

/** What kind of conflict a path has: of lines, or one where only one side as a whole can be chosen. */
export type Nature =
	| { readonly kind: "text"; readonly texts: Texts; readonly markerSize: number; readonly note: string | undefined }
	| { readonly kind: "whole"; readonly what: string };

/** Looks at the versions of a conflicted path. */
export async function natureOf(git: Plumbing, unmerged: UnmergedPath): Promise<Nature> {
	const { path, base, ours, theirs } = unmerged;
	if (isUnnamable(path))
		return { kind: "whole", what: "its name is no UTF-8, so udo cannot name it; settle it with git" };
	if (ours === undefined || theirs === undefined) return { kind: "whole", what: missingSide(unmerged) };
	const stages = base === undefined ? [ours, theirs] : [base, ours, theirs];
	const modes = stages.map(({ mode }) => mode);
	if (modes.includes("160000")) return { kind: "whole", what: "a submodule that both sides moved to another commit" };
	if (modes.includes("120000")) {
		const both = modes.every((mode) => mode === "120000");
		const what = both ? "a symbolic link that both sides changed" : "a symbolic link on one side, a file on the other";
		return { kind: "whole", what };
	}
	const attributes = await mergeAttributes(git, path);
	if (attributes.driver === "unset")
		return { kind: "whole", what: "changed by both, and not to be merged as text (.gitattributes)" };
	const texts = {
		base: base === undefined ? Buffer.alloc(0) : await stageBytes(git, path, base),
		ours: await stageBytes(git, path, ours),
		theirs: await stageBytes(git, path, theirs),
	};
	if (Object.values(texts).some(isBinary)) return { kind: "whole", what: "a binary file that both sides changed" };
	return { kind: "text", texts, markerSize: attributes.markerSize, note: noteOf(base, ours, theirs) };
}

/** Whether git's name for a path was lost on the way, since it is no UTF-8. */
export function isUnnamable(path: string): boolean {
	return path.includes("\ufffd");
}

function missingSide({ base, ours, theirs }: UnmergedPath): string {
	if (base === undefined) {
		return ours === undefined
			? "theirs has a file of this name, where ours renamed, or has a directory"
			: "ours has a file of this name, where theirs renamed, or has a directory";
	}
	if (ours !== undefined) return "ours changed it, theirs deleted or renamed it";
	return theirs !== undefined
		? "ours deleted or renamed it, theirs changed it"
		: "gone on both sides, which renamed it differently";
}

function noteOf(base: Stage | undefined, ours: Stage, theirs: Stage): string | undefined {
	if (ours.mode !== theirs.mode && (base === undefined || (base.mode !== ours.mode && base.mode !== theirs.mode))) {
		return "executable on one side only: chmod +x or -x, then git add";
	}
	return base === undefined ? "added by both" : undefined;
}
