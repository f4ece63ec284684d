import { lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";
import { isReadable } from "../lstat.ts";
import { type BytePath, bytes, onDisk, quotedLine, records } from "./byte-path.ts";
import { inPortions, readKept } from "./kept.ts";
import { type Permissions, permissionsOf } from "./permissions.ts";
import type { QuietGit } from "./quiet-git.ts";
import type { Scratch } from "./scratch.ts";

// Who has files this large beside the repository would not wait for their copies.
const mostBytes = 100_000_000;
const mostLeft = 20;

/** A working tree as git objects. Files that differ from the index are there byte for byte, whatever their line endings. */
export interface TreeNow {
	readonly tree: string;
	/** The index as a tree; undefined while there are unmerged paths. */
	readonly staged: string | undefined;
	/** Files that went through a filter of the user's (git-lfs, git-crypt), which alone may say how they are stored. */
	readonly filtered: readonly BytePath[];
	/** Of files that git does not know. */
	readonly permissions: Permissions;
	/** Files that are not in the tree as they are: they may not be read, or git has no room for them. */
	readonly missing: readonly BytePath[];
}

/** Reads the working tree: all that is tracked, staged or new, but not what is ignored. `index` is the index of it. */
export async function treeNow(git: QuietGit, scratch: Scratch, index: string): Promise<TreeNow> {
	scratch.copyIndex(index);
	const call = { index: scratch.index };
	const staged = await git.ask(["write-tree"], call);
	const { gone, links, files, unreadable } = await changedOnDisk(git, scratch);
	const filtered = await filteredOf(git, files);
	const isFiltered = new Set<string>(filtered.map(({ path }) => path));
	const plain = files.filter(({ path }) => !isFiltered.has(path));
	const { stored: cleaned, left } = await store(git, filtered, []);
	const { same: throughFilter, other } = await throughAndBack(git, cleaned);
	const raw = [...plain, ...left, ...other, ...links];
	const { stored: asTheyAre, left: unread } = await store(git, raw, ["--no-filters"]);
	// First, for where a file was may be a directory now.
	if (gone.length > 0) {
		await git.read(["update-index", "-z", "--force-remove", "--stdin"], { ...call, input: bytes(gone) });
	}
	const lines = [...throughFilter, ...asTheyAre].map(({ mode, id, path }) => `${mode} ${id}\t${path}`);
	if (lines.length > 0) await git.read(["update-index", "-z", "--index-info"], { ...call, input: bytes(lines) });
	const tree = (await git.read(["write-tree"], call)).toString().trim();
	const missing = [
		...unreadable,
		...unread.filter(({ path }) => stat(onDisk(git.repository.worktree, path)) !== undefined).map(({ path }) => path),
	];
	const permissions = permissionsOf(
		git.repository.worktree,
		files.filter(({ isNew }) => isNew).map(({ path }) => path),
	);
	return { tree, staged, filtered: throughFilter.map(({ path }) => path), permissions, missing };
}

/** A file to store. `source` is what to read, relative to the working tree: for a link a file with its target. */
interface Stored {
	readonly path: BytePath;
	/** git does not know it. */
	readonly isNew: boolean;
	readonly mode: string;
	readonly source: string;
}

interface ChangedOnDisk {
	readonly gone: readonly BytePath[];
	readonly unreadable: readonly BytePath[];
	readonly links: readonly Stored[];
	readonly files: readonly Stored[];
}

async function changedOnDisk(git: QuietGit, scratch: Scratch): Promise<ChangedOnDisk> {
	const { worktree } = git.repository;
	const status = ["status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
	const gone: BytePath[] = [];
	const unreadable: BytePath[] = [];
	const links: Stored[] = [];
	const files: Stored[] = [];
	for (const { as, path, mode } of parseStatus(records(await git.read(status, { index: scratch.index })))) {
		const found = stat(onDisk(worktree, path));
		if (found === "unreadable") unreadable.push(path);
		else if (found === undefined || found.isDirectory()) {
			// Of a sparse tree, what is staged need not be on disk.
			if (as === "tracked") gone.push(path);
		} else if (found.isSymbolicLink()) {
			const source = join(scratch.directory, `link-${links.length}`);
			writeFileSync(source, readlinkSync(onDisk(worktree, path), { encoding: "buffer" }));
			links.push({ path, isNew: as === "new", mode: "120000", source: Buffer.from(source).toString("latin1") });
		} else if (!found.isFile() || (as === "new" && found.size > mostBytes)) {
			// Pipes and sockets are nobody's work.
		} else if (!isReadable(onDisk(worktree, path))) {
			unreadable.push(path);
		} else {
			// What git says of a file that it knows, since core.fileMode may be off.
			const its = mode ?? ((found.mode & 0o100) === 0 ? "100644" : "100755");
			files.push({ path, isNew: as === "new", mode: its, source: path });
		}
	}
	return { gone, unreadable, links, files };
}

interface StatusRecord {
	readonly path: BytePath;
	/** `staged`: not as in HEAD, but as in the index. */
	readonly as: "new" | "tracked" | "staged";
	readonly mode: string | undefined;
}

function parseStatus(lines: readonly string[]): readonly StatusRecord[] {
	return lines.flatMap((line): StatusRecord[] => {
		// "? <path>"; a path that ends in a slash is another repository.
		if (line.startsWith("? ")) {
			return line.endsWith("/") ? [] : [{ path: line.slice(2) as BytePath, as: "new", mode: undefined }];
		}
		// "1 <XY> <sub> <mode HEAD> <index> <worktree> <id> <id> <path>", "u" with a mode and an id more.
		const words = line.split(" ");
		const [kind, xy = "", , , , ordinary = "", unmerged = ""] = words;
		if (kind !== "1" && kind !== "u") return [];
		const path = words.slice(kind === "1" ? 8 : 10).join(" ") as BytePath;
		const mode = kind === "1" ? ordinary : unmerged;
		// Also what is staged as it is on disk: but for its line endings, perhaps.
		const as = kind === "1" && xy.endsWith(".") ? "staged" : "tracked";
		return [{ path, as, mode: mode.startsWith("100") ? mode : undefined }];
	});
}

async function filteredOf(git: QuietGit, files: readonly Stored[]): Promise<readonly Stored[]> {
	if (files.length === 0) return [];
	const input = bytes(files.map(({ path }) => path));
	const answer = records(await git.read(["check-attr", "-z", "--stdin", "filter"], { input }));
	const names = new Set<string>();
	for (let i = 0; i + 2 < answer.length; i += 3) {
		if (!["unspecified", "unset", "set"].includes(answer[i + 2] ?? "")) names.add(answer[i] ?? "");
	}
	return files.filter(({ path }) => names.has(path));
}

type InGit = Stored & { readonly id: string };

// A filter may drop what it takes for noise, such as the output of a notebook, or convert line endings.
async function throughAndBack(git: QuietGit, files: readonly InGit[]) {
	const same: InGit[] = [];
	const other: InGit[] = [];
	for (const some of await inPortions(git, files)) {
		const contents = await readKept(git, some, "filters");
		for (const [i, file] of some.entries()) {
			const now = contentOf(onDisk(git.repository.worktree, file.path));
			const isSame = now !== undefined && contents[i]?.equals(now) === true;
			(isSame ? same : other).push(file);
		}
	}
	return { same, other };
}

interface InStore {
	readonly stored: readonly InGit[];
	/** Could not be read, are gone by now, or their filter failed. */
	readonly left: readonly Stored[];
}

// git stops at the first file that it cannot store; the others are worth no less.
async function store(git: QuietGit, files: readonly Stored[], options: readonly string[]): Promise<InStore> {
	const stored: InGit[] = [];
	const left: Stored[] = [];
	for (let next = 0; next < files.length; ) {
		const rest = files.slice(next);
		const input = bytes(
			rest.map(({ source }) => quotedLine(source)),
			"\n",
		);
		const { code, stdout } = await git.run(["hash-object", "-w", "--stdin-paths", ...options], { input });
		const ids = stdout.toString().split("\n").slice(0, -1);
		for (const [i, file] of rest.slice(0, ids.length).entries()) stored.push({ ...file, id: ids[i] ?? "" });
		left.push(...rest.slice(ids.length, ids.length + 1));
		next += ids.length + 1;
		// As on a full disk: not one more would be stored either.
		if (code !== 0 && left.length > mostLeft) return { stored, left: [...left, ...files.slice(next)] };
	}
	return { stored, left };
}

// Undefined when it cannot be read, or is gone by now.
function contentOf(path: Buffer): Buffer | undefined {
	try {
		return readFileSync(path);
	} catch {
		return undefined;
	}
}

// Undefined: it is not there. A file where a directory was means that as well.
function stat(path: Buffer) {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch (error) {
		return codeOf(error) === "ENOTDIR" ? undefined : "unreadable";
	}
}
