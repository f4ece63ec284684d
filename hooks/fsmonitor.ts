import { showText } from "../server/coordination/describe.ts";
import { openRepository, type Repository } from "../server/git/repository.ts";
import { readable } from "../server/git/snapshot/byte-path.ts";
import { Snapshots } from "../server/git/snapshot/snapshot.ts";
import { openWorkspace } from "../server/workspace.ts";

/**
 * Keeps the working tree before git changes it, and answers the files that could not be kept. `words` is the command line of
 * that git, a line for each word.
 */
export async function keepTree(
	directory: string,
	environment: NodeJS.ProcessEnv,
	words: string,
): Promise<readonly string[]> {
	const { repository, session, actor } = await whoIsHere(directory, environment);
	const [program = "git", ...rest] = words.split("\n");
	const before = showText([program.replace(/^.*\//, ""), ...rest].join(" "), 160);
	const missing = await new Snapshots(repository, environment).take({ session, actor, before });
	return missing.map(readable);
}

interface Here {
	readonly repository: Repository;
	readonly session: string;
	readonly actor: string;
}

// Without a store, or with a nonsensical configuration, the files are worth no less.
async function whoIsHere(directory: string, environment: NodeJS.ProcessEnv): Promise<Here> {
	try {
		await using workspace = await openWorkspace({ directory, environment, insideHook: true });
		const { id, actor } = workspace.coordinator.session;
		return { repository: workspace.repository, session: id, actor };
	} catch {
		const repository = await openRepository(directory, { insideHook: true });
		return { repository, session: "unknown", actor: "unknown" };
	}
}
