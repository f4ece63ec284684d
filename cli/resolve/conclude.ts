import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { GitError } from "../../server/git/repository.ts";
import { digestOf, readDisk } from "../../server/git/unmerged/disk-state.ts";
import { shellWord } from "../../server/shell-word.ts";
import { rememberSteps } from "./memory.ts";
import { onDisk, type Place } from "./place.ts";
import { settleRecord } from "./records.ts";

/** Nothing of a path's conflict is left: stages it, as people do with `git add`, and tells those who wait for it. */
export async function conclude(place: Place, path: string): Promise<void> {
	await stage(place, path);
	const steps = (await place.steps.all()).filter((step) => step.path === path);
	await rememberSteps(place, steps, "remember");
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

/** Finishes what a udo that was killed had written but not staged. Answers the paths. */
export async function concludeInterrupted(place: Place): Promise<readonly string[]> {
	const steps = await place.steps.all();
	const finished: string[] = [];
	for (const { path } of place.unmerged) {
		const last = steps.findLast((step) => step.path === path);
		if (last?.isLast !== true || digestOf(await readDisk(onDisk(place, path))) !== last.after) continue;
		await conclude(place, path);
		finished.push(path);
	}
	return finished;
}
