import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import type { DiskState } from "../../server/git/unmerged/disk-state.ts";
import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import type { UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import { shellWord } from "../../server/shell-word.ts";
import { type Reading, readHunks } from "./hunks.ts";
import { natureOf } from "./nature.ts";
import { diskState, type Place, repositoryPath } from "./place.ts";
import { RepositoryTarget } from "./target.ts";

/** A conflicted path of the repository, looked at. */
export type OpenFile = TextFile | WholeFile;

/** A file with conflicts of lines; none are left when somebody has settled them in the file. */
export interface TextFile {
	readonly kind: "text";
	readonly unmerged: UnmergedPath;
	readonly target: RepositoryTarget;
	readonly reading: Reading;
	readonly note: string | undefined;
}

/** A path where only one side as a whole can be chosen. */
export interface WholeFile {
	readonly kind: "whole";
	readonly unmerged: UnmergedPath;
	readonly what: string;
}

/** Looks at a conflicted path: what kind of conflict it has, and what of it is still open. */
export async function openFile(place: Place, unmerged: UnmergedPath, by: Step["by"] = "resolve"): Promise<OpenFile> {
	const nature = await natureOf(place.git, unmerged);
	if (nature.kind === "whole") return { kind: "whole", unmerged, what: nature.what };
	const { path } = unmerged;
	const { texts, markerSize, note } = nature;
	const state = await diskState(place, path);
	if (state.kind !== "file") return { kind: "whole", unmerged, what: inItsPlace(state, path) };
	const target = new RepositoryTarget(place, by, { path, markerSize, texts });
	const reading = await readHunks({ path, texts, markerSize, read: async () => state.bytes });
	// A merge driver that writes no markers, or somebody's `git checkout --ours`.
	const lacks = reading.text.equals(texts.ours) ? "theirs" : reading.text.equals(texts.theirs) ? "ours" : undefined;
	if (lacks !== undefined && reading.hunks.length === 0) {
		return { kind: "whole", unmerged, what: `no markers in it, and nothing of ${lacks}` };
	}
	return { kind: "text", unmerged, target, reading, note };
}

function inItsPlace(state: Exclude<DiskState, { kind: "file" }>, path: string): string {
	switch (state.kind) {
		case "absent":
			return `changed by both, and the file is gone here; git rm --cached ${shellWord(path)} if it is to be`;
		case "elsewhere":
			return `changed by both, and ${showText(state.link)} is a symbolic link here`;
		default:
			return `changed by both, and a ${state.kind === "link" ? "symbolic link" : "directory"} is in its place here`;
	}
}

/** The conflicted paths that typed ones mean; a directory means all in it, none at all every path. Throws UdoError `not_conflicted`. */
export function selected(place: Place, directory: string, typed: readonly string[]): readonly UnmergedPath[] {
	if (typed.length === 0) return place.unmerged;
	const found = new Set<UnmergedPath>();
	for (const each of typed) {
		const path = repositoryPath(place, directory, each);
		const its = place.unmerged.filter(
			(known) => path === "" || known.path === path || known.path.startsWith(`${path}/`),
		);
		if (its.length === 0) throw notConflicted(each);
		for (const one of its) found.add(one);
	}
	return place.unmerged.filter((one) => found.has(one));
}

function notConflicted(typed: string): UdoError {
	return new UdoError(`${showText(typed, 120)} has no conflict`, {
		code: "not_conflicted",
		why: "git has merged it, or does not know it.",
		next: "udo conflicts",
	});
}
