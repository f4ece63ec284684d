import type { Command } from "commander";
import type { Workspace } from "../server/workspace.ts";
import type { Output } from "./output.ts";

/** What every command is given. */
export interface Cli {
	readonly output: Output;
	readonly environment: NodeJS.ProcessEnv;
	readonly directory: string;
	/** The command of `udo run`: everything after `--`. */
	readonly rest: readonly string[];
	/** Aborts on Ctrl-C, SIGTERM and SIGHUP. */
	readonly interrupted: AbortSignal;
	/** Opens the repository here, or around a directory, with the store and this session; closed when the command ends. */
	open(directory?: string): Promise<Workspace>;
	/** Makes an action of a function that answers an exit code (nothing is 0). */
	action<Args extends readonly unknown[]>(
		body: (...args: Args) => Promise<number | undefined>,
	): (...args: Args) => Promise<void>;
}

/** A command's file adds its arguments, options and action to the command that the table in udo.ts made. */
export interface CommandModule {
	define(command: Command, cli: Cli): void;
}

/** The signals by which people and systems end a command. */
export const interruptions = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
