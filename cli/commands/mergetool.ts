import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Cli } from "../command.ts";
import { replaceFile } from "../replace-file.ts";
import { changedMeanwhile } from "../resolve/changed-meanwhile.ts";
import { readHunks } from "../resolve/hunks.ts";
import type { Target } from "../resolve/target.ts";
import { walk } from "../resolve/walk.ts";

export function define(command: Command, cli: Cli): void {
	command
		.argument("<base>", "$BASE")
		.argument("<local>", "$LOCAL")
		.argument("<remote>", "$REMOTE")
		.argument("<merged>", "$MERGED, with the conflict markers")
		.action(
			cli.action((base: string, local: string, remote: string, merged: string) =>
				mergetool(cli, { base, local, remote, merged }),
			),
		);
}

interface Names {
	readonly base: string;
	readonly local: string;
	readonly remote: string;
	readonly merged: string;
}

/** Walks through one file for `git mergetool`, which stages it when this answers 0. */
async function mergetool(cli: Cli, names: Names): Promise<number> {
	if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
		throw new UsageError("nobody can be asked here", {
			next: `udo resolve ${shellWord(names.merged)} --ours, --theirs, --both or --file FILE`,
		});
	}
	const target = await fileTarget(cli, names);
	const { output, directory, environment } = cli;
	await walk([{ kind: "text", target }], { output, editing: { directory, environment } });
	const { hunks, stray } = await readHunks({ ...target, read: () => target.read() });
	return hunks.length === 0 && stray.length === 0 ? 0 : 1;
}

// Undone within the walk only; git keeps the file as it was in `.orig`.
async function fileTarget(cli: Cli, { base, local, remote, merged }: Names): Promise<Target> {
	const path = resolve(cli.directory, merged);
	const before: Buffer[] = [];
	const texts = { base: await textOf(cli, base), ours: await textOf(cli, local), theirs: await textOf(cli, remote) };
	const read = () => readFile(path).catch((cause: unknown) => unreadable(merged, cause));
	const write = async (from: Buffer, to: Buffer) => {
		if (!(await read()).equals(from)) throw changedMeanwhile(merged);
		before.push(from);
		await replaceFile(path, to);
	};
	return {
		path: merged,
		markerSize: markerSizeOf(await read()),
		texts,
		sides: async () => ({ ours: undefined, theirs: undefined }),
		read,
		write,
		undo: async () => {
			const text = before.pop();
			if (text === undefined) return undefined;
			await replaceFile(path, text);
			return { what: basename(merged) };
		},
	};
}

// git does not tell; the longest first marker is the outermost.
function markerSizeOf(text: Buffer): number {
	const sizes = [...text.toString("latin1").matchAll(/^(<{7,})(?: |\r?$)/gm)].map(([, run = ""]) => run.length);
	return sizes.length === 0 ? 7 : Math.max(...sizes);
}

function textOf(cli: Cli, name: string): Promise<Buffer> {
	// Without a base git names none.
	if (name === "") return Promise.resolve(Buffer.alloc(0));
	return readFile(resolve(cli.directory, name)).catch((cause: unknown) => unreadable(name, cause));
}

function unreadable(name: string, cause: unknown): never {
	throw new UdoError(`${showText(name, 120)} cannot be read`, {
		code: "unreadable",
		why: showText(cause instanceof Error ? cause.message : String(cause)),
		next: "git mergetool",
		cause,
	});
}
