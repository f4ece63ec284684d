import { dirname } from "node:path";
import { codeOf, StoreUnavailableError } from "../../errors.ts";
import { quoted } from "../../shell-word.ts";

/** How long a step waits for its turn when other processes keep the database busy. */
export const busyPatienceMs = 10_000;

/** What a failure of the file system or of SQLite at `path` means to a person; anything else is answered as it is. */
export function explainFailure(error: unknown, path: string): unknown {
	const directory = dirname(path);
	if (error instanceof StoreUnavailableError) return error;
	const code = sqliteCodeOf(error);
	if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
		return new StoreUnavailableError(`${path} is damaged`, {
			why: "SQLite cannot read it. udo does not delete it: it may hold conflicts that you still need. Without it udo starts with an empty one.",
			next: `mv ${quoted(path)} ${quoted(`${path}.damaged`)}`,
			cause: error,
		});
	}
	if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) {
		return new StoreUnavailableError(`no space left for ${path}`, {
			why: "the disk or your quota is full.",
			next: `df -h ${quoted(directory)}`,
			retryable: true,
			cause: error,
		});
	}
	if (/^(SQLITE_(READONLY|CANTOPEN|PERM)|EACCES|EROFS|EPERM|ENOTDIR|EEXIST|ENOENT)/.test(code)) {
		return new StoreUnavailableError(`cannot write to ${directory}`, {
			why: `udo keeps its locks there (${code}). Make it yours, or set XDG_STATE_HOME to a directory that is.`,
			next: `ls -ld ${quoted(directory)}`,
			cause: error,
		});
	}
	if (code.startsWith("SQLITE_BUSY")) {
		return new StoreUnavailableError(`${path} stayed locked by another process`, {
			why: `no turn within ${busyPatienceMs / 1000} s.`,
			next: "udo doctor",
			retryable: true,
			cause: error,
		});
	}
	if (/^(SQLITE_IOERR|EIO)/.test(code)) {
		return new StoreUnavailableError(`the disk failed while udo used ${path}`, {
			why: String(error instanceof Error ? error.message : error),
			next: "udo doctor",
			cause: error,
		});
	}
	return error;
}

/** The code of a file system or SQLite error, or an empty string. */
export function sqliteCodeOf(error: unknown): string {
	// libsql's own words for SQLite's "cannot open", where it gives no code.
	const isUnopened = error instanceof Error && /Unable to open connection|ConnectionFailed/.test(error.message);
	return isUnopened ? "SQLITE_CANTOPEN" : codeOf(error);
}
