import type { Command } from "commander";
import { showSettings, stateDirectory } from "../../server/config.ts";
import { UdoError } from "../../server/errors.ts";
import { openRepository } from "../../server/git/repository.ts";
import type { Cli } from "../command.ts";

export function define(command: Command, cli: Cli): void {
	command
		.addHelpText(
			"after",
			'\nSet them in udo.config.json of the repository, such as {"lock": {"ttl": 600}}, or in the environment.',
		)
		.action(cli.action(() => config(cli)));
}

async function config(cli: Cli): Promise<number> {
	const settings = showSettings(cli.environment, await worktreeOf(cli.directory));
	const state = stateDirectory(cli.environment);
	const rows = settings.map(({ key, value, unit, variable, meaning, source }) => [
		key,
		`${value}${unit === "s" ? " s" : ""}`,
		source,
		variable,
		meaning,
	]);
	const data = {
		stateDirectory: state,
		settings: settings.map(({ key, value, unit, source, variable }) => ({ key, value, unit, source, variable })),
	};
	cli.output.result("config", data, [...cli.output.table(rows), cli.output.dim(`state: ${state}`)]);
	return 0;
}

// The settings can be shown anywhere; inside a repository its own file counts too.
async function worktreeOf(directory: string): Promise<string | undefined> {
	try {
		return (await openRepository(directory)).worktree;
	} catch (error) {
		if (error instanceof UdoError) return undefined;
		throw error;
	}
}
