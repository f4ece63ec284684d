import packageFile from "../../package.json" with { type: "json" };
import type { Finding } from "./finding.ts";

// `git worktree list -z`, by which udo finds all working trees of a clone.
const oldestGit = [2, 36] as const;

/** Whether this node is new enough. */
export function inspectNode(): Finding {
	const needed = packageFile.engines.node;
	const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
	const [oldestMajor = 0, oldestMinor = 0] = needed.replace(/^\D*/, "").split(".").map(Number);
	const isEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
	const message = `udo ${packageFile.version}, node ${process.versions.node}`;
	if (isEnough) return { check: "node", level: "ok", message };
	return { check: "node", level: "failure", message: `${message}: udo needs ${needed}`, next: "install a newer node" };
}

/** Whether the git that said this as its version is new enough. */
export function inspectGit(version: string): Finding {
	const message = version.trim();
	const [major = 0, minor = 0] = (/\d+\.\d+/.exec(message)?.[0] ?? "").split(".").map(Number);
	if (major > oldestGit[0] || (major === oldestGit[0] && minor >= oldestGit[1])) {
		return { check: "git", level: "ok", message };
	}
	const needed = `udo needs ${oldestGit.join(".")}`;
	return { check: "git", level: "failure", message: `${message}: ${needed}`, next: "install a newer git" };
}
