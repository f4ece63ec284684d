import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CoordinatedPush } from "../../hooks/verdict.ts";
import type { Cli } from "../command.ts";

/**
 * Runs `udo push` in place of the `git push` that called this hook, and says how to read what git says next: nobody can stop
 * a push from a hook without git calling it a failure.
 */
export async function pushInstead(
	cli: Pick<Cli, "output" | "environment" | "directory">,
	{ remote, branch, ref }: CoordinatedPush,
): Promise<void> {
	// The command lies beside the bundle of the hooks.
	const program = join(dirname(realpathSync(process.argv[1] ?? "")), "udo.js");
	const environment = Object.fromEntries(
		Object.entries(cli.environment).filter(([name]) => !ofTheHook.test(name) && name !== "UDO_PUSH"),
	);
	const code = await new Promise<number>((resolve) => {
		const child = spawn(process.execPath, [program, "push", "--to", ref, "--", remote, branch], {
			cwd: cli.directory,
			env: environment,
			stdio: ["ignore", 2, 2],
		});
		child.once("error", () => resolve(1));
		child.once("exit", (exitCode) => resolve(exitCode ?? 1));
	});
	if (code === 0) cli.output.note("udo: it has landed; that git calls its own push a failure means nothing");
}

// What git tells a hook about the repository; the command finds out by itself.
const ofTheHook = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|QUARANTINE_PATH)$/;
