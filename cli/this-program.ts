import { realpathSync } from "node:fs";
import type { Baked } from "../hooks/hook-text.ts";

/** This node and this udo, as the installed hooks are to start them. */
export function thisProgram(): Baked {
	return { node: process.execPath, program: realpathSync(process.argv[1] ?? "") };
}
