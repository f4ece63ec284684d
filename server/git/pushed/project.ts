import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ProjectId } from "../../coordination/session.ts";
import { derivedProject, projectOf } from "../project.ts";
import { openRepository } from "../repository.ts";
import type { BranchUpdate } from "./changes.ts";
import type { PushedRepository } from "./repository.ts";

/**
 * The projects that a push may be about, as its clones have them. What udo.config.json said before the push and what it says
 * afterwards both count, and what is written in `<git directory>/udo/project` always: whoever pushes could otherwise leave the
 * project whose locks are in the way.
 */
export async function pushedProjects(
	repository: PushedRepository,
	updates: readonly BranchUpdate[],
): Promise<readonly ProjectId[]> {
	const head = await repository.commit("HEAD");
	const commits = new Set([head, ...updates.flatMap(({ before, after }) => [before, after])]);
	const remembered = readIfThere(join(repository.commonDirectory, "udo", "project"));
	const projects = new Set<ProjectId>(remembered === undefined ? [] : [remembered as ProjectId]);
	let isSilent = false;
	for (const commit of commits) {
		if (commit === undefined) continue;
		const project = await committedProject(repository, commit);
		if (project !== undefined) projects.add(project);
		else isSilent = true;
	}
	if (isSilent && remembered === undefined) {
		const project = await uncommittedProject(repository, [...commits]);
		if (project !== undefined) projects.add(project);
	}
	return [...projects];
}

async function committedProject(repository: PushedRepository, commit: string): Promise<ProjectId | undefined> {
	const text = await repository.ask("cat-file", "blob", `${commit}:udo.config.json`);
	try {
		const file: unknown = JSON.parse(text ?? "");
		const id = typeof file === "object" && file !== null && "project" in file ? file.project : undefined;
		return typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id) ? (id as ProjectId) : undefined;
	} catch {
		return undefined;
	}
}

// As projectOf finds it in the clones: where the address is a bare repository on this machine, that adds nothing.
async function uncommittedProject(
	repository: PushedRepository,
	[...commits]: readonly (string | undefined)[],
): Promise<ProjectId | undefined> {
	const { commonDirectory } = repository;
	const isBare = (await repository.ask("config", "--type=bool", "core.bare"))?.trim() === "true";
	if (!isBare && basename(commonDirectory) === ".git") {
		return projectOf(await openRepository(dirname(commonDirectory)), undefined);
	}
	const commit = commits.find((each) => each !== undefined);
	if (commit === undefined) return undefined;
	const roots = (await repository.read(["rev-list", "--max-parents=0", commit, "--"])).split("\n").filter(Boolean);
	const [root] = roots.sort();
	return root === undefined ? undefined : derivedProject(root, undefined);
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8").trim() || undefined;
	} catch {
		return undefined;
	}
}
