import { showText } from "../server/coordination/describe.ts";
import { openRepository, type Repository } from "../server/git/repository.ts";
import { type Snapshot, Snapshots } from "../server/git/snapshot.ts";
import { openWorkspace } from "../server/workspace.ts";

/** Keeps the working tree before git changes it. `words` is the command line of that git, a line for each word. */
export async function keepTree(
	directory: string,
	environment: NodeJS.ProcessEnv,
	words: string,
): Promise<Snapshot | undefined> {
	const { repository, session, actor } = await whoIsHere(directory, environment);
	const [program = "git", ...rest] = words.split("\n");
	const before = showText([program.replace(/^.*\//, ""), ...rest].join(" "), 160);
	return new Snapshots(repository, environment).take({ session, actor, before });
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
