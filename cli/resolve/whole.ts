import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { type DiskState, elsewhere } from "../../server/git/unmerged/disk-state.ts";
import { type Stage, stageBytes, type UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import { shellWord } from "../../server/shell-word.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import { conclude } from "./conclude.ts";
import { isUnnamable } from "./nature.ts";
import { diskState, type Place, refreshed } from "./place.ts";

export type WholeChoice = "ours" | "theirs" | "as it is";

/** Takes one side's version of a path as a whole, or this text, and stages it. A side that has none means that the file goes. */
export function takeWhole(place: Place, { path }: UnmergedPath, choice: WholeSource): Promise<void> {
	if (isUnnamable(path)) throw unnamable(path);
	return place.steps.alone(async () => {
		const unmerged = (await refreshed(place)).unmerged.find((each) => each.path === path);
		if (unmerged === undefined) throw changedMeanwhile(path);
		await take(place, unmerged, choice);
	});
}

type WholeSource = WholeChoice | { readonly text: Buffer };

async function take(place: Place, unmerged: UnmergedPath, choice: WholeSource): Promise<void> {
	const { path } = unmerged;
	const from = await diskState(place, path);
	const isSide = choice === "ours" || choice === "theirs";
	const stage = isSide ? unmerged[choice] : (unmerged.ours ?? unmerged.theirs);
	const what = `the whole file: ${typeof choice === "string" ? choice : "a text"}`;
	const make = async (to: DiskState, isLast: boolean) => {
		const made = await place.steps.make({ by: "resolve", path, what, isLast, to }, from);
		if (made === "changed") throw changedMeanwhile(path);
	};
	if (from.kind === "elsewhere") throw elsewhere(path, from.link);
	if (choice === "as it is") {
		await make(from, true);
		return conclude(place, path);
	}
	if (stage?.mode === "160000") {
		await make(from, false);
		await place.git.read(["update-index", "--cacheinfo", `160000,${stage.id},${path}`]);
		return;
	}
	const to = isSide ? await stateOf(place, path, stage) : fileOf(choice.text, stage, from);
	if (from.kind === "directory") throw blocked(path);
	await make(to, true);
	await conclude(place, path);
}

async function stateOf(place: Place, path: string, stage: Stage | undefined): Promise<DiskState> {
	if (stage === undefined) return { kind: "absent" };
	if (stage.mode !== "120000") return fileOf(await stageBytes(place.git, path, stage), stage);
	return { kind: "link", target: await place.git.readBytes(["cat-file", "blob", stage.id]) };
}

function fileOf(bytes: Buffer, stage: Stage | undefined, from?: DiskState): DiskState {
	if (from?.kind === "file") return { ...from, bytes };
	return { kind: "file", bytes, mode: stage?.mode === "100755" ? 0o755 : 0o644 };
}

function unnamable(path: string): UdoError {
	return new UdoError(`udo cannot name ${showText(path, 120)}`, {
		code: "path_invalid",
		why: "its name is no UTF-8.",
		next: "git checkout --ours or --theirs, then git add",
	});
}

function blocked(path: string): UdoError {
	return new UdoError(`a directory is where ${showText(path, 120)} belongs`, {
		code: "path_taken",
		why: "udo removes no directory.",
		next: `git mv ${shellWord(path)} ELSEWHERE, then udo resolve`,
	});
}
