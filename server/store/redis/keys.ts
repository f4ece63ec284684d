import type { ProjectId } from "../../coordination/session.ts";

/** The set of all projects of a store. */
export const allProjects = "udo:projects";

/** What is counted for no project. */
export const allCounters = "udo:counters";

/** A key of a project, in the project's slot; lua/project.lua says what each is for. */
export function keyOf(project: ProjectId, name: string): string {
	return `udo:project:{${project}}:${name}`;
}
