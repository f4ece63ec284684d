import { UdoError } from "../../errors.ts";
import type { Plumbing } from "../plumbing.ts";
import { type CommitObject, inUnicode } from "./commit-object.ts";

/**
 * Writes a commit that is signed as the user's settings say, and answers its id. git is told the author by way of the
 * environment, which takes UTF-8 only: what is in another encoding is written in that, as git rebase does. Throws UdoError
 * `not_signed` with what git said.
 */
export async function writeSigned(
	git: Plumbing,
	environment: Readonly<Record<string, string>>,
	original: CommitObject,
	committer: string,
): Promise<string> {
	const commit = inUnicode(original);
	const parents = commit.parents.flatMap((parent) => ["-p", parent]);
	const encoding = ["-c", `i18n.commitEncoding=${commit.encoding ?? "UTF-8"}`];
	const { code, stdout, stderr } = await git.run([...encoding, "commit-tree", "-S", ...parents, commit.tree], {
		input: commit.message,
		environment: {
			...environment,
			...identity("AUTHOR", commit.author.toString()),
			...identity("COMMITTER", committer),
		},
	});
	if (code === 0) return stdout.toString().trim();
	throw new UdoError("your commits could not be signed again, and nothing was pushed", {
		code: "not_signed",
		why: stderr.trim().split("\n").slice(0, 3).join("; "),
		next: "git commit --amend --no-edit -S, and once that works udo push",
	});
}

function identity(role: "AUTHOR" | "COMMITTER", text: string): Readonly<Record<string, string>> {
	const [, name = "", email = "", date = ""] = /^(.*?) ?<([^>]*)> (.*)$/.exec(text) ?? [];
	return { [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email, [`GIT_${role}_DATE`]: `@${date}` };
}
