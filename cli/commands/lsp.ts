import { constants } from "node:os";
import { Writable } from "node:stream";
import type { Command } from "commander";
import packageFile from "../../package.json" with { type: "json" };
import { serve } from "../../server/lsp/server.ts";
import type { Cli } from "../command.ts";

export function define(command: Command, cli: Cli): void {
	command
		.option("--stdio", "how it talks; there is no other way, but most editors say it")
		// An editor's client may add arguments of its own, such as --clientProcessId: never a reason not to start.
		.allowUnknownOption()
		.allowExcessArguments()
		.action(cli.action(() => lsp(cli)));
}

async function lsp(cli: Cli): Promise<number> {
	const output = takeStdout();
	// An editor that is served must not lose its server over one bad message; the next one starts from the state as it is.
	for (const event of ["uncaughtException", "unhandledRejection"]) {
		process.on(event, (error: unknown) => cli.output.failure(error));
	}
	const ended = cli.interrupted;
	const { isOrderly } = await serve({
		input: process.stdin,
		output,
		version: packageFile.version,
		ended,
		open: async (directory, anchor) => {
			const { openWorkspace } = await import("../../server/workspace.ts");
			return openWorkspace({ directory, environment: cli.environment, anchor });
		},
	});
	process.stdin.destroy();
	if (ended.aborted) return 128 + (signalNumbers.get(ended.reason) ?? 0);
	return isOrderly ? 0 : 1;
}

const signalNumbers = new Map<unknown, number>(Object.entries(constants.signals));

/** Keeps stdout for the protocol alone: what anything else writes there, a library's console.log, goes to stderr. */
function takeStdout(): Writable {
	const write = process.stdout.write.bind(process.stdout);
	process.stdout.write = process.stderr.write.bind(process.stderr);
	const protocol = new Writable({
		write: (chunk: Uint8Array, _encoding, done) => {
			write(chunk, (error) => done(error));
		},
	});
	// The editor is gone: `serve` is told, instead of the process ending on the spot as it does for `udo log | head`.
	process.stdout.removeAllListeners("error");
	for (const stream of [process.stdout, process.stderr]) stream.on("error", (error) => protocol.destroy(error));
	return protocol;
}
