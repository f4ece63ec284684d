import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProjectId } from "../coordination/session.ts";
import { localGitDirectory } from "./local-path.ts";
import { openRepository, type Repository } from "./repository.ts";

/**
 * The project a repository belongs to: what udo.config.json says, else derived from its first commit and the address it was
 * cloned from, so that worktrees and clones share it. Remembered in `<git directory>/udo/project`, because finding the first
 * commit of a large history takes seconds.
 */
export async function projectOf(repository: Repository, configured: string | undefined): Promise<ProjectId> {
	if (configured !== undefined) return configured as ProjectId;
	const remembered = join(repository.commonDirectory, "udo", "project");
	const known = readIfThere(remembered);
	if (known !== undefined) return known as ProjectId;
	const root = await firstCommit(repository);
	// Before the first commit nothing is common to two clones yet; nothing is remembered either.
	if (root === undefined) return projectId(`unborn ${repository.commonDirectory}`);
	const id = derivedProject(root, await originOf(repository));
	try {
		mkdirSync(join(repository.commonDirectory, "udo"), { recursive: true });
		writeFileSync(remembered, `${id}\n`);
	} catch {
		// A read-only repository: found again next time.
	}
	return id;
}

/** The project of a history that starts with this commit, in clones of this address; undefined for an address of this machine. */
export function derivedProject(root: string, origin: string | undefined): ProjectId {
	return projectId(`${root} ${origin ?? ""}`);
}

/** A remote address without protocol, user, port and `.git`, so that ssh and https name the same project. */
export function normaliseRemote(url: string): string {
	const scp = /^(?:[^@/]+@)?([^/:]+):(?!\/\/)(.*)$/.exec(url);
	const [host = "", path = ""] = scp ? [scp[1], scp[2]] : splitUrl(url);
	return `${host.toLowerCase()}/${path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "")}`;
}

function splitUrl(url: string): [string, string] {
	const parts = /^[a-z+]+:\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.*)$/i.exec(url);
	return parts ? [parts[1] ?? "", parts[2] ?? ""] : ["", url];
}

async function firstCommit(repository: Repository): Promise<string | undefined> {
	// Not that of another history which was merged into this one, as by `git subtree add`.
	const root = await repository.ask("rev-list", "--first-parent", "--max-parents=0", "HEAD");
	return root?.trim() || undefined;
}

// A clone by path belongs with the repository it came from, whose own origin may be a real address, or none.
async function originOf(repository: Repository, hops = 0): Promise<string | undefined> {
	const url = (await repository.ask("config", "--get", "remote.origin.url"))?.trim();
	if (!url) return undefined;
	const path = localGitDirectory(repository.worktree, url);
	if (path === undefined) return normaliseRemote(url);
	const source = hops < 8 ? await openIfWorktree(path.replace(/\/\.git$/, "")) : undefined;
	return source === undefined ? undefined : originOf(source, hops + 1);
}

async function openIfWorktree(directory: string): Promise<Repository | undefined> {
	try {
		return await openRepository(directory);
	} catch {
		return undefined;
	}
}

function projectId(facts: string): ProjectId {
	return `proj_${createHash("sha256").update(facts).digest("hex").slice(0, 12)}` as ProjectId;
}

/** The text of a small file without its end of line; undefined when there is none, or nothing in it. */
export function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8").trim() || undefined;
	} catch {
		return undefined;
	}
}
