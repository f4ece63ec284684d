import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plumbing } from "../plumbing.ts";
import type { Repository } from "../repository.ts";

export type OperationKind = "merge" | "rebase" | "am" | "cherry-pick" | "revert" | "stash" | "other";

/** What git is in the middle of, where it has conflicts. `stash` and `other` leave no trace but the conflicts. */
export interface Operation {
	readonly kind: OperationKind;
	/** The commit that is being brought in, or taken back. */
	readonly theirs: string | undefined;
	/** Changes with every commit and every operation: what was said about another one is no longer true. */
	readonly identity: string;
	/** What is to be typed when nothing is left to settle. */
	readonly next: string;
}

/** Reads the operation off the git directory, as git itself does. */
export async function currentOperation(git: Plumbing, { gitDirectory }: Repository): Promise<Operation> {
	const has = (name: string) => existsSync(join(gitDirectory, name));
	const commit = (name: string) => firstLine(join(gitDirectory, name));
	const kind = kindOf(has);
	const theirs = kind === "stash" ? await stashOf(git) : commit(heads[kind] ?? "");
	const actual = kind === "stash" && theirs === undefined ? "other" : kind;
	const head = (await git.run(["rev-parse", "-q", "--verify", "HEAD"])).stdout.toString().trim();
	const patch = actual === "am" ? commit("rebase-apply/next") : undefined;
	// All working trees share the stash: somebody else's says nothing about this conflict.
	const facts = [kind, head, kind === "stash" ? undefined : theirs, patch];
	const identity = createHash("sha256").update(facts.join("\0")).digest("hex");
	return { kind: actual, theirs, identity, next: nextOf[actual] };
}

function kindOf(has: (name: string) => boolean): OperationKind {
	if (has("rebase-merge")) return "rebase";
	if (has("rebase-apply")) return has("rebase-apply/applying") ? "am" : "rebase";
	if (has("MERGE_HEAD")) return "merge";
	if (has("CHERRY_PICK_HEAD")) return "cherry-pick";
	return has("REVERT_HEAD") ? "revert" : "stash";
}

const heads: Partial<Record<OperationKind, string>> = {
	merge: "MERGE_HEAD",
	rebase: "REBASE_HEAD",
	am: "rebase-apply/original-commit",
	"cherry-pick": "CHERRY_PICK_HEAD",
	revert: "REVERT_HEAD",
};

const nextOf: Readonly<Record<OperationKind, string>> = {
	merge: "git merge --continue",
	rebase: "git rebase --continue",
	am: "git am --continue",
	"cherry-pick": "git cherry-pick --continue",
	revert: "git revert --continue",
	stash: "git stash drop, once all is as you want it",
	other: "git status",
};

function firstLine(path: string): string | undefined {
	try {
		return /^[0-9a-f]{40,64}/.exec(readFileSync(path, "utf8"))?.[0];
	} catch {
		return undefined;
	}
}

async function stashOf(git: Plumbing): Promise<string | undefined> {
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", "refs/stash"]);
	return code === 0 ? stdout.toString().trim() : undefined;
}
