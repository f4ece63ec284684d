import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import { type Choice, forIdentical } from "./choice.ts";
import type { OpenHunk } from "./hunks.ts";
import { type OpenFile, openFile, type TextFile, type WholeFile } from "./open-files.ts";
import { type Place, refreshed } from "./place.ts";
import { settle, settleText } from "./settle.ts";
import { count, pathWord } from "./show.ts";
import { pick, type Wanted, wantedIn } from "./wanted.ts";
import { takeWhole } from "./whole.ts";

/** What became of one path. */
export interface Settled {
	readonly path: string;
	/** 0 for a path that was chosen as a whole. */
	readonly conflicts: number;
}

/**
 * Settles files by a choice: all that is open in them, or with `hunk` one conflict and, if asked, its like in the others. They are
 * settled as they are when no other udo is at it any more; the conflict is the one that was looked at.
 */
export function chooseIn(
	place: Place,
	files: readonly OpenFile[],
	choice: Choice,
	{ hunk, identical, from }: Where,
): Promise<readonly Settled[]> {
	const wanted = hunk === undefined ? undefined : pick(files, hunk, { isForAll: identical === true, from });
	return place.steps.alone(async () => {
		const now = await asNow(place, files);
		return wanted === undefined ? chooseAll(place, now, choice, from) : chooseOne(now, choice, wanted, from);
	});
}

export interface Where {
	readonly hunk?: string;
	readonly identical?: true;
	/** The directory of the repository where commands are typed. */
	readonly from: string;
}

async function chooseAll(
	place: Place,
	files: readonly OpenFile[],
	choice: Choice,
	from: string,
): Promise<readonly Settled[]> {
	// All of it is looked at before anything is touched.
	for (const file of files) refuse(file, choice, { files: files.length, from });
	const settled: Settled[] = [];
	for (const file of files) {
		const { path } = file.unmerged;
		if (file.kind === "whole") await takeWhole(place, file.unmerged, sideOf(file, choice, from));
		else if (choice.kind === "text") {
			await settleText(file.target, file.reading, choice.text, { what: `the whole file: ${choice.from}` });
		} else await settle(file.target, file.reading, file.reading.hunks, choice);
		settled.push({ path, conflicts: file.kind === "whole" || choice.kind === "text" ? 0 : file.reading.hunks.length });
	}
	return settled;
}

// What another udo has settled since they were looked at is looked at again.
async function asNow(place: Place, files: readonly OpenFile[]): Promise<readonly OpenFile[]> {
	const { unmerged } = await refreshed(place);
	const now: OpenFile[] = [];
	for (const file of files) {
		const { path } = file.unmerged;
		const still = unmerged.find((each) => each.path === path);
		if (still === undefined) throw changedMeanwhile(path);
		const isSame = file.kind === "text" && (await file.target.read()).equals(file.reading.text);
		now.push(isSame ? file : await openFile(place, still));
	}
	return now;
}

async function chooseOne(
	files: readonly OpenFile[],
	choice: Choice,
	wanted: Wanted,
	from: string,
): Promise<readonly Settled[]> {
	const { path, isForAll } = wanted;
	const texts = files.filter((each) => each.kind === "text");
	const file = texts.find((each) => each.unmerged.path === path);
	const hunk = file && wantedIn(file.reading, wanted);
	if (file === undefined || hunk === undefined) throw changedMeanwhile(path);
	refuseAmbiguous(file, [hunk], choice);
	refuseUnknown(hunk, choice, pathWord(path, from));
	const same = isForAll ? forIdentical(choice, hunk) : choice;
	const settled: Settled[] = [];
	for (const each of isForAll ? texts : [file]) {
		const hunks = isForAll ? each.reading.hunks.filter(({ name }) => name === hunk.name) : [hunk];
		if (hunks.length === 0) continue;
		await settle(each.target, each.reading, hunks, same);
		settled.push({ path: each.target.path, conflicts: hunks.length });
	}
	return settled;
}

function refuse(
	file: OpenFile,
	choice: Choice,
	{ files, from }: { readonly files: number; readonly from: string },
): void {
	const word = pathWord(file.unmerged.path, from);
	const shown = showText(file.unmerged.path, 120);
	if (choice.kind === "text" && files > 1) {
		throw new UsageError("--file needs one path", {
			next: `udo resolve ${word} --file FILE`,
		});
	}
	if (file.kind === "whole") {
		sideOf(file, choice, from);
		return;
	}
	const { hunks, stray } = file.reading;
	if (hunks.length === 0 && stray.length === 0 && choice.kind !== "text") {
		throw new UdoError(`no conflict is left to choose in ${shown}`, {
			code: "no_markers",
			why: "its markers are gone: somebody has settled it in the file, or git wrote none.",
			next: `git add ${word}, or git checkout -m -- ${word} to begin again`,
		});
	}
	if (choice.kind === "candidate" && hunks.length > 1) {
		throw new UsageError(`${shown} has ${count(hunks.length)}`, {
			why: "each has candidates of its own.",
			next: `udo resolve ${word} --hunk N --candidate N`,
		});
	}
	if (choice.kind !== "text") refuseAmbiguous(file, hunks, choice);
	for (const hunk of hunks) refuseUnknown(hunk, choice, word);
}

function refuseUnknown({ candidates }: OpenHunk, choice: Choice, word: string): void {
	if (choice.kind !== "candidate" || candidates[choice.number - 1] !== undefined) return;
	throw new UsageError(`there is no candidate ${choice.number} for this conflict`, {
		why: candidates.length === 0 ? "it has none." : `they are numbered up to ${candidates.length}.`,
		next: `udo resolve ${word} shows them`,
	});
}

function refuseAmbiguous(file: TextFile, hunks: TextFile["reading"]["hunks"], choice: Choice): void {
	const unclear = hunks.find(({ isAmbiguous }) => isAmbiguous);
	if (unclear === undefined || choice.kind === "text") return;
	throw new UdoError(`the conflict at line ${unclear.line} of ${showText(file.target.path, 120)} cannot be read`, {
		code: "ambiguous",
		why: "a line of the text looks like a conflict marker.",
		next: "edit the file, then git add it",
	});
}

function sideOf(file: WholeFile, choice: Choice, from: string): "ours" | "theirs" | { readonly text: Buffer } {
	if (choice.kind === "ours" || choice.kind === "theirs") return choice.kind;
	if (choice.kind === "text") return { text: choice.text };
	const word = pathWord(file.unmerged.path, from);
	throw new UsageError(`${showText(file.unmerged.path, 120)} can only be one side or the other`, {
		why: `${file.what}.`,
		next: `udo resolve ${word} --ours, or --theirs`,
	});
}
