import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { shellWord } from "../../server/shell-word.ts";
import type { Cli } from "../command.ts";
import { readInput } from "../input.ts";
import type { Choice } from "./choice.ts";

/** The choices of the walk, for scripts. */
export interface ChoiceFlags {
	readonly ours?: true;
	readonly theirs?: true;
	readonly both?: true | string;
	readonly candidate?: string;
	readonly file?: string;
}

/** The one choice that the flags make; undefined when they make none. Throws UsageError for two, or one that makes no sense. */
export async function choiceOf(cli: Cli, what: readonly string[], flags: ChoiceFlags): Promise<Choice | undefined> {
	const word = namedIn(what);
	const { ours, theirs, both, candidate, file } = flags;
	const given = [ours, theirs, both, candidate, file].filter((flag) => flag !== undefined);
	if (given.length > 1) {
		throw new UsageError("only one choice can be made at once", {
			why: "--ours, --theirs, --both, --candidate and --file exclude each other.",
			next: `udo resolve ${word} --hunk N --ours`,
		});
	}
	if (ours === true) return { kind: "ours" };
	if (theirs === true) return { kind: "theirs" };
	if (both !== undefined) return { kind: bothOrder(both, word) };
	if (candidate !== undefined) return { kind: "candidate", number: wholeNumber(candidate, "--candidate", word) };
	return file === undefined
		? undefined
		: { kind: "text", text: await textOf(cli, file, word), from: showText(file, 80) };
}

/** What was typed as the one path of a command, for the next one; PATH where it is none or many. */
export function namedIn([first, ...others]: readonly string[]): string {
	return first === undefined || others.length > 0 ? "PATH" : shellWord(first);
}

/** A number counted from 1. Throws UsageError. */
export function wholeNumber(typed: string, flag: string, word: string): number {
	if (/^[1-9]\d{0,6}$/.test(typed)) return Number(typed);
	throw new UsageError(`${flag} takes a number from 1, not ${showText(typed, 40)}`, { next: `udo resolve ${word}` });
}

function bothOrder(order: true | string, word: string): "both" | "both, theirs first" {
	if (order === true || order === "ours-first") return "both";
	if (order === "theirs-first") return "both, theirs first";
	throw new UsageError(`--both takes ours-first or theirs-first, not ${showText(order, 40)}`, {
		why: "a path that follows it belongs before it.",
		next: `udo resolve ${word} --both=theirs-first`,
	});
}

async function textOf(cli: Cli, name: string, word: string): Promise<Buffer> {
	if (name === "-") return readInput();
	return readFile(resolve(cli.directory, name)).catch((cause: NodeJS.ErrnoException) => {
		throw new UdoError(`${showText(name, 120)} cannot be read`, {
			code: "unreadable",
			why: showText(cause.message),
			next: `udo resolve ${word} --file FILE`,
			cause,
		});
	});
}
