import { existsSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../server/config.ts";
import { projectOf } from "../../server/git/project.ts";
import type { Repository } from "../../server/git/repository.ts";
import type { Finding } from "./finding.ts";

/** Which project this is and where its id comes from: sessions only meet when they agree on it. */
export async function inspectProject(
	repository: Repository,
	environment: NodeJS.ProcessEnv,
): Promise<readonly Finding[]> {
	const { project: configured } = readConfig(environment, repository.worktree);
	const wasRemembered = existsSync(join(repository.commonDirectory, "udo", "project"));
	const isUnborn = (await repository.ask("rev-parse", "--verify", "--quiet", "HEAD")) === undefined;
	const id = await projectOf(repository, configured);
	const source =
		configured !== undefined
			? "from udo.config.json"
			: wasRemembered
				? "remembered in the git directory"
				: isUnborn
					? "from this directory until the first commit"
					: "from the first commit and the origin";
	const finding: Finding = { check: "project", level: "ok", message: `project: ${id}, ${source}` };
	const isShallow = (await repository.run("rev-parse", "--is-shallow-repository")).trim() === "true";
	if (configured !== undefined || !isShallow) return [finding];
	return [
		finding,
		{
			check: "project",
			level: "warning",
			message: "project: this clone is shallow and does not know the first commit, so other clones are another project",
			next: `commit a udo.config.json with {"project": "${id}"}`,
		},
	];
}
