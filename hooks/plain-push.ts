import { basename } from "node:path";
import { ancestry, argumentsOf } from "../server/coordination/process.ts";
import type { Repository } from "../server/git/repository.ts";

/**
 * Whether the `git push` that called this hook asks for nothing but what `udo push` does as well. A hook is not told whether it
 * is a dry run or is forced: that is read from the command line of git. What is not known there means no.
 */
export async function isPlainPush(repository: Repository, remote: string): Promise<boolean> {
	const git = ancestry(process.pid).find(({ name }) => name === "git");
	const words = git === undefined ? undefined : pushWords(argumentsOf(git.pid));
	if (words === undefined || !words.every(isPlainWord)) return false;
	const settings = `^remote\\.${remote.replace(/[^\w-]/g, "\\$&")}\\.(push|mirror)$`;
	return (await repository.ask("config", "--get-regexp", settings)) === undefined;
}

/** What follows `push`; undefined when something stands before it that may change what it means. */
function pushWords([program = "", ...rest]: readonly string[]): readonly string[] | undefined {
	if (!/^git(\.exe)?$/.test(basename(program))) return undefined;
	for (let at = 0; at < rest.length; at += 1) {
		const word = rest[at] ?? "";
		if (word === "push") return rest.slice(at + 1);
		if (word === "-C") at += 1;
		else if (!/^(-p|-P|--no-pager|--paginate)$/.test(word)) return undefined;
	}
	return undefined;
}

function isPlainWord(word: string): boolean {
	return (
		/^(-[vq]|--(verbose|quiet|progress|no-progress|verify|thin|no-thin|ipv[46]))$/.test(word) || /^[^-+:]/.test(word)
	);
}
