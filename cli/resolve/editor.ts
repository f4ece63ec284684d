import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { UdoError } from "../../server/errors.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { unwritable } from "../../server/git/unmerged/disk-state.ts";

/** Where an editor is started, and what it sees. */
export interface Editing {
	readonly directory: string;
	readonly environment: NodeJS.ProcessEnv;
}

/** Lets a person edit a text in the editor that git would start. Undefined when the editor fails, or leaves no file. */
export async function edited(
	text: Buffer,
	path: string,
	{ directory, environment }: Editing,
): Promise<Buffer | undefined> {
	// GIT_EDITOR, core.editor, VISUAL, EDITOR, and what this git was built with, in that order.
	const { code, stdout } = await new Plumbing(directory, environment).run(["var", "GIT_EDITOR"]);
	const editor = stdout.toString().trim();
	if (code !== 0 || editor === "") {
		throw new UdoError("no editor is set", { code: "no_editor", next: "export EDITOR=vi" });
	}
	const scratch = await mkdtemp(join(tmpdir(), "udo-resolve-")).catch(noScratch);
	try {
		// Its own name, so that the editor knows the language.
		const file = join(scratch, basename(path));
		await writeFile(file, text, { mode: 0o600 }).catch(noScratch);
		const status = await run(editor, file, directory, environment);
		// An editor that leaves no file has nothing to say either.
		return status === 0 ? await readFile(file).catch(() => undefined) : undefined;
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}

function noScratch(cause: unknown): never {
	throw unwritable(`a file in ${tmpdir()}`, cause);
}

// As git starts it: a shell takes the setting apart, the file is one word.
function run(editor: string, file: string, cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
	return new Promise((resolve) => {
		const child = spawn("sh", ["-c", `${editor} "$@"`, editor, file], { cwd, env, stdio: "inherit" });
		child.once("error", () => resolve(127));
		child.once("close", (code) => resolve(code ?? 128));
	});
}
