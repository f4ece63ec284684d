import { processEnvironment } from "../server/config.ts";
import { runHook } from "./commands/hook.ts";
import { Output } from "./output.ts";

/*
 * What the sh gate of the git hooks starts: `udo hook NAME [ARGS…]` without the rest of udo, built as one file of its own,
 * because every commit beside another session waits for it.
 */

const [name = "", ...args] = process.argv.slice(2);
const output = new Output({ json: false, plain: true });
void runHook({ output, environment: processEnvironment(), directory: process.cwd() }, name, args).catch(
	(error: unknown) => {
		process.exitCode = output.failure(error);
	},
);
