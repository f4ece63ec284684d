import { dirname, join } from "node:path";
import { UdoError } from "../../server/errors.ts";
import type { Repository } from "../../server/git/repository.ts";
import { quoted } from "../../server/shell-word.ts";
import { apply, type Change, changesTo, type FileState, readState } from "./file-state.ts";
import type { Baked } from "./hook-text.ts";
import { driverMarks, ended, hookMarks, markedBlock, startOf, withoutBlock } from "./marked-block.ts";

/** `exact`: as git merges. `safe`: what was settled before, and what the rules are sure of, as well. */
export const driverLevels = ["exact", "safe"] as const;

export type DriverLevel = (typeof driverLevels)[number];

/**
 * Plans to let git merge the files of a clone with udo, and to make `git mergetool -t udo` known. Through `merge.default`, so that what
 * `.gitattributes` say about a path (`-merge`, `binary`, `merge=union`) still holds, as it would not with a line in info/attributes.
 */
export async function planMergeDriver(
	repository: Repository,
	program: Baked,
	level: DriverLevel,
): Promise<readonly Change[]> {
	const path = configOf(repository);
	const config = fileAt(path);
	const without = withoutBlock(driverMarks, config.content);
	await refuseOther(repository);
	const block = markedBlock(driverMarks, linesFor(program, level));
	// The hooks' block stays last, where a later `udo init` puts it anyway.
	const at = startOf(hookMarks.begin, without) ?? without.length;
	const content = ended(without.slice(0, at)) + Buffer.from(block, "utf8").toString("latin1") + without.slice(at);
	return changesTo(new Map([[path, { ...config, content }]]));
}

/** Plans to take it out again, byte for byte. */
export function planDriverRemoval(repository: Repository): readonly Change[] {
	const path = configOf(repository);
	const config = readState(path);
	if (config.kind !== "file") return [];
	return changesTo(new Map([[path, { ...config, content: withoutBlock(driverMarks, config.content) }]]));
}

/** Carries out what `command` planned. Throws a UdoError where it stops. */
export function carryOutDriver(changes: readonly Change[], command: string): void {
	for (const change of changes) apply(change, command);
}

/** What git hands to a shell for each file that both sides changed; where udo is gone or fails, git merges as ever. */
export function driverCommand({ node, program }: Baked, level: DriverLevel): string {
	const [its, udo] = [quoted(node), quoted(program)].map((word) => word.replaceAll("%", "%%"));
	const run = `${its} ${udo} merge-driver --level ${level} %O %A %B %L %P %S %X %Y`;
	const git = "git merge-file -q --marker-size=%L -L ours -L base -L theirs %A %O %B";
	return `if test -x ${its} && test -f ${udo}; then ${run}; case $? in 0) exit 0 ;; 5) exit 1 ;; esac; fi; ${git}`;
}

function linesFor(program: Baked, level: DriverLevel): readonly string[] {
	if (/[\n\r\0]/.test(program.node + program.program)) {
		throw new UdoError("the path of node or of udo contains a line break", {
			code: "path_invalid",
			why: "git's config cannot name it.",
			next: "npm install -g udo, to another place",
		});
	}
	const tool = `${quoted(program.node)} ${quoted(program.program)} mergetool "$BASE" "$LOCAL" "$REMOTE" "$MERGED"`;
	return [
		'[merge "udo"]',
		`\tname = udo (${level})`,
		`\tdriver = ${value(driverCommand(program, level))}`,
		// Between two common ancestors there is nobody to tell what a rule did.
		"\trecursive = text",
		"[merge]",
		"\tdefault = udo",
		'[mergetool "udo"]',
		`\tcmd = ${value(tool)}`,
		"\ttrustExitCode = true",
	];
}

async function refuseOther(repository: Repository): Promise<void> {
	const values = await repository.ask("config", "--null", "--get-all", "merge.default");
	const other = values
		?.split("\0")
		.filter((each) => each !== "" && each !== "udo")
		.at(-1);
	if (other === undefined) return;
	throw new UdoError("another merge driver is the default here already", {
		code: "driver_taken",
		why: "merge.default can name one only.",
		next: "git config --show-origin merge.default",
	});
}

function configOf({ commonDirectory }: Repository): string {
	return join(commonDirectory, "config");
}

function fileAt(path: string): Extract<FileState, { readonly kind: "file" }> {
	const state = readState(path);
	if (state.kind === "file") return state;
	throw new UdoError(`${dirname(path)} has no config`, { code: "not_a_repository", next: "git config --list" });
}

function value(text: string): string {
	return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
