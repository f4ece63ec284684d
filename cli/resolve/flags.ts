import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import type { Cli } from "../command.ts";
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
export async function choiceOf(cli: Cli, flags: ChoiceFlags): Promise<Choice | undefined> {
	const { ours, theirs, both, candidate, file } = flags;
	const given = [ours, theirs, both, candidate, file].filter((flag) => flag !== undefined);
	if (given.length > 1) {
		throw new UsageError("only one choice can be made at once", {
			why: "--ours, --theirs, --both, --candidate and --file exclude each other.",
			next: "udo resolve PATH --hunk N --ours",
		});
	}
	if (ours === true) return { kind: "ours" };
	if (theirs === true) return { kind: "theirs" };
	if (both !== undefined) return { kind: bothOrder(both) };
	if (candidate !== undefined) return { kind: "candidate", number: wholeNumber(candidate, "--candidate") };
	return file === undefined ? undefined : { kind: "text", text: await textOf(cli, file), from: showText(file, 80) };
}

/** A number counted from 1. Throws UsageError. */
export function wholeNumber(word: string, flag: string): number {
	if (/^[1-9]\d{0,6}$/.test(word)) return Number(word);
	throw new UsageError(`${flag} takes a number from 1, not ${showText(word, 40)}`, { next: "udo resolve PATH" });
}

function bothOrder(word: true | string): "both" | "both, theirs first" {
	if (word === true || word === "ours-first") return "both";
	if (word === "theirs-first") return "both, theirs first";
	throw new UsageError(`--both takes ours-first or theirs-first, not ${showText(word, 40)}`, {
		why: "a path that follows it belongs before it.",
		next: "udo resolve PATH --both=theirs-first",
	});
}

async function textOf(cli: Cli, name: string): Promise<Buffer> {
	if (name === "-") {
		const chunks: Buffer[] = [];
		for await (const chunk of process.stdin) chunks.push(chunk);
		return Buffer.concat(chunks);
	}
	return readFile(resolve(cli.directory, name)).catch((cause: NodeJS.ErrnoException) => {
		throw new UdoError(`${showText(name, 120)} cannot be read`, {
			code: "unreadable",
			why: showText(cause.message),
			next: "udo resolve PATH --file FILE",
			cause,
		});
	});
}
