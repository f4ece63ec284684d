import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { StoreUnavailableError, UdoError } from "../../server/errors.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { openRepository, type Repository } from "../../server/git/repository.ts";
import { currentOperation, type Operation } from "../../server/git/unmerged/conflict-state.ts";
import { type DiskState, readDisk } from "../../server/git/unmerged/disk-state.ts";
import { ResolutionSteps } from "../../server/git/unmerged/resolution-steps.ts";
import { type UnmergedPath, unmergedPaths } from "../../server/git/unmerged/unmerged.ts";
import { followMerges } from "../../server/merge-memory.ts";
import type { Workspace } from "../../server/workspace.ts";
import type { Cli } from "../command.ts";

/** A working tree with what git could not merge in it. */
export interface Place {
	readonly repository: Repository;
	readonly git: Plumbing;
	readonly operation: Operation;
	readonly steps: ResolutionSteps;
	readonly unmerged: readonly UnmergedPath[];
	/** Undefined when the store cannot be used: conflicts are settled all the same, but nobody is told. */
	readonly workspace: Workspace | undefined;
}

/** The working tree that the command was typed in. Opens without the store when that cannot be used, and says so. */
export async function openPlace(cli: Cli): Promise<Place> {
	const workspace = await cli.open().catch((error: unknown) => {
		if (!(error instanceof StoreUnavailableError)) throw error;
		cli.output.note(`udo: the store cannot be used, so nothing is remembered: ${showText(error.message)}`);
		return undefined;
	});
	const repository = workspace?.repository ?? (await openRepository(cli.directory));
	const git = new Plumbing(repository.worktree, cli.environment);
	const operation = await currentOperation(git, repository);
	const steps = new ResolutionSteps(git, repository, operation.identity);
	const unmerged = await unmergedPaths(git);
	if (workspace !== undefined) await followMerges(workspace, git, unmerged);
	return { repository, git, operation, steps, unmerged, workspace };
}

/** The place as it is now, after something was settled. */
export async function refreshed(place: Place): Promise<Place> {
	return { ...place, unmerged: await unmergedPaths(place.git) };
}

/** What lies on disk at a path of the repository. */
export function diskState({ repository }: Place, path: string): Promise<DiskState> {
	return readDisk(repository.worktree, path);
}

/** A typed path as git spells it: from the top of the tree, `` for the top itself. Need not exist. */
export function repositoryPath({ repository }: Place, directory: string, typed: string): string {
	const path = relative(repository.worktree, resolve(realpathSync(directory), typed))
		.split(sep)
		.join("/");
	if (path !== ".." && !path.startsWith("../")) return path;
	throw new UdoError(`${showText(typed, 80)} is outside this repository`, {
		code: "path_outside",
		next: "udo conflicts",
	});
}

/** Where the next command is going to be typed, from the top of the tree. */
export function here({ directory }: Cli, { repository }: Place): string {
	const inside = relative(repository.worktree, realpathSync(directory)).split(sep).join("/");
	return inside.startsWith("..") ? "" : inside;
}

/** Whether somebody can be asked, key by key. */
export function isTerminal({ output }: Cli): boolean {
	return process.stdin.isTTY === true && process.stdout.isTTY === true && !output.json;
}
