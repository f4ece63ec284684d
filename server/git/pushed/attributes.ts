import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PushedRepository } from "./repository.ts";

/** Those of the paths whose `.gitattributes` in a commit say `lockable`. There may be no working tree, and no index. */
export async function lockablePushed(
	repository: PushedRepository,
	commit: string | undefined,
	paths: readonly string[],
): Promise<ReadonlySet<string>> {
	const lockable = new Set<string>();
	if (commit === undefined || paths.length === 0) return lockable;
	const directory = mkdtempSync(join(tmpdir(), "udo-verify-"));
	try {
		// git learnt to read attributes from a commit in 2.40.
		const index = { GIT_INDEX_FILE: join(directory, "index") };
		await repository.read(["read-tree", commit], index);
		const asked = paths.map((path) => `${path}\0`).join("");
		const fields = (await repository.read(["check-attr", "--cached", "-z", "--stdin", "lockable"], index, asked)).split(
			"\0",
		);
		for (let i = 0; i + 2 < fields.length; i += 3) {
			const [path = "", , value = ""] = fields.slice(i, i + 3);
			if (!["unspecified", "unset", "false"].includes(value)) lockable.add(path);
		}
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
	return lockable;
}
