import { basename } from "node:path";
import { ancestry, identifyProcess, type ProcessIdentity } from "../coordination/process.ts";

/** The git process that started this hook, or undefined when something else did, such as an editor with a git of its own. */
export function callingGit(): ProcessIdentity | undefined {
	const [, ...ancestors] = ancestry(process.pid);
	const git = ancestors.find(({ name }) => /^git(-|$)/.test(basename(name)));
	return git && identifyProcess(git.pid);
}
