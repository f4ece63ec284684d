import { recall, remember } from "./coordination/merge-memory.ts";
import { UdoError } from "./errors.ts";
import { isBinary } from "./git/binary.ts";
import type { Plumbing } from "./git/plumbing.ts";
import { GitError } from "./git/repository.ts";
import { currentOperation } from "./git/unmerged/conflict-state.ts";
import {
	conclusionOf,
	forgetStop,
	isCertain,
	isStanding,
	keepStop,
	movesOf,
	readStop,
	type Stop,
} from "./git/unmerged/stop.ts";
import { mergeAttributes, type Stage, stageBytes, type UnmergedPath } from "./git/unmerged/unmerged.ts";
import { hunkAt, hunkKey } from "./merge/hunk.ts";
import { mergeTexts, type Texts } from "./merge/merge.ts";
import { fileKind } from "./merge/rules/file-kind.ts";
import { settledTexts } from "./merge/settled-texts.ts";
import type { Workspace } from "./workspace.ts";

// A merge that went wrong in a thousand files is one mistake; each of them costs six gits.
const mostPaths = 100;
const longestText = 4 * 1024 * 1024;

/**
 * Looks after what is remembered of merges: notes what git has stopped at in this tree (`unmerged`), and, when it has gone on since
 * the last look, remembers how the conflicts were settled in what it concluded with, whoever settled them. What was aborted is
 * forgotten. Never fails for the store's or git's sake: then the next look sees to it.
 */
export async function followMerges(
	workspace: Workspace,
	git: Plumbing,
	unmerged: readonly UnmergedPath[],
): Promise<void> {
	const { repository, config } = workspace;
	if (!config.remembersMerges) return;
	const seen = await readStop(repository);
	if (seen === undefined && unmerged.length === 0) return;
	try {
		const operation = await currentOperation(git, repository);
		const head = await headOf(git);
		const moves = await movesOf(repository);
		const isSame = seen !== undefined && (await isStanding(git, seen, { head, moves, operation }));
		if (seen !== undefined && !isSame) {
			await learn(workspace, git, seen, head);
			await forgetStop(repository);
		}
		if (head === undefined || unmerged.length === 0) return;
		const known = isSame ? seen.paths.filter(({ path }) => !unmerged.some((each) => each.path === path)) : [];
		const paths = [...unmerged, ...known].slice(0, mostPaths);
		const { kind, theirs } = isSame ? seen : operation;
		if (!isSame || JSON.stringify(paths) !== JSON.stringify(seen.paths)) {
			await keepStop(repository, { kind, theirs, head, moves, paths });
		}
	} catch (error) {
		if (!(error instanceof UdoError) && !(error instanceof GitError)) throw error;
	}
}

async function learn(workspace: Workspace, git: Plumbing, stop: Stop, head: string | undefined): Promise<void> {
	const conclusion = await conclusionOf(git, stop, head);
	if (conclusion === undefined) return;
	for (const unmerged of stop.paths) {
		const id = await concludedBlob(git, conclusion, unmerged.path);
		// Had it been aborted, it would look just so.
		if (!isCertain(stop) && id === unmerged.ours?.id) continue;
		await learnPath(workspace, git, unmerged, id).catch(unlessGit);
	}
}

async function learnPath(
	{ coordinator }: Workspace,
	git: Plumbing,
	unmerged: UnmergedPath,
	id: string | undefined,
): Promise<void> {
	const { path } = unmerged;
	const texts = await textsOf(git, unmerged);
	if (texts === undefined || fileKind(path).kind === "generated") return;
	const { pieces } = await mergeTexts(texts, "diff3");
	const concluded = id === undefined ? Buffer.alloc(0) : await stageBytes(git, path, { id, mode: "" });
	const settled = settledTexts(pieces, concluded);
	const all = new Map<string, readonly (Buffer | undefined)[]>();
	for (const at of pieces.keys()) {
		const hunk = hunkAt(pieces, at);
		if (hunk === undefined) continue;
		const key = hunkKey(hunk);
		all.set(key, [...(all.get(key) ?? []), settled.get(at)]);
	}
	for (const [key, [text, ...others]] of all) {
		const isOne = text !== undefined && others.every((other) => other?.equals(text)) && !hasMarkers(text);
		if (isOne && (await remember(coordinator, path, key, text))) continue;
		// What was done in its place is not known to the byte; that it was something else is.
		const before = await recall(coordinator, path, key);
		if (before !== undefined && (isOne || !concluded.includes(before))) {
			await remember(coordinator, path, key, undefined);
		}
	}
}

async function concludedBlob(git: Plumbing, conclusion: string, path: string): Promise<string | undefined> {
	const entry = conclusion === "index" ? `:0:${path}` : `${conclusion}:${path}`;
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", entry]);
	return code === 0 ? stdout.toString().trim() : undefined;
}

// As `udo resolve` sees them; undefined for what is not merged by lines.
async function textsOf(git: Plumbing, { path, base, ours, theirs }: UnmergedPath): Promise<Texts | undefined> {
	if (ours === undefined || theirs === undefined || ![base ?? ours, ours, theirs].every(isFile)) return undefined;
	if ((await mergeAttributes(git, path)).driver === "unset") return undefined;
	const bytes = (stage: Stage) => stageBytes(git, path, stage);
	const texts = {
		base: base === undefined ? Buffer.alloc(0) : await bytes(base),
		ours: await bytes(ours),
		theirs: await bytes(theirs),
	};
	const each = [texts.base, texts.ours, texts.theirs];
	return each.some((text) => text.length > longestText || isBinary(text)) ? undefined : texts;
}

function isFile({ mode }: Stage): boolean {
	return mode.startsWith("100");
}

function hasMarkers(text: Buffer): boolean {
	return /^(<{7,}|>{7,})( |\r?$)/m.test(text.toString("latin1"));
}

async function headOf(git: Plumbing): Promise<string | undefined> {
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", "HEAD"]);
	return code === 0 ? stdout.toString().trim() : undefined;
}

function unlessGit(error: unknown): void {
	if (!(error instanceof GitError)) throw error;
}
