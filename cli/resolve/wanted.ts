import { showText } from "../../server/coordination/describe.ts";
import { UsageError } from "../../server/errors.ts";
import { wholeNumber } from "./flags.ts";
import { looksLikeName, type OpenHunk, type Reading } from "./hunks.ts";
import type { OpenFile } from "./open-files.ts";
import { count, pathWord } from "./show.ts";

/** One conflict, by what tells it from others when they are counted anew. */
export interface Wanted {
	readonly path: string;
	readonly hunk: OpenHunk;
	/** How many there are with the same sides, and the how manieth it is. */
	readonly alike: number;
	readonly rank: number;
	readonly isForAll: boolean;
}

interface Picking {
	readonly isForAll: boolean;
	readonly from: string;
}

/** The conflict of a file that `--hunk` means, by its number or its name. Throws UsageError. */
export function pick(files: readonly OpenFile[], typed: string, { isForAll, from }: Picking): Wanted {
	const [file] = files;
	const isOne = isForAll ? file?.kind === "text" : files.length === 1 && file?.kind === "text";
	if (file?.kind !== "text" || !isOne) {
		throw new UsageError("--hunk needs one file with conflicts of lines", { next: "udo resolve PATH --hunk N --ours" });
	}
	const { path } = file.unmerged;
	const word = pathWord(path, from);
	const { hunks } = file.reading;
	const named = looksLikeName(typed) ? hunks.filter(({ name }) => name === typed) : undefined;
	const hunk = named === undefined ? hunks[wholeNumber(typed, "--hunk", word) - 1] : named[0];
	if (hunk === undefined) {
		throw new UsageError(`there is no conflict ${typed} in ${showText(path, 120)}`, {
			why: `${count(hunks.length)} open there.`,
			next: `udo resolve ${word}`,
		});
	}
	if (named !== undefined && named.length > 1 && !isForAll) {
		throw new UsageError(`${named.length} conflicts in ${showText(path, 120)} are ${typed}`, {
			why: "their sides are the same.",
			next: "with --identical for all of them, or their number",
		});
	}
	const alike = hunks.filter(({ name }) => name === hunk.name);
	return { path, hunk, alike: alike.length, rank: alike.indexOf(hunk), isForAll };
}

/** The same conflict in the file as it is now; undefined when it is not there any more, or cannot be told from others. */
export function wantedIn({ hunks }: Reading, { hunk, alike, rank }: Wanted): OpenHunk | undefined {
	const now = hunks.filter(({ name }) => name === hunk.name);
	return now.length === alike ? now[rank] : undefined;
}
