import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Sandbox } from "../../helpers/sandbox.ts";

/** What is in a tree by path, in latin1: names need not be UTF-8. */
export type Tree = ReadonlyMap<string, string>;

/** All files that are not ignored, with kind, whether they can be run, and content. */
export function treeOf(directory: string): Tree {
	const found = new Map<string, string>();
	const visit = (under: string): void => {
		for (const entry of readdirSync(place(directory, under), { encoding: "buffer" })) {
			const name = `${under}${entry.toString("latin1")}`;
			if (name === ".git" || name.endsWith(".ignored") || name === "nested" || name === "other") continue;
			const full = place(directory, name);
			const stats = lstatSync(full);
			if (stats.isDirectory()) visit(`${name}/`);
			else if (stats.isSymbolicLink())
				found.set(name, `link ${readlinkSync(full, { encoding: "buffer" }).toString("latin1")}`);
			else found.set(name, `${stats.mode & 0o100 ? "run" : "file"} ${readFileSync(full, "latin1")}`);
		}
	};
	visit("");
	return found;
}

/** The files that git takes for changed, deleted or new. */
export function dirtyIn(sandbox: Sandbox): ReadonlySet<string> {
	const status = git(sandbox, "status", "--porcelain", "-z", "--no-renames", "-uall", "--ignore-submodules=all");
	const names = status.split("\0").map((record) => record.slice(3));
	return new Set(names.filter((name) => name !== "" && !name.endsWith("/")));
}

// What git says of a file that is only announced.
const emptyFile = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/** The entries of the index that are not as in HEAD: mode and id by path. Without those that are unmerged. */
export function stagedIn(sandbox: Sandbox): ReadonlyMap<string, string> {
	const fields = git(sandbox, "diff-index", "--cached", "--no-renames", "-z", headOf(sandbox)).split("\0");
	const staged = new Map<string, string>();
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const [, mode = "", , id = "", status] = (fields[i] ?? "").split(" ");
		if (status !== "D" && status !== "U" && !/^0+$/.test(id) && id !== emptyFile)
			staged.set(fields[i + 1] ?? "", `${mode} ${id}`);
	}
	return staged;
}

/** What git answers, in latin1. Throws when it fails. */
export function git({ repository, environment }: Sandbox, ...args: readonly string[]): string {
	const quiet = ["-c", "core.fsmonitor=false", "--no-optional-locks", ...args];
	return execFileSync("git", quiet, { cwd: repository, env: environment, stdio: "pipe" }).toString("latin1");
}

/** Whether somebody was told that there is no such command or option: then nothing was tried. */
export function isUnknownToGit(complaint: string): boolean {
	return /is not a git command|: not found|unknown (?:option|switch|subcommand)|^usage:/m.test(complaint);
}

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

// Before the first commit of a branch there is none.
function headOf(sandbox: Sandbox): string {
	const commits = git(sandbox, "rev-list", "--max-count=1", "--ignore-missing", "HEAD", "--");
	return commits === "" ? emptyTree : "HEAD";
}

/** A name in latin1 as a path. */
export function place(directory: string, name: string): Buffer {
	return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, "latin1")]);
}

/** Writes a file; its name and its content are latin1. */
export function write(directory: string, name: string, content: string): void {
	mkdirSync(place(directory, dirname(name)), { recursive: true });
	writeFileSync(place(directory, name), Buffer.from(content, "latin1"));
}
