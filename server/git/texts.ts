import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openRepository } from "./repository.ts";

// Whoever compares them wants to read them.
const mostBytes = 1_000_000;

/** The text of a file in a working tree and in its HEAD, as far as there are any; nothing that is not text, or is too long. */
export async function textsOf(
	worktree: string,
	path: string,
): Promise<{ readonly ours?: Uint8Array; readonly base?: Uint8Array }> {
	const [ours, base] = await Promise.all([textOnDisk(join(worktree, path)), textInHead(worktree, path)]);
	return { ...(ours && { ours }), ...(base && { base }) };
}

async function textOnDisk(path: string): Promise<Uint8Array | undefined> {
	try {
		return textOrNothing(await readFile(path));
	} catch {
		return undefined;
	}
}

async function textInHead(worktree: string, path: string): Promise<Uint8Array | undefined> {
	try {
		const text = await (await openRepository(worktree)).ask("cat-file", "blob", `HEAD:${path}`);
		return text === undefined || text.includes("\ufffd") ? undefined : textOrNothing(Buffer.from(text));
	} catch {
		return undefined;
	}
}

function textOrNothing(bytes: Buffer): Uint8Array | undefined {
	return bytes.length > mostBytes || bytes.includes(0) ? undefined : bytes;
}
