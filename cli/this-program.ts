import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Baked, Target } from "../hooks/install/hook-text.ts";
import { stateDirectory } from "../server/config.ts";

/**
 * This node and this udo, as the installed hooks are to start them: the bundle of cli/hook.ts, which lies beside udo's. And where
 * its store is.
 */
export function thisProgram(environment: NodeJS.ProcessEnv): Target {
	const program = join(dirname(realpathSync(process.argv[1] ?? "")), "hook.cjs");
	return { node: process.execPath, program, state: stateDirectory(environment) };
}

/** As {@link thisProgram}, for what git starts beside the hooks: udo itself. */
export function thisDriver(environment: NodeJS.ProcessEnv): Baked {
	const { node, program } = thisProgram(environment);
	return { node, program: join(dirname(program), "udo.js") };
}
