import type { Conflict, Side } from "../../server/coordination/conflict.ts";
import { thisHost } from "../../server/coordination/coordinator.ts";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import { resourceOf } from "../../server/coordination/resource.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { readDisk } from "../../server/git/unmerged/disk-state.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Choice } from "./choice.ts";
import { onDisk, type Place } from "./place.ts";
import type { Target } from "./target.ts";

/** A recorded conflict that is open, with the texts that are kept of it. */
export interface Recorded {
	readonly conflict: Conflict;
	readonly texts: { readonly [Name in Side]: Buffer | undefined };
	/** The file in this working tree that it is about; undefined when it is about none, or one elsewhere. */
	readonly path: string | undefined;
}

/** What a word of the command line may mean, before it is taken for a path. */
export function looksLikeId(word: string): boolean {
	return /^conflict_[0-9a-f]+$/.test(word);
}

/** The conflict of that id. Throws UdoError `conflict_unknown`. */
export async function findRecorded(workspace: Workspace, id: string): Promise<Recorded> {
	const { store, project, repository } = workspace;
	const conflict = (await store.conflicts(project, "all")).find((each) => each.id === id);
	if (conflict === undefined) {
		throw new UdoError(`there is no conflict ${showText(id, 80)}`, {
			code: "conflict_unknown",
			next: "udo conflicts --all",
		});
	}
	const text = async (side: Side) => {
		const bytes = await store.conflictBlob(project, conflict.id, side);
		return bytes && Buffer.from(bytes);
	};
	const { kind, id: path } = resourceOf(conflict.resource);
	const isHere =
		conflict.place === undefined
			? conflict.type !== "git_merge"
			: conflict.place.host === thisHost() && conflict.place.worktree === repository.worktree;
	return {
		conflict,
		texts: { base: await text("base"), ours: await text("ours"), theirs: await text("theirs") },
		path: kind === "file" && !path.endsWith("/") && isHere ? path : undefined,
	};
}

/** All there is to say about it, and what may be typed. */
export function describeRecorded({ conflict, texts, path }: Recorded): readonly string[] {
	const { id, type, summary, ageMs, attempts, omitted, place } = conflict;
	if (conflict.resolution !== undefined) {
		return [
			`${id}  ${type}  ${showText(summary)}`,
			`  settled: ${showText(conflict.resolution)} (${conflict.how ?? "manual"})`,
		];
	}
	const kept = Object.entries(texts).flatMap(([side, text]) =>
		text === undefined ? [] : [`${side} ${text.length} bytes`],
	);
	const choices = path === undefined ? [] : choicesFor(texts);
	return [
		`${id}  ${type}  ${showText(summary)}`,
		`  since ${showDuration(ageMs)}${kept.length === 0 ? "" : `; kept: ${kept.join(", ")} (--print base, ours or theirs)`}`,
		...omitted.map(({ side, bytes }) => `  ${side} has ${bytes} bytes and was not kept: see the file`),
		...attempts.map(({ strategy, outcome }) => `  tried ${strategy}: ${showText(outcome, 200)}`),
		...(path === undefined && place !== undefined
			? [`  it is about ${shellWord(place.worktree)} on ${showText(place.host, 80)}`]
			: []),
		`  next: ${showText(conflict.next)}`,
		`  or: udo resolve ${id} ${[...choices, "--done"].join(", ")}`,
	];
}

/**
 * Settles it by a choice: the text goes to the file first (also over one that is neither side when `isForced`), and then all are told.
 * `udo resolve --undo PATH` brings the file back.
 */
export async function settleRecorded(
	place: Place,
	workspace: Workspace,
	recorded: Recorded,
	choice: Choice,
	{ isForced }: { readonly isForced: boolean },
): Promise<void> {
	const { conflict, path } = recorded;
	if (path === undefined) {
		throw new UsageError(`${conflict.id} is not about a file that lies here`, {
			why: showText(conflict.summary),
			next: `${showText(conflict.next)}; then udo resolve ${conflict.id} --done`,
		});
	}
	const text = await textOfChoice(recorded, choice);
	await writeRecorded(place, recorded, path, text, `${conflict.id}: ${choice.kind}`, isForced);
	const how = choice.kind === "both" ? "three-way merge" : "manual";
	const words = choice.kind === "text" ? `a text for ${path}` : `${choice.kind} for ${path}`;
	await workspace.store.resolveConflict(workspace.project, conflict.id, words, workspace.coordinator.author, how);
}

/** Its texts as one with conflict markers, settled in memory; `finish` gets the text when nothing is left. */
export async function recordedTarget(
	{ texts, conflict, path = conflict.id }: Recorded,
	finish: (text: Buffer) => Promise<void>,
): Promise<Target | undefined> {
	const { ours, theirs, base = Buffer.alloc(0) } = texts;
	if (ours === undefined || theirs === undefined) return undefined;
	const whole: Texts = { base, ours, theirs };
	const { pieces, conflicts } = await mergeTexts(whole, "diff3");
	if (conflicts === 0) return undefined;
	let text = renderPieces(pieces, "diff3", { ours: "", base: "", theirs: "" }).text;
	const before: Buffer[] = [];
	return {
		path,
		markerSize: 7,
		texts: whole,
		sides: async () => ({ ours: undefined, theirs: undefined }),
		read: async () => text,
		write: async (from, to) => {
			before.push(from);
			text = to;
		},
		undo: async () => {
			const earlier = before.pop();
			if (earlier === undefined) return undefined;
			text = earlier;
			return { what: path };
		},
		finish: () => finish(text),
	};
}

async function textOfChoice({ texts, conflict }: Recorded, choice: Choice): Promise<Buffer> {
	if (choice.kind === "text") return choice.text;
	if (choice.kind === "ours" || choice.kind === "theirs") {
		const text = texts[choice.kind];
		if (text !== undefined) return text;
		throw new UdoError(`${conflict.id} has no text of ${choice.kind}`, {
			code: "no_text",
			why: "it was not kept, or there was none.",
			next: `udo resolve ${conflict.id} --file FILE`,
		});
	}
	const { ours, theirs, base = Buffer.alloc(0) } = texts;
	const merged =
		ours && theirs && choice.kind === "both" ? await mergeTexts({ base, ours, theirs }, "merge") : undefined;
	if (merged?.conflicts === 0) return renderPieces(merged.pieces, "merge", { ours: "", base: "", theirs: "" }).text;
	throw new UsageError(`${conflict.id} cannot be settled so`, {
		why: "for a recorded conflict --both means its clean three-way merge, and it has none.",
		next: `udo resolve ${conflict.id}, on a terminal, or with --file FILE`,
	});
}

// What is on disk is replaced only when it is one of the texts that the conflict is about: anything newer is somebody's work.
async function writeRecorded(
	place: Place,
	{ texts, conflict }: Recorded,
	path: string,
	text: Buffer,
	what: string,
	isForced: boolean,
): Promise<void> {
	const from = await readDisk(onDisk(place, path));
	const now = from.kind === "file" ? from.bytes : undefined;
	if (now?.equals(text) === true) return;
	const isKnown = now === undefined || Object.values(texts).some((each) => each?.equals(now) === true);
	if (from.kind === "directory" || from.kind === "link" || (!isKnown && !isForced)) {
		throw new UdoError(`${showText(path, 120)} is neither side of the conflict any more`, {
			code: "changed_meanwhile",
			why: "somebody changed it since; udo does not write over that.",
			next: `udo resolve ${conflict.id} --file ${shellWord(path)}, to keep it as it is`,
		});
	}
	const to = { kind: "file", mode: from.kind === "file" ? from.mode : 0o644, bytes: text } as const;
	await place.steps.make({ by: "resolve", path, what, isLast: false, settled: [], to }, from);
}

function choicesFor({ ours, theirs }: Recorded["texts"]): readonly string[] {
	const both = ours !== undefined && theirs !== undefined ? ["--both"] : [];
	return [...(ours ? ["--ours"] : []), ...(theirs ? ["--theirs"] : []), ...both, "--file FILE"];
}
