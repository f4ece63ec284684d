import { type Conflict, type Side, sides } from "../../server/coordination/conflict.ts";
import { showText } from "../../server/coordination/describe.ts";
import { thisHost } from "../../server/coordination/process.ts";
import type { TreePlace } from "../../server/coordination/side-owner.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import type { Choice } from "./choice.ts";
import { here, isTerminal, type Place } from "./place.ts";
import { describeRecorded, findRecorded, type Recorded, recordedTarget, settleRecorded } from "./recorded.ts";
import { ownersOf } from "./recorded-sides.ts";
import { pathWord } from "./show.ts";
import { walk } from "./walk.ts";

export interface RecordedOptions {
	readonly done?: true;
	readonly print?: string;
}

/** Shows a recorded conflict, and settles it as far as that is asked for. Answers 5 when it is open afterwards. */
export async function resolveRecorded(
	cli: Cli,
	place: Place,
	workspace: Workspace,
	recorded: Recorded,
	choice: Choice | undefined,
	options: RecordedOptions,
): Promise<number> {
	const { conflict } = recorded;
	if (options.print !== undefined) return printSide(cli, recorded, options.print);
	const isOpen = conflict.resolution === undefined;
	const said = isOpen ? await settle(cli, place, workspace, recorded, choice, options) : [];
	const now = await findRecorded(workspace, conflict.id);
	cli.output.result("resolve", { conflict: now.conflict }, [...said, ...describeRecorded(cli.output, now)]);
	return now.conflict.resolution === undefined ? 5 : 0;
}

async function settle(
	cli: Cli,
	place: Place,
	workspace: Workspace,
	recorded: Recorded,
	choice: Choice | undefined,
	{ done }: RecordedOptions,
): Promise<readonly string[]> {
	const { store, project, coordinator } = workspace;
	const said: string[] = [];
	const settleBy = async (made: Choice, isForced: boolean) => {
		const outcome = await settleRecorded(place, workspace, recorded, made, { isForced });
		said.push(toldOf(cli, place, recorded, made, outcome));
	};
	if (done === true) {
		refuseUnmerged(recorded);
		await store.resolveConflict(project, recorded.conflict.id, "settled by hand", coordinator.author);
	} else if (choice !== undefined) {
		await settleBy(choice, choice.kind === "text");
	} else if (isTerminal(cli) && recorded.path !== undefined) {
		const target = await recordedTarget(recorded, (text) => settleBy({ kind: "text", text, from: "the walk" }, false));
		const editing = { directory: place.repository.worktree, environment: cli.environment };
		if (target !== undefined) await walk([{ kind: "text", target }], { output: cli.output, editing });
	}
	return said;
}

// Whose text it is now: `ours` may be somebody else's, who wrote it down first.
function toldOf(
	cli: Cli,
	place: Place,
	{ conflict, path = "", here: at }: Recorded,
	choice: Choice,
	outcome: "written" | "as it was",
): string {
	const file = `${showText(path, 120)} in this tree`;
	if (outcome === "as it was") return `${file} stays as it is: that was chosen`;
	return `${file} is now ${chosen(conflict, choice, at)}; udo resolve --undo ${pathWord(path, here(cli, place))} takes that back`;
}

function chosen(conflict: Conflict, choice: Choice, at: TreePlace): string {
	if (choice.kind === "text") return `the text from ${choice.from}`;
	if (choice.kind !== "ours" && choice.kind !== "theirs") return "both";
	const whose = ownersOf(conflict, at)[choice.kind];
	return whose === "" ? choice.kind : `${choice.kind} (${whose})`;
}

// git decides what is merged: the next look would only record it anew. Of a machine that is gone for good nobody looks.
function refuseUnmerged({ conflict: { id, type, place, next } }: Recorded): void {
	if (type !== "git_merge" || place?.host !== thisHost()) return;
	throw new UdoError(`${id} is not settled: the path is unmerged in ${showText(place.worktree, 120)}`, {
		code: "still_unmerged",
		why: "its record ends by itself when git is told, by git add, git merge --abort or udo resolve.",
		next: `cd ${shellWord(place.worktree)} && ${showText(next)}`,
	});
}

function printSide({ output }: Cli, { texts, conflict }: Recorded, side: string): number {
	const text = sides.some((each) => each === side) ? texts[side as Side] : undefined;
	if (text === undefined) {
		throw new UsageError(`${conflict.id} has no text of ${showText(side, 40)}`, {
			why: "there are base, ours and theirs, as far as they were kept; those of a settled conflict are gone.",
			next: `udo resolve ${conflict.id}`,
		});
	}
	output.bytes(text);
	return 0;
}
