import { type BytePath, records } from "./byte-path.ts";
import type { QuietGit } from "./quiet-git.ts";
import type { Snapshot } from "./snapshot.ts";

/** The files that commits of HEAD have changed which were made after a snapshot, as far as their dates say so. */
export async function committedSince(git: QuietGit, { head, at }: Snapshot): Promise<ReadonlySet<BytePath>> {
	const range = head === undefined ? ["HEAD"] : ["HEAD", `^${head}`];
	const { stdout } = await git.run(["rev-list", "--timestamp", ...range, "--"]);
	// git counts in seconds.
	const since = Math.floor(at / 1000);
	const commits = stdout
		.toString()
		.split("\n")
		.flatMap((line) => {
			const [seconds, id] = line.split(" ");
			return id !== undefined && Number(seconds) >= since ? [id] : [];
		});
	if (commits.length === 0) return new Set();
	const options = ["-r", "-m", "--root", "--no-renames", "--no-commit-id", "--name-only", "-z", "--stdin"];
	const input = commits.map((id) => `${id}\n`).join("");
	return new Set(records(await git.read(["diff-tree", ...options], { input })) as readonly BytePath[]);
}
