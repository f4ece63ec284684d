import { type Side, sides } from "../../server/coordination/conflict.ts";
import { showText } from "../../server/coordination/describe.ts";
import { UsageError } from "../../server/errors.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";
import type { Choice } from "./choice.ts";
import { isTerminal, type Place } from "./place.ts";
import { describeRecorded, findRecorded, type Recorded, recordedTarget, settleRecorded } from "./recorded.ts";
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
	if (options.print !== undefined) return printSide(recorded, options.print);
	if (conflict.resolution === undefined) await settle(cli, place, workspace, recorded, choice, options);
	const now = await findRecorded(workspace, conflict.id);
	cli.output.result("resolve", { conflict: now.conflict }, describeRecorded(now));
	return now.conflict.resolution === undefined ? 5 : 0;
}

async function settle(
	cli: Cli,
	place: Place,
	workspace: Workspace,
	recorded: Recorded,
	choice: Choice | undefined,
	{ done }: RecordedOptions,
): Promise<void> {
	const { store, project, coordinator } = workspace;
	if (done === true) {
		await store.resolveConflict(project, recorded.conflict.id, "settled by hand", coordinator.author);
	} else if (choice !== undefined) {
		await settleRecorded(place, workspace, recorded, choice, { isForced: choice.kind === "text" });
	} else if (isTerminal(cli) && recorded.path !== undefined) {
		const target = await recordedTarget(recorded, (text) =>
			settleRecorded(place, workspace, recorded, { kind: "text", text, from: "the walk" }, { isForced: false }),
		);
		const editing = { directory: place.repository.worktree, environment: cli.environment };
		if (target !== undefined) await walk([{ kind: "text", target }], { output: cli.output, editing });
	}
}

function printSide({ texts, conflict }: Recorded, side: string): number {
	const text = sides.some((each) => each === side) ? texts[side as Side] : undefined;
	if (text === undefined) {
		throw new UsageError(`${conflict.id} has no text of ${showText(side, 40)}`, {
			why: "there are base, ours and theirs, as far as they were kept; those of a settled conflict are gone.",
			next: `udo resolve ${conflict.id}`,
		});
	}
	process.stdout.write(text);
	return 0;
}
