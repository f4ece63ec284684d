import { randomBytes } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plumbing } from "../plumbing.ts";
import type { Repository } from "../repository.ts";
import type { Operation, OperationKind } from "./conflict-state.ts";
import type { UnmergedPath } from "./unmerged.ts";

/** What git stopped at in a working tree, as it was seen: kept until git has gone on, so that it can be told what came of it. */
export interface Stop {
	readonly kind: OperationKind;
	/** The commit that was being brought in. */
	readonly theirs: string | undefined;
	/** The commit that git stopped on. */
	readonly head: string;
	/** Other as soon as HEAD has moved, even if it is back. */
	readonly moves: number;
	readonly paths: readonly UnmergedPath[];
}

/** What was seen last; undefined when nothing was, or it cannot be read. */
export async function readStop(repository: Repository): Promise<Stop | undefined> {
	try {
		const stop = JSON.parse(await readFile(placeOf(repository), "utf8")) as Partial<Stop> | null;
		return isStop(stop) ? stop : undefined;
	} catch {
		return undefined;
	}
}

/** Keeps it in one step. */
export async function keepStop(repository: Repository, stop: Stop): Promise<void> {
	const draft = `${placeOf(repository)}-${randomBytes(4).toString("hex")}`;
	try {
		await writeFile(draft, JSON.stringify(stop), { mode: 0o600 });
		await rename(draft, placeOf(repository));
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

export async function forgetStop(repository: Repository): Promise<void> {
	await rm(placeOf(repository), { force: true });
}

/** How much git has written down of where HEAD was; 0 where it does not do so in a file. */
export async function movesOf({ gitDirectory }: Repository): Promise<number> {
	return stat(join(gitDirectory, "logs", "HEAD")).then(
		({ size }) => size,
		() => 0,
	);
}

/** Whether git is still where it was then. */
export async function isStanding(
	git: Plumbing,
	stop: Stop,
	now: { readonly head: string | undefined; readonly moves: number; readonly operation: Operation },
): Promise<boolean> {
	if (stop.head !== now.head || stop.moves !== now.moves) return false;
	if (!isTraceless(stop)) return stop.kind === now.operation.kind && stop.theirs === now.operation.theirs;
	if (!isTraceless(now.operation)) return false;
	// As long as it is in the stash, it may be put back once more.
	return stop.theirs === undefined || (await stashes(git)).includes(stop.theirs);
}

/**
 * What git concluded a stop with: the commit that was made of it, or `index` for a stash that was put back and dropped. Undefined
 * when it was aborted, skipped or left.
 */
export async function conclusionOf(
	git: Plumbing,
	stop: Stop,
	head: string | undefined,
): Promise<string | "index" | undefined> {
	const made = await commitOn(git, stop);
	if (made !== undefined) return made;
	if (stop.kind !== "stash" || stop.theirs === undefined || head !== stop.head) return undefined;
	return (await stashes(git)).includes(stop.theirs) ? undefined : "index";
}

/** Whether a commit on top of a stop is certainly what came of it; otherwise only its texts can tell. */
export function isCertain({ kind }: Pick<Stop, "kind">): boolean {
	return kind === "merge" || kind === "cherry-pick" || kind === "rebase";
}

// Where HEAD was tells of what was committed also when somebody has switched to another branch since.
async function commitOn(git: Plumbing, { kind, head, theirs }: Stop): Promise<string | undefined> {
	const format = ["--no-show-signature", "--format=%H%x00%P%x00%an%x00%ae%x00%at"];
	const { code, stdout } = await git.run(["log", "-g", "-n", mostSeen, ...format, "HEAD", "--"]);
	const seen =
		code === 0 && stdout.length > 0 ? stdout.toString() : await git.read(["log", "-1", ...format, "HEAD", "--"]);
	const author =
		theirs === undefined || kind === "merge"
			? undefined
			: (await git.run(["log", "-1", ...format, theirs, "--"])).stdout
					.toString()
					.trimEnd()
					.split("\0")
					.slice(2)
					.join("\0");
	for (const line of seen.split("\n")) {
		const [id = "", parents = "", ...by] = line.split("\0");
		const [first, ...others] = parents.split(" ");
		if (first !== head) continue;
		if (kind === "merge" ? theirs === undefined || !others.includes(theirs) : others.length > 0) continue;
		if ((kind === "cherry-pick" || kind === "rebase") && by.join("\0") !== author) continue;
		return id;
	}
	return undefined;
}

// Another version of udo may have written it.
function isStop(stop: Partial<Stop> | null): stop is Stop {
	const { kind, theirs, head, moves, paths } = stop ?? {};
	const isCommit = (id: unknown) => typeof id === "string" && /^[0-9a-f]{40,64}$/.test(id);
	const isKnown = typeof kind === "string" && typeof moves === "number" && isCommit(head);
	return isKnown && (theirs === undefined || isCommit(theirs)) && Array.isArray(paths);
}

function isTraceless({ kind }: Pick<Stop, "kind">): boolean {
	return kind === "stash" || kind === "other";
}

async function stashes(git: Plumbing): Promise<readonly string[]> {
	const { stdout } = await git.run(["log", "-g", "--no-show-signature", "--format=%H", "refs/stash", "--"]);
	return stdout.toString().split("\n");
}

function placeOf({ gitDirectory }: Repository): string {
	return join(gitDirectory, "udo-stopped");
}

const mostSeen = "1000";
