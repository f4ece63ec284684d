import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Who lives, as empty files named by pid, for the sh gate of the git hooks: it decides without starting node whether
 * anybody else is there. `<state>/live/<project>/<pid>` for every session, `<state>/live/exclusive/<pid>` for holders of
 * an exclusive lock, whose reach is every project. Only a hint: a file too many costs a node start.
 */
export class GateFiles {
	readonly #root: string;

	constructor(stateDirectory: string) {
		this.#root = join(stateDirectory, "live");
	}

	add(group: string, pid: number): void {
		const directory = join(this.#root, group);
		mkdirSync(directory, { recursive: true, mode: 0o700 });
		writeFileSync(join(directory, String(pid)), "", { mode: 0o600 });
	}

	/** Makes a group exactly these pids. */
	set(group: string, pids: readonly number[]): void {
		const wanted = new Set(pids.map(String));
		for (const name of this.#list(group)) {
			if (!wanted.delete(name)) rmSync(join(this.#root, group, name), { force: true });
		}
		for (const name of wanted) this.add(group, Number(name));
	}

	#list(group: string): string[] {
		try {
			return readdirSync(join(this.#root, group));
		} catch {
			return [];
		}
	}
}
