import { shortRef } from "../ref.ts";
import type { PushedRepository } from "./repository.ts";

/** All names of a branch. A symbolic ref among the branches is the branch that it leads to: a push to either moves both. */
export async function namesOfBranch(repository: PushedRepository, branch: string): Promise<ReadonlySet<string>> {
	const ref = `refs/heads/${branch}`;
	// Also where nothing is yet, and the push makes what it leads to.
	const target = (await repository.ask("symbolic-ref", "-q", ref))?.trim() || ref;
	const format = "--format=%(refname)%00%(symref)";
	const known = (await repository.ask("for-each-ref", format, "refs/heads/"))?.split("\n") ?? [];
	const others = known.map((line) => line.split("\0")).filter(([, leadsTo]) => leadsTo === target);
	return new Set([ref, target, ...others.map(([name = ""]) => name)].map(shortRef));
}
