import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { GitError } from "../../server/git/repository.ts";
import { digestOf } from "../../server/git/unmerged/disk-state.ts";
import { shellWord } from "../../server/shell-word.ts";
import { diskState, type Place, refreshed } from "./place.ts";
import { settleRecord } from "./records.ts";

/** Nothing of a path's conflict is left: stages it, as people do with `git add`, and tells those who wait for it. */
export async function conclude(place: Place, path: string): Promise<void> {
	await stage(place, path);
	await place.steps.noteStaged(path);
	const steps = (await place.steps.all()).filter((step) => step.path === path);
	await settleRecord(place, path, steps.at(-1));
}

/** Stages a path as it is on disk, or its absence. */
export async function stage(place: Place, path: string): Promise<void> {
	// Like `git add`, with the same filters, but also outside a sparse checkout.
	await place.git.read(["update-index", "--add", "--remove", "--", path]).catch((cause: unknown) => {
		if (!(cause instanceof GitError)) throw cause;
		throw new UdoError(`${showText(path, 120)} is settled, but git did not stage it`, {
			code: "git_failed",
			why: showText(cause.message.split("\n")[0] ?? ""),
			next: `git add ${shellWord(path)}`,
			cause,
		});
	});
}

/**
 * Finishes what a udo that was killed had written but not staged. Answers the paths. What was staged already, and is unmerged again,
 * is another conflict, of which nothing was chosen yet.
 */
export async function concludeInterrupted(place: Place): Promise<readonly string[]> {
	if ((await place.steps.all()).length === 0) return [];
	return place.steps.alone(async () => {
		const finished: string[] = [];
		const { unmerged } = await refreshed(place);
		for (const each of unmerged) {
			const { path } = each;
			await place.steps.forgetEarlier(each);
			const last = (await place.steps.all()).findLast((step) => step.path === path);
			// Of a choice that left the file as it was, nothing shows that it was made in this very merge.
			if (last?.isLast !== true || digestOf(last.before) === last.after) continue;
			if (digestOf(await diskState(place, path)) !== last.after) continue;
			await conclude(place, path);
			finished.push(path);
		}
		return finished;
	});
}
