import type { Conflict, Side } from "../../server/coordination/conflict.ts";
import { showDuration, showText } from "../../server/coordination/describe.ts";
import { describeLink } from "../../server/coordination/describe-link.ts";
import { thisHost } from "../../server/coordination/process.ts";
import { resourceOf } from "../../server/coordination/resource.ts";
import { isSamePlace, type TreePlace } from "../../server/coordination/side-owner.ts";
import { StoreUnavailableError, UdoError, UsageError } from "../../server/errors.ts";
import { elsewhere, readDisk } from "../../server/git/unmerged/disk-state.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Output } from "../output.ts";
import { changedMeanwhile } from "./changed-meanwhile.ts";
import type { Choice } from "./choice.ts";
import { diskState, type Place } from "./place.ts";
import { describeSides, ownersOf, placesOf } from "./recorded-sides.ts";
import type { Target } from "./target.ts";

/** A recorded conflict that is open, with the texts that are kept of it. */
export interface Recorded {
	readonly conflict: Conflict;
	readonly texts: { readonly [Name in Side]: Buffer | undefined };
	/** The file in this working tree that it is about; undefined when it is about none, or one elsewhere. */
	readonly path: string | undefined;
	/** Whether theirs is that the file is gone. */
	readonly isDeleted: boolean;
	/** Where it is looked at. */
	readonly here: TreePlace;
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
		const away = store.link() !== undefined && store.link()?.state !== "connected";
		if (away) throw unseen(id, describeLink(store.link()));
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
	const here = { host: thisHost(), worktree: repository.worktree };
	const places = placesOf(conflict);
	const isHere = places.length === 0 ? conflict.type !== "git_merge" : places.some((place) => isSamePlace(place, here));
	const texts = { base: await text("base"), ours: await text("ours"), theirs: await text("theirs") };
	const itsPath = kind === "file" && !path.endsWith("/") && isHere ? path : undefined;
	const isDeleted =
		itsPath !== undefined &&
		conflict.type === "file_edit" &&
		texts.theirs === undefined &&
		!conflict.omitted.some(({ side }) => side === "theirs") &&
		(await readDisk(repository.worktree, itsPath)).kind === "absent";
	return { conflict, texts, path: itsPath, isDeleted, here };
}

// The team's are in the team's store alone.
function unseen(id: string, why: string | undefined): UdoError {
	return new StoreUnavailableError(`${showText(id, 80)} cannot be looked up now`, {
		...(why !== undefined && { why }),
		next: "udo doctor",
		retryable: true,
	});
}

/** All there is to say about it, and what may be typed. */
export function describeRecorded(output: Output, recorded: Recorded): readonly string[] {
	const { conflict, texts, path, here } = recorded;
	const { id, type, summary, ageMs, attempts, omitted } = conflict;
	if (conflict.resolution !== undefined) {
		return [
			`${id}  ${type}  ${showText(summary)}`,
			`  settled: ${showText(conflict.resolution)} (${conflict.how ?? "manual"})`,
		];
	}
	const places = path === undefined ? placesOf(conflict) : [];
	const choices = path === undefined ? [] : choicesFor(recorded);
	return [
		`${id}  ${type}  ${showText(summary)}`,
		`  since ${showDuration(ageMs)}`,
		...describeSides(output, conflict, texts, here),
		...omitted.map(({ side, bytes }) => `  ${side} has ${bytes} bytes and was not kept: see the file`),
		...attempts.map(({ strategy, outcome }) => `  tried ${strategy}: ${showText(outcome, 200)}`),
		...places.map(({ worktree, host }) => `  it is about ${shellWord(worktree)} on ${showText(host, 80)}`),
		...(conflict.next === `udo resolve ${id}` ? [] : [`  next: ${showText(conflict.next)}`]),
		`  ${conflict.next === `udo resolve ${id}` ? "next" : "or"}: udo resolve ${id} ${[...choices, "--done"].join(", ")}`,
	];
}

/**
 * Settles it by a choice: the text goes to the file first (also over one that is neither side when `isForced`), and then all are told.
 * `udo resolve --undo PATH` brings the file back. Answers whether it had to be written.
 */
export async function settleRecorded(
	place: Place,
	workspace: Workspace,
	recorded: Recorded,
	choice: Choice,
	{ isForced }: { readonly isForced: boolean },
): Promise<"written" | "as it was"> {
	const { conflict, path } = recorded;
	if (path === undefined) {
		throw new UsageError(`${conflict.id} is not about a file that lies here`, {
			why: showText(conflict.summary),
			next: elsewhereNext(conflict),
		});
	}
	const isDone = recorded.isDeleted && choice.kind === "theirs";
	const write = async () => {
		const text = await textOfChoice(recorded, choice);
		return writeRecorded(place, recorded, path, text, `${conflict.id}: ${choice.kind}`, isForced);
	};
	const how = choice.kind === "both" ? "three-way merge" : "manual";
	const words = choice.kind === "text" ? `a text for ${path}` : `${choice.kind} for ${path}`;
	const { store, project, coordinator } = workspace;
	// An editor with just this text would take the file for saved, and the conflict for superseded.
	const attempt = { strategy: "manual", outcome: words } as const;
	await store.amendConflict(project, conflict.id, { attempt }, coordinator.author);
	const outcome = isDone ? "as it was" : await write();
	await store.resolveConflict(project, conflict.id, words, coordinator.author, how);
	return outcome;
}

function elsewhereNext(conflict: Conflict): string {
	const { id, next } = conflict;
	const [place] = placesOf(conflict);
	if (next !== `udo resolve ${id}`) return `${showText(next)}; then udo resolve ${id} --done`;
	return place === undefined ? `udo resolve ${id} --done` : `cd ${shellWord(place.worktree)} && ${next}`;
}

/** Its texts as one with conflict markers, settled in memory; `finish` gets the text when nothing is left. */
export async function recordedTarget(
	{ texts, conflict, path = conflict.id, here }: Recorded,
	finish: (text: Buffer) => Promise<unknown>,
): Promise<Target | undefined> {
	const { ours, theirs, base = Buffer.alloc(0) } = texts;
	if (ours === undefined || theirs === undefined) return undefined;
	const whole: Texts = { base, ours, theirs };
	const { pieces, conflicts } = await mergeTexts(whole, "diff3");
	if (conflicts === 0) return undefined;
	let text = renderPieces(pieces, "diff3", { ...ownersOf(conflict, here), base: "" }).text;
	const before: Buffer[] = [];
	return {
		path,
		markerSize: 7,
		texts: whole,
		...(conflict.owners && { owners: ownersOf(conflict, here) }),
		sides: async () => ({ ours: undefined, theirs: undefined }),
		read: async () => text,
		write: async (from, to, { isLast }) => {
			before.push(from);
			text = to;
			if (isLast) await finish(text);
		},
		undo: async () => {
			const earlier = before.pop();
			if (earlier === undefined) return undefined;
			text = earlier;
			return { what: path };
		},
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
): Promise<"written" | "as it was"> {
	const from = await diskState(place, path);
	const now = from.kind === "file" ? from.bytes : undefined;
	if (now?.equals(text) === true) return "as it was";
	if (from.kind === "elsewhere") throw elsewhere(path, from.link);
	const isKnown = now === undefined || Object.values(texts).some((each) => each?.equals(now) === true);
	if (from.kind === "directory" || from.kind === "link" || (!isKnown && !isForced)) {
		throw new UdoError(`${showText(path, 120)} is neither side of the conflict any more`, {
			code: "changed_meanwhile",
			why: "somebody changed it since; udo does not write over that.",
			next: `udo resolve ${conflict.id} --file ${shellWord(path)}, to keep it as it is`,
		});
	}
	const to = { kind: "file", mode: from.kind === "file" ? from.mode : 0o644, bytes: text } as const;
	const made = await place.steps.make({ by: "resolve", path, what, isLast: false, to }, from);
	if (made === "changed") throw changedMeanwhile(path);
	return "written";
}

function choicesFor({ texts: { ours, theirs }, isDeleted }: Recorded): readonly string[] {
	const both = ours !== undefined && theirs !== undefined ? ["--both"] : [];
	const their = isDeleted ? ["--theirs (it stays deleted)"] : theirs === undefined ? [] : ["--theirs"];
	return [...(ours ? ["--ours"] : []), ...their, ...both, "--file FILE"];
}
