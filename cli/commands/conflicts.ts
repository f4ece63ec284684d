import type { Command } from "commander";
import { openConflicts } from "../../server/conflicts.ts";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { showDuration, showSession, showText } from "../../server/coordination/describe.ts";
import { describeLink } from "../../server/coordination/describe-link.ts";
import type { Session } from "../../server/coordination/session.ts";
import { isSamePlace } from "../../server/coordination/side-owner.ts";
import type { UnmergedPath } from "../../server/git/unmerged/unmerged.ts";
import type { Cli } from "../command.ts";
import { here, openPlace, type Place } from "../resolve/place.ts";
import { placesOf } from "../resolve/recorded-sides.ts";
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
	const sessions = open.length === 0 ? [] : ((await place.workspace?.store.sessions(place.workspace.project)) ?? []);
	const link = place.workspace?.store.link();
	const degraded = describeLink(link);
	const data = { ...(link && { link }), open, unrecorded: others.map(({ path }) => path), ...(all && { settled }) };
	const lines = [
		...open.flatMap((conflict) => describe(cli, place, conflict, sessions)),
		...others.flatMap((unmerged) => describeUnrecorded(cli, place, unmerged)),
		...settled.map(describeSettled),
	];
	const none =
		link === undefined || link.state === "connected" ? "no open conflicts" : "no open conflicts on this machine";
	const title = count === 0 ? none : count === 1 ? "1 open conflict" : `${count} open conflicts`;
	cli.output.result("conflicts", data, [
		...(degraded === undefined ? [] : [degraded]),
		cli.output.bold(title),
		...lines,
	]);
	return count === 0 ? 0 : 5;
}

async function settledOnes({ workspace }: Place): Promise<readonly Conflict[]> {
	if (workspace === undefined) return [];
	const all = await workspace.store.conflicts(workspace.project, "all");
	return all.filter(({ resolution }) => resolution !== undefined);
}

function describe(cli: Cli, place: Place, conflict: Conflict, sessions: readonly Session[]): readonly string[] {
	const { id, type, summary, ageMs, attempts } = conflict;
	const unmerged = pathOf(place, conflict);
	const next =
		unmerged === undefined
			? showText(conflict.next)
			: `udo resolve ${pathWord(unmerged.path, here(cli, place))}, or udo merge for all of them`;
	return [
		`${id}  ${type}  ${showText(summary)}`,
		cli.output.dim(`  since ${showDuration(ageMs)}, ${whoSettles(place, conflict, sessions)}`),
		...goneEditors(conflict, sessions),
		...attempts.map(({ strategy, outcome }) => cli.output.dim(`  tried ${strategy}: ${showText(outcome, 200)}`)),
		`  next: ${next}`,
	];
}

// Only in its own tree can a file be settled, whoever comes first in the project.
function whoSettles({ workspace }: Place, conflict: Conflict, sessions: readonly Session[]): string {
	const { assignee } = conflict;
	const places = placesOf(conflict);
	const their = sessions.find(({ id }) => id === assignee);
	const isNear = their === undefined || places.length === 0 || places.some((each) => isSamePlace(each, their));
	if (!isNear) return `to be settled in ${places.map(({ worktree }) => showText(worktree, 120)).join(" or ")}`;
	return `assigned to ${assignee === workspace?.coordinator.session.id ? "you" : showText(assignee ?? "nobody", 64)}`;
}

function goneEditors({ owners }: Conflict, sessions: readonly Session[]): readonly string[] {
	return (["ours", "theirs"] as const).flatMap((side) => {
		const owner = owners?.[side];
		if (owner?.kind !== "editor" || sessions.some(({ id }) => id === owner.session)) return [];
		return [`  the editor of ${showSession(owner)} is gone; the text it had last is kept as ${side}`];
	});
}

function describeUnrecorded(cli: Cli, place: Place, { path }: UnmergedPath): readonly string[] {
	return [`${showText(path)}: git could not merge it`, `  next: udo resolve ${pathWord(path, here(cli, place))}`];
}

function describeSettled({ id, type, summary, resolution, how, resolvedBy }: Conflict): string {
	const by = resolvedBy === undefined ? "" : ` by ${showText(resolvedBy, 64)}`;
	return `${id}  ${type}  ${showText(summary)}  settled${by}: ${showText(resolution ?? "")} (${how ?? "manual"})`;
}
