import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../../shell-word.ts";
import type { Plumbing } from "../plumbing.ts";
import { readRef } from "../ref.ts";
import type { Repository } from "../repository.ts";
import { moveRefWith, type RefMoved } from "./ref-move.ts";

/** Whether the local branch now is what landed, or what to type so that it becomes that. */
export type LocalUpdate =
	| { readonly kind: "unchanged" | "moved" }
	| { readonly kind: "deferred"; readonly why: string; readonly next: string };

export interface BranchMove {
	readonly branch: string;
	readonly from: string;
	readonly to: string;
	/** For the reflog. */
	readonly message: string;
}

/**
 * Moves a branch to what became of its commits, with the index and the files of the working tree in which it is checked out.
 * What is staged, changed or untracked stays byte for byte; where that cannot be, nothing is changed at all.
 */
export async function moveBranch(git: Plumbing, repository: Repository, move: BranchMove): Promise<LocalUpdate> {
	const { branch, from, to } = move;
	if (from === to) return { kind: "unchanged" };
	const ref = `refs/heads/${branch}`;
	const next = `git rebase --autostash --onto ${to.slice(0, 12)} ${from.slice(0, 12)} ${shellWord(branch)}`;
	const deferred = (why: string): LocalUpdate => ({ kind: "deferred", why, next });

	const busy = workUnderWay(repository, ref);
	if (busy !== undefined) return deferred(busy);
	const hasMoved = `${branch} has moved on meanwhile`;
	if ((await readRef(git, repository, ref)) !== from) return deferred(hasMoved);
	if ((await repository.branch()) !== branch) {
		const tree = (await git.read(["for-each-ref", "--format=%(worktreepath)", ref])).replace(/\n$/, "");
		if (tree !== "") return deferred(`${branch} is checked out in ${tree}`);
		return settled(await moveRefWith(git, { ...move, ref }, async () => ({ ok: true })));
	}
	const inTheWay = await untrackedInTheWay(git, repository, move);
	if (inTheWay !== undefined) return deferred(`${inTheWay} is not in git here, and is in what landed`);
	return settled(await moveRefWith(git, { ...move, ref }, () => moveFiles(git, from, to)));

	function settled(moved: RefMoved): LocalUpdate {
		return moved.ok ? { kind: "moved" } : deferred(reasonOf(moved.words));
	}
}

// All or nothing: git looks at everything before it changes anything.
async function moveFiles(git: Plumbing, from: string, to: string): Promise<RefMoved> {
	const move = ["read-tree", "-m", "-u", from, to];
	if ((await git.run(move)).code === 0) return { ok: true };
	// A file that was only touched looks changed until git has looked at it again.
	await git.run(["update-index", "-q", "--refresh"]);
	const { code, stderr } = await git.run(move);
	return code === 0 ? { ok: true } : { ok: false, words: stderr };
}

/** An operation of git that would be surprised by a branch that moves. */
function workUnderWay(repository: Repository, ref: string): string | undefined {
	const has = (name: string) => lstatSync(join(repository.gitDirectory, name), { throwIfNoEntry: false }) !== undefined;
	const here = Object.entries(operations).find(([file]) => has(file));
	if (here !== undefined) return `${here[1]} is under way here`;
	const others = join(repository.commonDirectory, "worktrees");
	const directories = [repository.commonDirectory, ...list(others).map((name) => join(others, name))];
	const isRebased = directories.some((directory) =>
		["rebase-merge", "rebase-apply"].some((name) => readText(join(directory, name, "head-name")).trim() === ref),
	);
	return isRebased ? "the branch is being rebased in another working tree" : undefined;
}

const operations: Readonly<Record<string, string>> = {
	"rebase-merge": "a rebase",
	"rebase-apply": "a rebase",
	MERGE_HEAD: "a merge",
	CHERRY_PICK_HEAD: "a cherry-pick",
	REVERT_HEAD: "a revert",
};

// git itself overwrites files that are ignored.
async function untrackedInTheWay(
	git: Plumbing,
	repository: Repository,
	{ from, to }: BranchMove,
): Promise<string | undefined> {
	const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", from, to, "--"];
	const added = (await git.read(args)).split("\0").filter(Boolean);
	return added.find((path) => {
		try {
			return lstatSync(join(repository.worktree, path), { throwIfNoEntry: false }) !== undefined;
		} catch {
			return true;
		}
	});
}

function reasonOf(stderr: string): string {
	const line = stderr
		.split("\n")
		.map((each) => each.replace(/^(error|fatal|udo): /, "").trim())
		.find((each) => each !== "");
	return line ?? "git did not say why";
}

function list(directory: string): readonly string[] {
	try {
		return readdirSync(directory);
	} catch {
		return [];
	}
}

function readText(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
}
