import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { GitError } from "../../server/git/repository.ts";
import { unwritable } from "../../server/git/unmerged/disk-state.ts";

/** Rethrows what git said, or the system about a file, as an error that a person can act on. Each step was written down before, so the same command goes on. */
export function gitFailed(cause: unknown): never {
	if (!(cause instanceof GitError)) throw unwritable("a file of this repository", cause);
	const isLocked = /index\.lock/.test(cause.message);
	throw new UdoError(isLocked ? "the index of git is locked" : "git failed", {
		code: isLocked ? "index_locked" : "git_failed",
		why: showText(cause.message.split("\n")[0] ?? ""),
		next: isLocked ? "the same again when that git has ended; rm .git/index.lock if it was killed" : "git status",
		retryable: isLocked,
		cause,
	});
}
