import { basename, dirname, join } from "node:path";
import type { ProjectId } from "../../coordination/session.ts";
import { derivedProject, projectOf, readIfThere } from "../project.ts";
import { openRepository } from "../repository.ts";
import type { BranchUpdate } from "./changes.ts";
import type { PushedRepository } from "./repository.ts";

// What is longer no clone reads either.
const mostBytes = 1_000_000;

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
		for (const project of await uncommittedProjects(repository, [...commits])) projects.add(project);
	}
	return [...projects];
}

async function committedProject(repository: PushedRepository, commit: string): Promise<ProjectId | undefined> {
	const blob = `${commit}:udo.config.json`;
	const size = await repository.ask("cat-file", "-s", blob);
	if (size === undefined || Number(size) > mostBytes) return undefined;
	const text = await repository.ask("cat-file", "blob", blob);
	try {
		const file: unknown = JSON.parse(text ?? "");
		const id = typeof file === "object" && file !== null && "project" in file ? file.project : undefined;
		return typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id) ? (id as ProjectId) : undefined;
	} catch {
		return undefined;
	}
}

// As projectOf finds it in the clones: where the address is a bare repository on this machine, that adds nothing. Which first commit
// theirs is, only they know: a push may bring further ones, and the branch that HEAD names need not be there.
async function uncommittedProjects(
	repository: PushedRepository,
	commits: readonly (string | undefined)[],
): Promise<readonly ProjectId[]> {
	const { commonDirectory } = repository;
	const isBare = (await repository.ask("config", "--type=bool", "core.bare"))?.trim() === "true";
	if (!isBare && basename(commonDirectory) === ".git") {
		return [await projectOf(await openRepository(dirname(commonDirectory)), undefined)];
	}
	const tips = commits.flatMap((each) => each ?? []);
	const roots = await repository.read(["rev-list", "--max-parents=0", ...tips, "--branches", "--"]);
	return roots.split("\n").flatMap((root) => (root === "" ? [] : [derivedProject(root, undefined)]));
}
