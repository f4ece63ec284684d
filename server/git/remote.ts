import { showText } from "../coordination/describe.ts";
import { thisHost } from "../coordination/process.ts";
import { UdoError } from "../errors.ts";
import { shellWord } from "../shell-word.ts";
import { localGitDirectory } from "./local-path.ts";
import type { Plumbing } from "./plumbing.ts";
import { normaliseRemote } from "./project.ts";
import { shortRef } from "./ref.ts";
import type { Settings } from "./settings.ts";

/** Where a branch is to be pushed. */
export interface Destination {
	/** As it was typed or configured: the name of a remote, an address, a path. */
	readonly remote: string;
	/** What git is told to push to: the remote's name, or an address without one. */
	readonly via: string;
	/** What git is told to fetch from: the same, or the address that is pushed to when fetching usually has another. */
	readonly source: string;
	/** One name for all spellings of the remote, so that all of them stand in one line. */
	readonly name: string;
	/** So exact that two remotes never have the same: commits of others only go to exactly this one. */
	readonly address: string;
	/** The local branch, and the full name of the ref on the remote. */
	readonly branch: string;
	readonly ref: string;
	/** The ref in which this clone remembers the remote's, if it does. */
	readonly tracking: string | undefined;
}

export interface DestinationWords {
	readonly remote: string | undefined;
	readonly branch: string | undefined;
	readonly to: string | undefined;
}

/**
 * Finds out where a branch is to be pushed, as `git push` does. Throws UdoError for what git would not accept as a name, and
 * for remotes that cannot have a queue.
 */
export async function findDestination(
	git: Plumbing,
	settings: Settings,
	current: string | undefined,
	words: DestinationWords,
): Promise<Destination> {
	const branch = await localBranch(git, words.branch, current);
	const remote = words.remote ?? defaultRemote(settings, branch);
	if (remote === "" || remote.includes("\0") || /^-/.test(remote)) {
		throw new UdoError(`${showText(JSON.stringify(remote), 80)} is not a remote`, {
			code: "remote_invalid",
			next: "git remote -v",
		});
	}
	const ref = await remoteRef(git, words, branch, settings, remote);
	const { fetchFrom, pushTo } = await addressesOf(git, settings, remote);
	const via = settings.get(`remote.${remote}.url`) === undefined ? pushTo : remote;
	const source = fetchFrom === pushTo ? via : pushTo;
	const { name, address } = identify(git.directory, pushTo);
	return { remote, via, source, name, address, branch, ref, tracking: trackingRef(settings, via, ref) };
}

async function localBranch(git: Plumbing, typed: string | undefined, current: string | undefined): Promise<string> {
	const branch = (typed && shortRef(typed)) ?? current;
	if (branch === undefined) {
		throw new UdoError("no branch is checked out here", {
			code: "branch_missing",
			why: "HEAD is detached, so there is nothing to move once the commits have landed.",
			next: "git switch -c NAME, or udo push REMOTE BRANCH",
		});
	}
	if (typed !== undefined) await checkRef(git, `refs/heads/${branch}`, branch);
	return branch;
}

function defaultRemote(settings: Settings, branch: string): string {
	const remotes = settings.keys().flatMap((key) => /^remote\.(.*)\.url$/s.exec(key)?.[1] ?? []);
	const [only, ...others] = remotes;
	return (
		settings.get(`branch.${branch}.pushremote`) ??
		settings.get("remote.pushdefault") ??
		settings.get(`branch.${branch}.remote`) ??
		(only !== undefined && others.length === 0 ? only : "origin")
	);
}

async function remoteRef(
	git: Plumbing,
	{ to, branch: typed }: DestinationWords,
	branch: string,
	settings: Settings,
	remote: string,
): Promise<string> {
	const ref =
		to ??
		configuredRef(settings, remote, branch) ??
		defaultRef(settings, remote, branch, typed !== undefined) ??
		branch;
	const full = ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
	if (ref !== branch) await checkRef(git, full, ref);
	if (full.startsWith("refs/tags/")) {
		throw new UdoError(`${showText(full, 120)} is a tag`, {
			code: "branch_invalid",
			why: "tags stay where they are, so there is no line to push to one.",
			next: `git push ${shellWord(remote)} ${shellWord(full)}`,
		});
	}
	return full;
}

/** Where `remote.<name>.push` sends a branch. */
function configuredRef(settings: Settings, remote: string, branch: string): string | undefined {
	for (const refspec of settings.all(`remote.${remote}.push`)) {
		const [from = "", dst] = refspec.replace(/^\+/, "").split(":");
		const source = from === "HEAD" || from === "@" ? branch : from;
		const to = dst ?? source;
		const ref = mapped(inFull(source), inFull(to), inFull(branch));
		if (ref === undefined) continue;
		if (ref.startsWith("refs/heads/")) return ref;
		throw new UdoError(`${showText(remote, 80)} takes pushes to ${showText(ref, 120)}`, {
			code: "branch_invalid",
			why: `remote.${showText(remote, 80)}.push says so, and there is no line to push to what is no branch.`,
			next: `git push ${shellWord(remote)}, or udo push --to ${shellWord(branch)}`,
		});
	}
	return undefined;
}

function inFull(ref: string): string {
	return ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
}

/** Where `push.default` sends a branch; undefined for the branch of the same name. Without a name it may say that it cannot tell. */
function defaultRef(settings: Settings, remote: string, branch: string, isNamed: boolean): string | undefined {
	const style = settings.get("push.default") ?? "simple";
	const isFromThere = settings.get(`branch.${branch}.remote`) === remote;
	const upstream = isFromThere ? settings.get(`branch.${branch}.merge`) : undefined;
	if (style === "upstream" || style === "tracking") return upstream;
	const isElsewhere = style === "simple" && upstream !== undefined && upstream !== `refs/heads/${branch}`;
	if (isNamed || (style !== "nothing" && !isElsewhere)) return undefined;
	const why =
		style === "nothing"
			? "push.default is nothing."
			: `it follows ${showText(shortRef(upstream ?? ""), 120)}, and has another name.`;
	const named = `${shellWord(remote)} ${shellWord(branch)}`;
	throw new UdoError(`where is ${showText(branch, 120)} to go on ${showText(remote, 80)}?`, {
		code: "branch_invalid",
		why,
		next: isElsewhere
			? `udo push --to ${shellWord(shortRef(upstream))} ${named}, or udo push ${named}`
			: `udo push ${named}`,
	});
}

async function checkRef(git: Plumbing, full: string, typed: string): Promise<void> {
	const isPlain = !typed.startsWith("-") && !typed.includes("\0") && full.length <= 1000;
	if (isPlain && (await git.run(["check-ref-format", full])).code === 0) return;
	throw new UdoError(`${showText(JSON.stringify(typed), 80)} is not a branch name`, {
		code: "branch_invalid",
		next: "git branch --list",
	});
}

async function addressesOf(git: Plumbing, settings: Settings, remote: string) {
	const [url] = settings.all(`remote.${remote}.url`);
	const special = settings.all(`remote.${remote}.pushurl`);
	const pushUrls = special.length > 0 ? special : settings.all(`remote.${remote}.url`);
	if (pushUrls.length > 1) {
		throw new UdoError(`${showText(remote, 80)} has several addresses to push to`, {
			code: "remote_invalid",
			why: "there is one queue for each, and no order between them.",
			next: `git push ${shellWord(remote)}`,
		});
	}
	const isRewritten = settings.keys().some((key) => /^url\..*\.(push)?insteadof$/s.test(key));
	if (url !== undefined && !isRewritten) return { fetchFrom: url, pushTo: pushUrls[0] ?? url };
	if (url === undefined) {
		const address = (await git.read(["ls-remote", "--get-url", "--", remote])).trimEnd();
		return { fetchFrom: address, pushTo: address };
	}
	// With what insteadOf and pushInsteadOf make of them.
	const [fetchFrom = "", pushTo = ""] = await Promise.all(
		[[], ["--push"]].map(async (flags) => (await git.read(["remote", "get-url", ...flags, "--", remote])).trimEnd()),
	);
	return { fetchFrom, pushTo };
}

/** `origin/main` for `refs/heads/main`, as the remote's fetch settings have it. */
function trackingRef(settings: Settings, remote: string, ref: string): string | undefined {
	for (const refspec of settings.all(`remote.${remote}.fetch`)) {
		const [from = "", to] = refspec.replace(/^\+/, "").split(":");
		if (to === undefined || to === "") continue;
		const found = mapped(from, to, ref);
		if (found !== undefined) return found;
	}
	return undefined;
}

/** What a refspec from one ref, or one pattern, to another makes of a ref. */
function mapped(from: string, to: string, ref: string): string | undefined {
	if (from === ref) return to;
	const [start = "", end] = from.split("*");
	if (end === undefined || !ref.startsWith(start) || !ref.endsWith(end)) return undefined;
	return to.replace("*", () => ref.slice(start.length, ref.length - end.length));
}

function identify(directory: string, url: string): { readonly name: string; readonly address: string } {
	const path = localGitDirectory(directory, url);
	if (path !== undefined) return { name: `${thisHost()}:${path}`, address: `${thisHost()}:${path}` };
	const address = url
		.replace(/\/+$/, "")
		.replace(/\.git$/, "")
		.replace(/\/+$/, "");
	return { name: normaliseRemote(url), address };
}
