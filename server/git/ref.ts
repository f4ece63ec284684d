import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plumbing } from "./plumbing.ts";
import type { Repository } from "./repository.ts";

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
