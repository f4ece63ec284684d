import {
	chmodSync,
	closeSync,
	lstatSync,
	mkdirSync,
	openSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmdirSync,
	rmSync,
	symlinkSync,
	writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { showText } from "../server/coordination/describe.ts";
import { UdoError } from "../server/errors.ts";

/** What is at a path. `content` is latin1, one character for each byte: other people's hooks need not be UTF-8. */
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

/** Makes a change, each at once or not at all; git never sees half a file. */
export function apply({ path, to }: Change): void {
	if (to.kind === "absent") {
		rmSync(path);
		return;
	}
	mkdirSync(dirname(path), { recursive: true });
	// git itself writes `config` by way of `config.lock`: holding that, no change of git's gets lost.
	const draft = `${path}.lock`;
	try {
		if (to.kind === "link") symlinkSync(to.target, draft);
		else if (to.kind === "file") writeNew(draft, to);
		else throw new Error(`cannot make ${path} something that is not a file`);
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
		throw new UdoError(`${showText(draft)} exists`, {
			code: "config_locked",
			why: "another git or udo is writing there now, or one died there.",
			next: `run the same command again; if it stays: rm '${showText(draft)}'`,
			cause: error,
		});
	}
	renameSync(draft, path);
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

function writeNew(path: string, { content, mode }: Extract<FileState, { kind: "file" }>): void {
	const file = openSync(path, "wx", mode);
	try {
		writeSync(file, Buffer.from(content, "latin1"));
	} finally {
		closeSync(file);
	}
	// Whatever the umask is.
	chmodSync(path, mode);
}

function isSame(a: FileState, b: FileState): boolean {
	if (a.kind === "file" && b.kind === "file") return a.content === b.content && a.mode === b.mode;
	if (a.kind === "link" && b.kind === "link") return a.target === b.target;
	return a.kind === b.kind;
}
