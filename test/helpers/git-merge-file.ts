import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MergeCase } from "./merge-cases.ts";

/** What the real `git merge-file` does: its exit code and its bytes. */
export interface GitAnswer {
	readonly code: number;
	readonly text: Buffer;
}

/** The answers to these cases, labelled OURS, BASE and THEIRS. One shell runs git for each: starting node's own children is slower. */
export async function askGit(cases: readonly MergeCase[]): Promise<readonly GitAnswer[]> {
	const directory = await mkdtemp(join(tmpdir(), "udo-git-merge-"));
	try {
		for (const [i, { base, ours, theirs }] of cases.entries()) {
			const at = join(directory, String(i));
			await mkdir(at);
			await Promise.all([
				writeFile(join(at, "b"), base),
				writeFile(join(at, "o"), ours),
				writeFile(join(at, "t"), theirs),
			]);
		}
		const script = cases.map(({ style }, i) => {
			const option = style === "merge" ? "" : `--${style}`;
			return `git merge-file -p -q ${option} -L OURS -L BASE -L THEIRS ${i}/o ${i}/b ${i}/t >${i}/merged; echo $? >${i}/code`;
		});
		await writeFile(join(directory, "run.sh"), script.join("\n"));
		await promisify(execFile)("sh", ["run.sh"], { cwd: directory });
		return await Promise.all(
			cases.map(async (_, i) => ({
				code: Number(await readFile(join(directory, String(i), "code"), "utf8")),
				text: await readFile(join(directory, String(i), "merged")),
			})),
		);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}
