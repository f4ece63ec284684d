import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BytePath } from "./byte-path.ts";
import { inPortions, type Kept, readKept } from "./kept.ts";
import type { QuietGit } from "./quiet-git.ts";
import type { Scratch } from "./scratch.ts";

/** Writes files to a scratch directory, from where they can be put into place at once, and answers where each is. */
export async function writeDrafts(
	git: QuietGit,
	scratch: Scratch,
	files: readonly Kept[],
	through: "filters" | "nothing",
	permissions: ReadonlyMap<BytePath, number>,
): Promise<ReadonlyMap<BytePath, string>> {
	const directory = join(scratch.directory, `drafts-${through}`);
	mkdirSync(directory);
	const drafts = new Map<BytePath, string>();
	for (const some of await inPortions(git, files)) {
		const contents = await readKept(git, some, through);
		for (const [i, { path, mode }] of some.entries()) {
			const content = contents[i];
			if (content === undefined) continue;
			const draft = join(directory, String(drafts.size));
			const bits = permissions.get(path);
			if (mode === "120000") symlinkSync(content, draft);
			else {
				// Which of these bits stay, the umask says.
				writeFileSync(draft, content, { mode: bits ?? (mode === "100755" ? 0o777 : 0o666) });
				if (bits !== undefined) chmodSync(draft, bits);
			}
			drafts.set(path, draft);
		}
	}
	return drafts;
}
