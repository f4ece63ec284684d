import { showSession } from "../server/coordination/describe.ts";
import { judgeSweep } from "../server/coordination/guard.ts";
import type { Session } from "../server/coordination/session.ts";
import { HeldError, type UdoError } from "../server/errors.ts";
import type { Workspace } from "../server/workspace.ts";
import { showNames } from "./verdict.ts";
import { Writers } from "./writers.ts";

/** A staged file that only another live session of this tree wrote. */
export interface Swept {
	readonly path: string;
	readonly writer: Session;
	readonly judgement: "block" | "warn";
}

/** Those of the staged files that somebody else in this tree wrote, and nobody here, as after `git add -A`. */
export async function sweptFiles(
	workspace: Workspace,
	others: readonly Session[],
	staged: readonly string[],
): Promise<readonly Swept[]> {
	if (others.length === 0 || staged.length === 0) return [];
	const writers = await Writers.open(workspace, others);
	const presence = await workspace.store.presence(workspace.project);
	const swept: Swept[] = [];
	for (const path of staged) {
		const writer = await writers.of(path);
		if (writer.kind !== "another") continue;
		const { session } = writer;
		const unsaved = presence.some((open) => open.session === session.id && open.path === path && open.unsaved);
		swept.push({ path, writer: session, judgement: judgeSweep({ unsaved }) });
	}
	return swept;
}

/** One line for each writer. */
export function sweepWarnings(swept: readonly Swept[]): readonly string[] {
	return byWriter(swept).map(([writer, paths]) => {
		const verb = paths.length === 1 ? "was" : "were";
		return `warning: ${showNames(paths)} ${verb} written by ${showSession({ session: writer.id, actor: writer.actor })} in this tree, not by you (only yours: udo commit --mine)`;
	});
}

/** Three lines for each writer. */
export function sweepRefusals(swept: readonly Swept[]): readonly UdoError[] {
	return byWriter(swept).map(([writer, paths]) => {
		const verb = paths.length === 1 ? "is" : "are";
		return new HeldError(`commit refused: ${showNames(paths)} ${verb} unfinished work of somebody else`, {
			why: `${showSession({ session: writer.id, actor: writer.actor })} in this working tree wrote it and goes on writing; you did not.`,
			next: "udo commit --mine",
		});
	});
}

function byWriter(swept: readonly Swept[]): readonly (readonly [Session, readonly string[]])[] {
	const writers = new Map(swept.map(({ writer }) => [writer.id, writer]));
	return [...writers.values()].map((writer) => [
		writer,
		swept.filter((each) => each.writer.id === writer.id).map(({ path }) => path),
	]);
}
