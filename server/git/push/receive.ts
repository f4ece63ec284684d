import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { thisHost } from "../../coordination/process.ts";
import type { PushLanded } from "../../coordination/push/ticket.ts";
import type { Plumbing } from "../plumbing.ts";
import type { Repository } from "../repository.ts";
import { withPatience } from "./transient.ts";

// As git fetch has it: more objects than these stay in their pack.
const mostLoose = 100;

/** The remote's ref as this clone knows it. */
export interface KnownRef {
	/** What git is told to fetch from. */
	readonly source: string;
	/** The ref in which this clone remembers it, and what that was at when the push began. */
	readonly tracking: string | undefined;
	readonly known: string | undefined;
}

/**
 * Brings what landed into this clone, and notes in its remote-tracking branch that the remote has it: from the clone of whoever
 * pushed it, when that is on this machine, else from the remote. False when neither gives it.
 */
export async function receiveLanded(
	git: Plumbing,
	repository: Repository,
	ref: KnownRef,
	{ after, from }: PushLanded,
): Promise<boolean> {
	const isHere = from.host === thisHost();
	if (isHere && from.gitDirectory === repository.commonDirectory) return true;
	if (isHere && (await unpack(git, ref, after, from))) return true;
	// Without a ref of its own it is kept by the branch that moves to it, and long enough until then.
	const refspec = ref.tracking === undefined ? after : `${after}:${ref.tracking}`;
	for (const source of [...(isHere ? [from.gitDirectory] : []), ref.source]) {
		const { code } = await withPatience(() => git.run([...fetchCommand, "--", source, refspec]));
		// Exit code 1 when the tracking branch is further on already: the commits are here all the same.
		if (code === 0 || (await git.run(["cat-file", "-e", `${after}^{commit}`])).code === 0) return true;
	}
	return false;
}

/** A fetch that gets the refs it is told, and leaves everything else in the clone as it is. */
export const fetchCommand = [
	"fetch",
	"-q",
	"--no-tags",
	"--no-write-fetch-head",
	"--no-auto-maintenance",
	"--no-recurse-submodules",
];

/** The short way: the very pack that the pusher made, which fits on what this clone has. */
async function unpack(
	git: Plumbing,
	{ tracking, known }: KnownRef,
	after: string,
	{ gitDirectory, pack }: PushLanded["from"],
): Promise<boolean> {
	if (pack === undefined || tracking === undefined || known === undefined) return false;
	if (!/^[0-9a-f]{40,64}$/.test(pack.name)) return false;
	// A clone that has not all that the pack builds on would be left with holes.
	const isBehind =
		known !== pack.since && (await git.run(["merge-base", "--is-ancestor", pack.since, known])).code !== 0;
	if (isBehind) return false;
	const input = await readFile(join(gitDirectory, "objects", "pack", `pack-${pack.name}.pack`)).catch(() => undefined);
	if (input === undefined || input.length < 12) return false;
	const isSmall = input.readUInt32BE(8) <= mostLoose;
	const unpacked = await git.run(isSmall ? ["unpack-objects", "-q"] : ["index-pack", "--stdin"], { input });
	if (unpacked.code !== 0) return false;
	// When it is not at `known` any more, another push from this clone has moved it on.
	const message = "udo push: landed with others";
	return (await git.run(["update-ref", "-m", message, tracking, after, known])).code === 0;
}
