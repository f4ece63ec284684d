import type { Command } from "commander";
import { openConflicts } from "../../server/conflicts.ts";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import type { UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import type { Cli } from "../command.ts";
import { here, openPlace, type Place } from "../resolve/place.ts";
import { pathOf } from "../resolve/records.ts";
import { pathWord } from "../resolve/show.ts";

export function define(command: Command, cli: Cli): void {
	command
		.option("--all", "also those that are settled, with how and by whom")
		.addHelpText("after", "\nExits 5 when any is open.")
		.action(cli.action((options: { readonly all?: true }) => conflicts(cli, options.all === true)));
}

async function conflicts(cli: Cli, all: boolean): Promise<number> {
	const place = await openPlace(cli);
	const open = place.workspace === undefined ? [] : await openConflicts(place.workspace, cli.environment);
	const settled = all ? await settledOnes(place) : [];
	const recorded = new Set(open.map((conflict) => pathOf(place, conflict)));
	const others = place.unmerged.filter((unmerged) => !recorded.has(unmerged));
	const count = open.length + others.length;
	const data = { open, unrecorded: others.map(({ path }) => path), ...(all && { settled }) };
	const lines = [
		...open.flatMap((conflict) => describe(cli, place, conflict)),
		...others.flatMap((unmerged) => describeUnrecorded(cli, place, unmerged)),
		...settled.map(describeSettled),
	];
	const title = count === 0 ? "no open conflicts" : count === 1 ? "1 open conflict" : `${count} open conflicts`;
	cli.output.result("conflicts", data, [cli.output.bold(title), ...lines]);
	return count === 0 ? 0 : 5;
}

async function settledOnes({ workspace }: Place): Promise<readonly Conflict[]> {
	if (workspace === undefined) return [];
	const all = await workspace.store.conflicts(workspace.project, "all");
	return all.filter(({ resolution }) => resolution !== undefined);
}

function describe(cli: Cli, place: Place, conflict: Conflict): readonly string[] {
	const { id, type, summary, ageMs, assignee, attempts } = conflict;
	const mine = assignee === place.workspace?.coordinator.session.id ? "you" : showText(assignee ?? "nobody", 64);
	const unmerged = pathOf(place, conflict);
	const next =
		unmerged === undefined
			? showText(conflict.next)
			: `udo resolve ${pathWord(unmerged.path, here(cli, place))}, or udo merge for all of them`;
	return [
		`${id}  ${type}  ${showText(summary)}`,
		cli.output.dim(`  since ${showDuration(ageMs)}, assigned to ${mine}`),
		...attempts.map(({ strategy, outcome }) => cli.output.dim(`  tried ${strategy}: ${showText(outcome, 200)}`)),
		`  next: ${next}`,
	];
}

function describeUnrecorded(cli: Cli, place: Place, { path }: UnmergedPath): readonly string[] {
	return [`${showText(path)}: git could not merge it`, `  next: udo resolve ${pathWord(path, here(cli, place))}`];
}

function describeSettled({ id, type, summary, resolution, how, resolvedBy }: Conflict): string {
	const by = resolvedBy === undefined ? "" : ` by ${showText(resolvedBy, 64)}`;
	return `${id}  ${type}  ${showText(summary)}  settled${by}: ${showText(resolution ?? "")} (${how ?? "manual"})`;
}
