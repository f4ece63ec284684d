import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionId } from "../../coordination/session.ts";

// Another process may have added its session after the list was read: without its file the gate would not see it.
const freshMs = 10_000;

/** A session, as much as the gate knows of it. */
export interface GateEntry {
	readonly pid: number;
	readonly session: SessionId;
}

/**
 * Who lives, as empty files named by pid and session, for the sh gate of the git hooks: it decides without starting node
 * whether anybody else is there. `<state>/live/<project>/<pid>.<session>` for every session, and the same in
 * `<state>/live/exclusive/` for holders of an exclusive lock, whose reach is every project. Several sessions may share a
 * process (UDO_SESSION). `<state>/teams/<project>` stands for everybody on other machines. Only a hint: a file too many costs
 * a node start.
 */
export class GateFiles {
	readonly #root: string;
	readonly #teams: string;

	constructor(stateDirectory: string) {
		this.#root = join(stateDirectory, "live");
		// Beside, since it is true after a reboot as well.
		this.#teams = join(stateDirectory, "teams");
	}

	add(group: string, entry: GateEntry): void {
		const directory = join(this.#root, group);
		mkdirSync(directory, { recursive: true, mode: 0o700 });
		writeFileSync(join(directory, fileName(entry)), "", { mode: 0o600 });
	}

	/** Makes a group these sessions, and those that others may have added since the caller looked. */
	set(group: string, entries: readonly GateEntry[]): void {
		const wanted = new Map(entries.map((entry) => [fileName(entry), entry]));
		for (const name of this.#list(group)) {
			if (!wanted.delete(name)) removeUnlessFresh(join(this.#root, group, name));
		}
		for (const entry of wanted.values()) this.add(group, entry);
	}

	/** Notes whether a project has a team, of whose other machines there are no files here. */
	setTeam(project: string, hasTeam: boolean): void {
		const path = join(this.#teams, project);
		if (hasTeam === existsSync(path)) return;
		if (hasTeam) {
			mkdirSync(this.#teams, { recursive: true, mode: 0o700 });
			writeFileSync(path, "", { mode: 0o600 });
		} else rmSync(path, { force: true });
	}

	/** Forgets all groups. */
	clear(): void {
		rmSync(this.#root, { recursive: true, force: true });
	}

	#list(group: string): string[] {
		try {
			return readdirSync(join(this.#root, group));
		} catch {
			return [];
		}
	}
}

function removeUnlessFresh(path: string): void {
	const found = statSync(path, { throwIfNoEntry: false });
	if (found !== undefined && Date.now() - found.mtimeMs > freshMs) rmSync(path, { force: true });
}

function fileName({ pid, session }: GateEntry): string {
	return `${pid}.${session}`;
}
