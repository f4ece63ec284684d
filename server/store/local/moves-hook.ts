import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { movesConfigOf, movesHookOf } from "../../coordination/moves-paths.ts";
import { hookRequests } from "../../coordination/request-name.ts";
import { codeOf } from "../../errors.ts";
import type { Database } from "./database.ts";

// A git that has just seen the hook and is about to start it fails when it is gone: it goes seldom.
const idleMs = 60_000;

/**
 * The hook that guards moves of branches, there or not. It is there before a lock is granted that it guards, and goes when
 * nobody has or waits for such a lock; a file that stays behind only costs time. Once this machine has had a team it stays for
 * good: others lock branches without telling.
 */
export class MovesHook {
	readonly #database: Database;
	readonly #directory: string;
	readonly #hook: string;
	readonly #config: string;
	readonly #teams: string;

	constructor(database: Database, stateDirectory: string) {
		this.#database = database;
		this.#directory = join(stateDirectory, "moves");
		this.#hook = movesHookOf(stateDirectory);
		this.#config = movesConfigOf(stateDirectory);
		this.#teams = join(stateDirectory, "teams");
	}

	/** Makes sure that it is there. Inside the step that grants a lock, since `removeIfIdle` looks in a step as well. */
	add(): void {
		try {
			this.#place();
		} catch (error) {
			if (codeOf(error) !== "ENOENT") throw error;
			// Outside of a step, and somebody removed it meanwhile.
			this.#place();
		}
	}

	/** Removes it when nothing needs it. Costs a look at one file while it is not there. */
	async removeIfIdle(): Promise<void> {
		if (!this.#isIdle() || (await this.#database.read(() => isNeeded(this.#database)))) return;
		await this.#database.step(() => {
			if (!this.#isIdle() || isNeeded(this.#database)) return;
			rmSync(this.#hook, { force: true });
			rmSync(this.#config, { force: true });
			try {
				// Whoever writes a hook through such a link is told that it leads nowhere.
				rmdirSync(this.#directory);
			} catch {
				// Something else is in there.
			}
			// Which is no step: the mark of a team may have come meanwhile.
			if (existsSync(this.#teams)) this.add();
		});
	}

	#place(): void {
		if (existsSync(this.#hook) && existsSync(this.#config)) {
			const now = new Date();
			utimesSync(this.#hook, now, now);
			return;
		}
		mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
		place(this.#config, configText, 0o600);
		place(this.#hook, hookText, 0o700);
	}

	#isIdle(): boolean {
		const found = statSync(this.#hook, { throwIfNoEntry: false });
		return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > idleMs && !existsSync(this.#teams);
	}
}

function isNeeded(database: Database): boolean {
	const held = `SELECT 1 FROM holds WHERE kind IN ('git', 'project', 'exclusive') AND request NOT GLOB ? LIMIT 1`;
	const awaited = `SELECT 1 FROM tickets, json_each(tickets.resources) WHERE request NOT GLOB ?
		AND (value GLOB 'git:*' OR value GLOB 'project:*' OR value GLOB 'exclusive:*') LIMIT 1`;
	return database.get(held, hookRequests) !== undefined || database.get(awaited, hookRequests) !== undefined;
}

// git starts whatever it sees: never half a file.
function place(path: string, text: string, mode: number): void {
	const draft = `${path}.${process.pid}`;
	writeFileSync(draft, text, { mode });
	renameSync(draft, path);
}

// git names it by the link in a clone: in its hooks directory, or in udo's own.
const hookText = `#!/bin/sh
# Made by udo while branches are locked; \`udo init\` links to it.
if [ "\${1-}" = prepared ]; then
	udo_hook=reference-transaction udo_home=\${0%/*}/../udo
	[ -r "$udo_home/gate.sh" ] || udo_home=\${0%/*}/..
	if [ -r "$udo_home/gate.sh" ]; then . "$udo_home/gate.sh"; fi
fi
`;

const configText = `# Made by udo while branches are locked; what \`udo init\` wrote includes it.
[hook "udo-reference-transaction"]
	event = reference-transaction
`;
