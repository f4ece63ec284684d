import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import type { Place } from "./place.ts";

/** Takes back the newest step, or the newest in these paths. Undefined when there is none. Throws UdoError `changed_meanwhile`. */
export function undoStep(place: Place, paths: readonly string[]): Promise<Step | undefined> {
	const { steps } = place;
	return steps.alone(async () => {
		const step = (await steps.all()).findLast(({ path }) => paths.length === 0 || paths.includes(path));
		if (step !== undefined && (await undoFrom(place, step)) === "changed") throw changedMeanwhile(step.path);
		return step;
	});
}

/** Takes back a step and all later ones in its path. */
export function undoFrom(place: Place, step: Step): Promise<"undone" | "changed"> {
	return place.steps.undo(step);
}
