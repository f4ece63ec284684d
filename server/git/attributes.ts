import type { Repository } from "./repository.ts";

// The kernel bounds a command line to some 128 KiB for each argument and 2 MiB in all; a path has at most 4 KiB.
const pathsPerCall = 400;

/** Those of the paths whose `.gitattributes` say `lockable`, as git-lfs writes it for files that cannot be merged. */
export async function lockablePaths(repository: Repository, paths: readonly string[]): Promise<ReadonlySet<string>> {
	const lockable = new Set<string>();
	for (let from = 0; from < paths.length; from += pathsPerCall) {
		const some = paths.slice(from, from + pathsPerCall);
		const fields = (await repository.run("check-attr", "-z", "lockable", "--", ...some)).split("\0");
		for (let i = 0; i + 2 < fields.length; i += 3) {
			const [path = "", , value = ""] = fields.slice(i, i + 3);
			if (!["unspecified", "unset", "false"].includes(value)) lockable.add(path);
		}
	}
	return lockable;
}
