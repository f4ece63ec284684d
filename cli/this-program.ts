import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Baked } from "../hooks/hook-text.ts";

/** This node and this udo, as the installed hooks are to start them: the bundle of cli/hook.ts, which lies beside udo's. */
export function thisProgram(): Baked {
	return { node: process.execPath, program: join(dirname(realpathSync(process.argv[1] ?? "")), "hook.cjs") };
}
