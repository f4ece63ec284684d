import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import type { Choice } from "./choice.ts";
import { wholeNumber } from "./flags.ts";
import type { OpenFile, TextFile, WholeFile } from "./open-files.ts";
import type { Place } from "./place.ts";
import { settle, settleText } from "./settle.ts";
import { count, pathWord } from "./show.ts";
import { takeWhole } from "./whole.ts";

/** What became of one path. */
export interface Settled {
	readonly path: string;
	/** 0 for a path that was chosen as a whole. */
	readonly conflicts: number;
}

/** Settles files by a choice: all that is open in them, or with `hunk` one conflict and, if asked, its like in the others. */
export function chooseIn(
	place: Place,
	files: readonly OpenFile[],
	choice: Choice,
	{ hunk, identical }: Where,
): Promise<readonly Settled[]> {
	return hunk === undefined ? chooseAll(place, files, choice) : chooseOne(files, choice, hunk, identical === true);
}

export interface Where {
	readonly hunk?: string;
	readonly identical?: true;
}

async function chooseAll(place: Place, files: readonly OpenFile[], choice: Choice): Promise<readonly Settled[]> {
	// All of it is looked at before anything is touched.
	for (const file of files) refuse(file, choice, files.length);
	const settled: Settled[] = [];
	for (const file of files) {
		const { path } = file.unmerged;
		if (file.kind === "whole") await takeWhole(place, file.unmerged, sideOf(file, choice));
		else if (choice.kind === "text") {
			await settleText(file.target, file.reading, choice.text, { what: `the whole file: ${choice.from}`, settled: [] });
		} else await settle(file.target, file.reading, file.reading.hunks, choice);
		settled.push({ path, conflicts: file.kind === "whole" || choice.kind === "text" ? 0 : file.reading.hunks.length });
	}
	return settled;
}

async function chooseOne(
	files: readonly OpenFile[],
	choice: Choice,
	typed: string,
	isForAll: boolean,
): Promise<readonly Settled[]> {
	const number = wholeNumber(typed, "--hunk");
	const [file] = files;
	const texts = files.filter((each) => each.kind === "text");
	const isOne = isForAll ? file?.kind === "text" : files.length === 1 && file?.kind === "text";
	if (file?.kind !== "text" || !isOne) {
		throw new UsageError("--hunk needs one file with conflicts of lines", { next: "udo resolve PATH --hunk N --ours" });
	}
	const hunk = file.reading.hunks[number - 1];
	if (hunk === undefined) {
		throw new UsageError(`there is no conflict ${number} in ${showText(file.target.path, 120)}`, {
			why: `${count(file.reading.hunks.length)} open there.`,
			next: "udo resolve PATH",
		});
	}
	refuseAmbiguous(file, [hunk], choice);
	const settled: Settled[] = [];
	for (const each of isForAll ? texts : [file]) {
		const hunks = isForAll ? each.reading.hunks.filter(({ sameness }) => sameness === hunk.sameness) : [hunk];
		if (hunks.length === 0) continue;
		await settle(each.target, each.reading, hunks, choice);
		settled.push({ path: each.target.path, conflicts: hunks.length });
	}
	return settled;
}

function refuse(file: OpenFile, choice: Choice, files: number): void {
	const shown = showText(file.unmerged.path, 120);
	if (choice.kind === "text" && files > 1) {
		throw new UsageError("--file needs one path", { next: "udo resolve PATH --file FILE" });
	}
	if (file.kind === "whole") {
		sideOf(file, choice);
		return;
	}
	const { hunks, stray } = file.reading;
	if (hunks.length === 0 && stray.length === 0 && choice.kind !== "text") {
		throw new UdoError(`no conflict is left to choose in ${shown}`, {
			code: "no_markers",
			why: "its markers are gone: somebody has settled it in the file, or git wrote none.",
			next: `git add ${pathWord(file.unmerged.path, "")}, or git checkout -m -- to begin again`,
		});
	}
	if (choice.kind === "candidate" && hunks.length > 1) {
		throw new UsageError(`${shown} has ${count(hunks.length)}`, {
			why: "each has candidates of its own.",
			next: "udo resolve PATH --hunk N --candidate N",
		});
	}
	if (choice.kind !== "text") refuseAmbiguous(file, hunks, choice);
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

function sideOf(file: WholeFile, choice: Choice): "ours" | "theirs" | { readonly text: Buffer } {
	if (choice.kind === "ours" || choice.kind === "theirs") return choice.kind;
	if (choice.kind === "text") return { text: choice.text };
	const word = pathWord(file.unmerged.path, "");
	throw new UsageError(`${showText(file.unmerged.path, 120)} can only be one side or the other`, {
		why: `${file.what}.`,
		next: `udo resolve ${word} --ours, or --theirs`,
	});
}
