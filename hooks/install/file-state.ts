import {
	closeSync,
	existsSync,
	fchmodSync,
	lstatSync,
	mkdirSync,
	openSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmdirSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { codeOf, UdoError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";

/**
 * What is at a path. `content` is latin1, one character for each byte: other people's hooks need not be UTF-8. Unlike a DiskState,
 * which is a file of a working tree, it is compared, and changed under git's own lock.
 */
export type FileState =
	| { readonly kind: "absent" }
	| { readonly kind: "file"; readonly content: string; readonly mode: number }
	| { readonly kind: "link"; readonly target: string }
	| { readonly kind: "other" };

/** A file that is to become something else. */
export interface Change {
	readonly path: string;
	readonly from: FileState;
	readonly to: FileState;
}

export function readState(path: string): FileState {
	const found = lstatSync(path, { throwIfNoEntry: false });
	if (found === undefined) return { kind: "absent" };
	if (found.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
	if (!found.isFile()) return { kind: "other" };
	return { kind: "file", content: readFileSync(path, "latin1"), mode: found.mode & 0o7777 };
}

/** What has to change for each path to be as desired. */
export function changesTo(desired: ReadonlyMap<string, FileState>): readonly Change[] {
	return [...desired].flatMap(([path, to]) => {
		const from = readState(path);
		return isSame(from, to) ? [] : [{ path, from, to }];
	});
}

/**
 * Makes a change, each at once or not at all; git never sees half a file. Throws a UdoError when it cannot be made, and also
 * when what is there is not what the change is from: `command`, which planned it, has to be run again.
 */
export function apply(change: Change, command: string): void {
	const { path, to } = change;
	// git itself writes `config` by way of `config.lock`: holding that, no change of git's gets lost.
	const draft = `${path}.lock`;
	try {
		if (to.kind !== "absent") mkdirSync(dirname(path), { recursive: true });
		writeDraft(draft, to);
		try {
			replaceBy(draft, change, command);
		} catch (error) {
			rmSync(draft, { force: true });
			throw error;
		}
	} catch (error) {
		throw explained(error, path, command);
	}
}

/** Removes directories that are empty, the deepest first when so given; others stay. */
export function removeIfEmpty(directories: readonly string[]): void {
	for (const directory of directories) {
		try {
			rmdirSync(directory);
		} catch {
			// Not empty, or not there.
		}
	}
}

// Leaves nothing behind when it fails: a lock file that stays would stop every later `git config`.
function writeDraft(draft: string, to: FileState): void {
	if (to.kind === "link") {
		symlinkSync(to.target, draft);
		return;
	}
	if (to.kind === "other") throw new Error(`cannot make ${draft} something that is not a file`);
	const mode = to.kind === "file" ? to.mode : 0o600;
	const file = openSync(draft, "wx", mode);
	try {
		if (to.kind === "file") writeFileSync(file, Buffer.from(to.content, "latin1"));
		// Whatever the umask is.
		fchmodSync(file, mode);
	} catch (error) {
		rmSync(draft, { force: true });
		throw error;
	} finally {
		closeSync(file);
	}
}

// The draft is a lock as well: what is there now stays until it is replaced, at least by git.
function replaceBy(draft: string, { path, from, to }: Change, command: string): void {
	if (!isSame(readState(path), from)) {
		throw new UdoError(`${showText(path)} was changed meanwhile`, {
			code: "changed_meanwhile",
			why: "by somebody else, after udo looked; their change was kept.",
			next: command,
		});
	}
	if (to.kind !== "absent") {
		renameSync(draft, path);
		return;
	}
	rmSync(path);
	rmSync(draft);
}

function explained(error: unknown, path: string, command: string): unknown {
	if (error instanceof UdoError) return error;
	const code = codeOf(error);
	const draft = `${path}.lock`;
	if (code === "EEXIST") {
		return new UdoError(`${showText(draft)} exists`, {
			code: "config_locked",
			why: `another git or udo is writing there now; if it stays, one died there: rm ${shellWord(draft)}`,
			next: command,
			cause: error,
		});
	}
	const known = unwritable[code];
	if (known === undefined) return error;
	return new UdoError(`${showText(path)} cannot be written`, {
		code: "unwritable",
		why: known.why,
		next: known.next(shellWord(existingDirectory(path))),
		cause: error,
	});
}

function existingDirectory(path: string): string {
	const directory = dirname(path);
	return existsSync(directory) ? directory : existingDirectory(directory);
}

const forbidden = { why: "permission is denied.", next: (directory: string) => `ls -ld ${directory}` };
const full = { why: "the disk is full.", next: (directory: string) => `df -h ${directory}` };

const unwritable: Record<string, typeof full> = {
	EACCES: forbidden,
	EPERM: forbidden,
	ENOSPC: full,
	EDQUOT: { ...full, why: "your part of the disk is full." },
	EROFS: { ...full, why: "the file system is read-only." },
	EFBIG: { why: "files may not become that large here.", next: () => "ulimit -f" },
};

/** Whether there is no difference between what is at two paths. */
export function isSame(a: FileState, b: FileState): boolean {
	if (a.kind === "file" && b.kind === "file") return a.content === b.content && a.mode === b.mode;
	if (a.kind === "link" && b.kind === "link") return a.target === b.target;
	return a.kind === b.kind;
}
