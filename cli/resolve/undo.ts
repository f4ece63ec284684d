import type { Step } from "../../server/git/unmerged/resolution-steps.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import { rememberSteps } from "./memory.ts";
import type { Place } from "./place.ts";

/** Takes back the newest step, or the newest in these paths. Undefined when there is none. Throws UdoError `changed_meanwhile`. */
export async function undoStep(place: Place, paths: readonly string[]): Promise<Step | undefined> {
	const step = (await place.steps.all()).findLast(({ path }) => paths.length === 0 || paths.includes(path));
	if (step !== undefined && (await undoFrom(place, step)) === "changed") throw changedMeanwhile(step.path);
	return step;
}

/** Takes back a step and all later ones in its path; what was remembered of them is forgotten. */
export async function undoFrom(place: Place, step: Step): Promise<"undone" | "changed"> {
	const its = (await place.steps.all()).filter(({ path }) => path === step.path);
	const outcome = await place.steps.undo(step);
	if (outcome === "undone" && its.some(({ isLast }) => isLast)) await rememberSteps(place, its, "forget");
	return outcome;
}
