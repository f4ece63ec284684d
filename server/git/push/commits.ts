import type { Repository } from "../repository.ts";

const commitsPerCall = 1000;

/** Those of the commit ids that this repository has; asks no remote. */
export async function knownCommits(repository: Repository, ids: readonly string[]): Promise<ReadonlySet<string>> {
	const known = new Set<string>();
	for (let from = 0; from < ids.length; from += commitsPerCall) {
		const some = ids.slice(from, from + commitsPerCall);
		const found = await repository.run("rev-list", "--no-walk=unsorted", "--ignore-missing", ...some, "--");
		for (const id of found.split("\n")) known.add(id);
	}
	return known;
}
