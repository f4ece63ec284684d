import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../../shell-word.ts";
import type { Plumbing } from "../plumbing.ts";
import { branchOfRef, readRef } from "../ref.ts";
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
	/** The command that tries it again, once nothing is in its way. */
	readonly again: string;
}

/**
 * Moves a branch to what became of its commits, with the index and the files of the working tree in which it is checked out.
 * What is staged, changed or untracked stays byte for byte; where that cannot be, nothing is changed at all.
 */
export async function moveBranch(git: Plumbing, repository: Repository, move: BranchMove): Promise<LocalUpdate> {
	const { branch, from, to, again } = move;
	if (from === to) return { kind: "unchanged" };
	const ref = `refs/heads/${branch}`;
	const deferred = (why: string, next = again): LocalUpdate => ({ kind: "deferred", why, next });

	const busy = workUnderWay(repository, ref);
	if (busy !== undefined) return deferred(busy);
	const hasMoved = `${branch} has moved on meanwhile`;
	if ((await readRef(git, repository, ref)) !== from) return deferred(hasMoved);
	if ((await repository.branch()) !== branch) {
		const [alias = "", tree] = await symrefAndTree(git, ref);
		const target = branchOfRef(alias);
		if (target !== undefined) return moveBranch(git, repository, { ...move, branch: target });
		if (tree !== "") return deferred(`${branch} is checked out in ${tree}`, `cd ${shellWord(tree ?? ".")} && ${again}`);
		return settled(await moveRefWith(git, { ...move, ref }, async () => ({ ok: true })));
	}
	const inTheWay = await untrackedInTheWay(git, repository, move);
	if (inTheWay !== undefined) {
		const [file, aside] = [inTheWay, `${inTheWay}.mine`].map(shellWord);
		return deferred(`${inTheWay} is not in git here, and is in what landed`, `mv -n ${file} ${aside} && ${again}`);
	}
	let filesMoved: RefMoved = { ok: true };
	const moved = await moveRefWith(git, { ...move, ref }, async () => {
		filesMoved = await moveFiles(git, from, to);
		return filesMoved;
	});
	return settled(moved, filesMoved.ok ? again : `git stash && ${again} && git stash pop --index`);

	function settled(result: RefMoved, next = again): LocalUpdate {
		return result.ok ? { kind: "moved" } : deferred(reasonOf(result.words), next);
	}
}

/** The ref that another name stands for, and the working tree in which a branch is checked out; empty where there is none. */
async function symrefAndTree(git: Plumbing, ref: string): Promise<readonly string[]> {
	const line = await git.read(["for-each-ref", "--format=%(symref)%00%(worktreepath)", ref]);
	return line.replace(/\n$/, "").split("\0");
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
	const args = ["diff-tree", "-r", "-z", "--name-status", "--no-renames", "--diff-filter=AD", from, to, "--"];
	const fields = (await git.read(args)).split("\0");
	const pathsOf = (status: string) => fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === status);
	const [added, removed] = [pathsOf("A"), new Set(pathsOf("D"))];
	for (const path of added) {
		// What git knows goes with the directory, or the file, that takes its place.
		const found = filesAt(repository.worktree, path).find((file) => !removed.has(file));
		if (found !== undefined) return found;
	}
	return undefined;
}

/** What is at this path, under it, or instead of a directory that leads to it. */
function filesAt(worktree: string, path: string): readonly string[] {
	const parts = path.split("/");
	for (let length = 1; length <= parts.length; length += 1) {
		const some = parts.slice(0, length).join("/");
		try {
			const found = lstatSync(join(worktree, some), { throwIfNoEntry: false });
			if (found === undefined) return [];
			if (!found.isDirectory()) return [some];
			if (length < parts.length) continue;
			const names = readdirSync(join(worktree, some), { recursive: true, encoding: "utf8" });
			const files = names.filter((name) => !lstatSync(join(worktree, some, name)).isDirectory());
			return files.length === 0 ? [some] : files.map((name) => `${some}/${name}`);
		} catch {
			return [some];
		}
	}
	return [];
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
