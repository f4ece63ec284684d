import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../server/config.ts";
import { showSession } from "../../server/coordination/describe.ts";
import { findAnchor, sessionOf } from "../../server/coordination/identity.ts";
import { ancestry } from "../../server/coordination/process.ts";
import { shellWord } from "../../server/shell-word.ts";
import { type LocalStore, openLocalStore } from "../../server/store/local.ts";
import type { Finding } from "./finding.ts";

/** Whether the store of this user can be used, is private and undamaged, and which session this process belongs to. */
export async function inspectState(directory: string, environment: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
	// Throws what is wrong: not writable, damaged, written by a newer udo, on a network file system.
	await using store = await openLocalStore({ directory });
	const integrity = await store.integrity();
	if (integrity !== "ok") {
		const path = join(directory, "udo.db");
		const message = `state: ${path} is damaged: ${integrity}`;
		return [
			{ check: "state", level: "failure", message, next: `mv ${shellWord(path)} ${shellWord(`${path}.damaged`)}` },
		];
	}
	return [
		{ check: "state", level: "ok", message: `state: ${directory}, writable and undamaged` },
		...inspectPermissions(directory),
		await inspectSession(store, environment),
	];
}

function inspectPermissions(directory: string): readonly Finding[] {
	const paths = [directory, ...readdirSync(directory).map((name) => join(directory, name))];
	const open = paths.filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0);
	if (open.length === 0) return [{ check: "permissions", level: "ok", message: "state: only you can read it" }];
	const message = `state: others may read ${open.join(", ")}`;
	return [{ check: "permissions", level: "failure", message, next: `chmod -R go= ${shellWord(directory)}` }];
}

// Without registering one: looking must not change who is here.
async function inspectSession(store: LocalStore, environment: NodeJS.ProcessEnv): Promise<Finding> {
	const sessions = await store.sessions();
	const { session: named, agent } = readConfig(environment, undefined);
	const anchor = findAnchor(ancestry(process.pid), sessions, agent);
	const found = named === undefined ? sessionOf(anchor.process, sessions) : sessions.find(({ id }) => id === named);
	const how = named === undefined ? `process ${anchor.process.pid}` : `UDO_SESSION=${named}`;
	const message =
		found === undefined
			? `session: none yet; the next udo command registers ${how}`
			: `session: ${showSession({ session: found.id, actor: found.actor })}, by ${how}`;
	return { check: "session", level: "ok", message };
}
