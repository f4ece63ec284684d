import type { Repository } from "./repository.ts";

/** A file that is not as in HEAD, staged or not. `isNew`: git does not know it yet. */
export interface ChangedFile {
	readonly path: string;
	readonly isNew: boolean;
}

/** All files of the working tree that a commit could contain; a rename is two of them. Of a submodule, that it is on another commit. */
export async function changedFiles(repository: Repository): Promise<readonly ChangedFile[]> {
	const options = ["--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"];
	const text = await repository.run("status", "--porcelain", "-z", ...options);
	return text
		.split("\0")
		.filter(Boolean)
		.map((record) => ({ path: record.slice(3), isNew: record.startsWith("??") }))
		.filter(({ path }) => !path.endsWith("/"));
}
