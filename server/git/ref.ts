import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plumbing } from "./plumbing.ts";
import type { Repository } from "./repository.ts";

/** The branch that a full ref is; undefined when it is none. */
export function branchOfRef(ref: string): string | undefined {
	return /^refs\/heads\/(.+)$/.exec(ref)?.[1];
}

/** A ref as people call it: a branch by its name, another ref as it is. */
export function shortRef(ref: string): string {
	return ref.replace(/^refs\/heads\//, "");
}

/** Whether an object id stands for no object: git writes zeros for what is not there yet, or not any more. */
export function isZeroId(id: string): boolean {
	return /^0+$/.test(id);
}

/** The commit that a ref of this clone is at; undefined when there is no such ref. Starts git only when its file does not tell. */
export async function readRef(git: Plumbing, repository: Repository, ref: string): Promise<string | undefined> {
	const loose = readLoose(join(repository.commonDirectory, ref));
	if (loose !== undefined) return loose;
	const { code, stdout } = await git.run(["rev-parse", "-q", "--verify", "--end-of-options", ref]);
	return code === 0 ? stdout.toString().trim() : undefined;
}

function readLoose(path: string): string | undefined {
	try {
		return /^[0-9a-f]{40,64}(?=\n$)/.exec(readFileSync(path, "utf8"))?.[0];
	} catch {
		return undefined;
	}
}
