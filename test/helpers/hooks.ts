import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../../server/workspace.ts";
import type { Sandbox } from "./sandbox.ts";

/** Runs `udo init --yes`; throws when it fails. */
export async function installHooks(sandbox: Sandbox, directory = sandbox.repository): Promise<void> {
	const answer = await sandbox.udo(["init", "--yes"], { directory, as: "installer" });
	if (answer.code !== 0) throw new Error(`udo init: ${answer.stderr}`);
}

/** Writes an executable file, such as a hook of the user's own. */
export async function writeScript(path: string, text: string | Uint8Array, mode = 0o755): Promise<void> {
	await writeFile(path, text);
	await chmod(path, mode);
}

/** Puts a spy between the installed gate and node; answers a function that tells how often the gate started it. */
export async function spyOnNode(sandbox: Sandbox): Promise<() => Promise<number>> {
	const spy = join(sandbox.directory, "bin", "spy");
	const starts = join(sandbox.directory, "starts");
	await writeFile(starts, "");
	await writeScript(spy, `#!/bin/sh\necho start >>'${starts}'\nexec '${process.execPath}' "$@"\n`);
	const gate = join(sandbox.repository, ".git", "udo", "gate.sh");
	await writeFile(gate, (await readFile(gate, "utf8")).replace(/^udo_node=.*$/m, `udo_node='${spy}'`));
	return async () => (await readFile(starts, "utf8")).split("\n").length - 1;
}

/** A session of this process, as an editor has one: it can lock by editing. */
export function openEditor(sandbox: Sandbox, name: string, directory = sandbox.repository): Promise<Workspace> {
	const environment = { ...sandbox.environment, UDO_SESSION: name, UDO_ACTOR: name };
	return openWorkspace({ directory, environment });
}
