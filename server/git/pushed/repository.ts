import { realpathSync } from "node:fs";
import { resolve, sep } from "node:path";
import { showText } from "../../coordination/describe.ts";
import { UdoError } from "../../errors.ts";
import { Plumbing } from "../plumbing.ts";
import { GitError } from "../repository.ts";

/**
 * A repository that is pushed to, or that a CI job looks at: it may be bare, and the pushed objects may still be in quarantine.
 * Whoever pushes decides what is in those objects, so nothing of them is taken for a setting of this repository.
 */
export class PushedRepository {
	readonly directory: string;
	/** The git directory that all working trees share; a bare repository's own. */
	readonly commonDirectory: string;
	readonly #git: Plumbing;
	readonly #environment: Readonly<Record<string, string>>;

	private constructor(git: Plumbing, commonDirectory: string, environment: Readonly<Record<string, string>>) {
		this.#git = git;
		this.directory = git.directory;
		this.commonDirectory = commonDirectory;
		this.#environment = environment;
	}

	/** The repository around a directory. Throws UdoError `not_a_repository`. */
	static async open(directory: string, environment: NodeJS.ProcessEnv): Promise<PushedRepository> {
		const git = new Plumbing(directory, environment);
		// git starts a pre-receive hook in the git directory and says so like this; from elsewhere it would be inherited.
		const here: Record<string, string> = environment["GIT_DIR"] === "." ? { GIT_DIR: "." } : {};
		const { code, stdout, stderr } = await git.run(["rev-parse", "--git-common-dir"], { environment: here });
		if (code !== 0) {
			throw new UdoError(`${showText(directory)} is not in a git repository`, {
				code: "not_a_repository",
				why: showText(stderr.trim().split("\n")[0] ?? ""),
				next: "cd to one",
			});
		}
		const common = realpathSync(resolve(directory, stdout.toString().replace(/\n$/, "")));
		return new PushedRepository(git, common, { ...here, ...quarantine(environment, directory, common), ...plainly });
	}

	/** Runs git here and answers its stdout. Rejects with GitError when it exits non-zero. */
	read(args: readonly string[], environment: Readonly<Record<string, string>> = {}, input?: string): Promise<string> {
		return this.#git.read(args, {
			environment: { ...this.#environment, ...environment },
			...(input !== undefined && { input }),
		});
	}

	/** Runs git here; undefined instead of an error when it exits non-zero. */
	async ask(...args: string[]): Promise<string | undefined> {
		try {
			return await this.read(args);
		} catch (error) {
			if (error instanceof GitError) return undefined;
			throw error;
		}
	}

	/** The commit that a typed word means, or undefined. */
	async commit(word: string): Promise<string | undefined> {
		if (word === "" || word.startsWith("-") || word.includes("\0")) return undefined;
		return (await this.ask("rev-parse", "--verify", "--quiet", `${word}^{commit}`))?.trim() || undefined;
	}
}

// Replacements (refs/replace) may have been pushed as well, and would show other commits than the real ones.
const plainly = { GIT_NO_REPLACE_OBJECTS: "1", GIT_LITERAL_PATHSPECS: "1" };

// Only one that is inside this repository: another one's hook may have started this process.
function quarantine(environment: NodeJS.ProcessEnv, directory: string, common: string): Record<string, string> {
	const path = environment["GIT_QUARANTINE_PATH"];
	if (path === undefined || !isInside(resolve(directory, path), common)) return {};
	const names = ["GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
	return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

function isInside(path: string, directory: string): boolean {
	try {
		return realpathSync(path).startsWith(`${directory}${sep}`);
	} catch {
		return false;
	}
}
