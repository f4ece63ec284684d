import { type ExecFileException, execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UdoError } from "../errors.ts";

/**
 * The output of `git merge-file -p` on three texts, with markers of `markerSize` characters labelled ours, base and theirs. Needs
 * no repository, and no setting of one has a say. Not through simple-git, which decodes what git prints and so breaks other encodings.
 */
export async function gitMergeFile(
	texts: { readonly base: Buffer; readonly ours: Buffer; readonly theirs: Buffer },
	options: { readonly style: "merge" | "diff3" | "zdiff3"; readonly markerSize: number },
): Promise<Buffer> {
	const directory = await mkdtemp(join(tmpdir(), "udo-merge-"));
	try {
		for (const name of ["ours", "base", "theirs"] as const) {
			await writeFile(join(directory, name), texts[name], { mode: 0o600 });
		}
		const size = texts.base.length + texts.ours.length + texts.theirs.length;
		return await run(
			[
				`--git-dir=${join(directory, "none")}`,
				"-c",
				"merge.conflictStyle=merge",
				"merge-file",
				"-p",
				"-q",
				...(options.style === "merge" ? [] : [`--${options.style}`]),
				`--marker-size=${options.markerSize}`,
				...["ours", "base", "theirs"].flatMap((label) => ["-L", label]),
				...["ours", "base", "theirs"],
			],
			{ cwd: directory, maxBuffer: 2 * size + 10_000_000 },
		);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

function run(args: readonly string[], options: { readonly cwd: string; readonly maxBuffer: number }): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		execFile("git", args, { ...options, encoding: "buffer" }, (error, stdout, stderr) => {
			// The exit code is the number of conflicts, at most 127.
			if (error === null || (typeof error.code === "number" && error.code <= 127)) resolve(stdout);
			else reject(failure(error, stderr.toString()));
		});
	});
}

function failure(cause: ExecFileException, said: string): UdoError {
	if (cause.code === "ENOENT") {
		return new UdoError("git cannot be started", {
			code: "git_missing",
			exitCode: 255,
			why: "these texts could be merged in several ways, and git has the last word on it.",
			next: "install git, or put it on PATH",
			cause,
		});
	}
	return new UdoError("git merge-file failed", {
		code: "git_failed",
		exitCode: 255,
		why: said.trim().split("\n")[0] || cause.message,
		next: "git merge-file -p OURS BASE THEIRS",
		cause,
	});
}
