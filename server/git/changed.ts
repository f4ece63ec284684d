import type { Repository } from "./repository.ts";

/** A file that is not as in HEAD, staged or not. `isNew`: git does not know it yet. */
export interface ChangedFile {
	readonly path: string;
	readonly isNew: boolean;
}

/** All files of the working tree that a commit could contain; a rename is two of them. */
export async function changedFiles(repository: Repository): Promise<readonly ChangedFile[]> {
	const text = await repository.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all");
	return text
		.split("\0")
		.filter(Boolean)
		.map((record) => ({ path: record.slice(3), isNew: record.startsWith("??") }))
		.filter(({ path }) => !path.endsWith("/"));
}
