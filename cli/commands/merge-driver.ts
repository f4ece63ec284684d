import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { showText } from "../../server/coordination/describe.ts";
import { StoreUnavailableError, UdoError } from "../../server/errors.ts";
import { isBinary } from "../../server/git/binary.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { Settings } from "../../server/git/settings.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { type Style, styles } from "../../server/merge/refine.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import type { Cli } from "../command.ts";
import { replaceFile } from "../replace-file.ts";
import { memoryOf } from "../resolve/memory.ts";

export function define(command: Command, cli: Cli): void {
	command
		.argument("<base>", "%O")
		.argument("<ours>", "%A, where the result goes")
		.argument("<theirs>", "%B")
		.argument("<marker-size>", "%L")
		.argument("<path>", "%P")
		.argument("[labels...]", "%S %X %Y, since git 2.44")
		.option("--level <level>", "exact or safe", "exact")
		.action(
			cli.action(
				(base: string, ours: string, theirs: string, size: string, path: string, labels: string[], options: Options) =>
					drive(cli, { base, ours, theirs, size, path, labels }, options).catch(giveUp),
			),
		);
}

interface Options {
	readonly level: string;
}

interface Call {
	readonly base: string;
	readonly ours: string;
	readonly theirs: string;
	readonly size: string;
	readonly path: string;
	readonly labels: readonly string[];
}

// For git anything from 1 to 128 is a conflict; 1 is also what a node answers that could not start.
const conflicted = 5;

/** What git expects of a merge driver: the result in place of ours. */
async function drive(cli: Cli, call: Call, { level }: Options): Promise<number> {
	const read = (name: string) => readFile(resolve(cli.directory, name));
	const texts = { base: await read(call.base), ours: await read(call.ours), theirs: await read(call.theirs) };
	const path = showText(call.path, 120);
	if (Object.values(texts).some((text) => isBinary(text))) {
		cli.output.note(`udo: ${path} is binary; ours is kept: udo resolve, with --ours or --theirs`);
		return conflicted;
	}
	const style = await conflictStyle(cli);
	const { pieces, conflicts } =
		level === "safe" ? await safely(cli, texts, call.path, style) : await mergeTexts(texts, style);
	const size = /^[1-9]\d{0,4}$/.test(call.size) ? Number(call.size) : 7;
	const { text } = renderPieces(pieces, style, labelsOf(call.labels), size);
	if (!text.equals(texts.ours)) await replaceFile(resolve(cli.directory, call.ours), text);
	const rules = pieces.flatMap((piece) => (piece.kind === "automatic" ? [piece.rule] : []));
	if (rules.length > 0) cli.output.note(`udo: ${path}: settled by rule: ${showText([...new Set(rules)].join(", "))}`);
	return conflicts === 0 ? 0 : conflicted;
}

// What udo cannot do git does: see driverCommand.
function giveUp(cause: unknown): never {
	throw new UdoError("this merge is left to git", {
		code: "driver_failed",
		exitCode: 129,
		why: showText(cause instanceof Error ? cause.message : String(cause)),
		next: "udo init --no-merge-driver, if that does not help",
		cause,
	});
}

async function safely(cli: Cli, texts: Texts, path: string, style: Style) {
	const workspace = await cli.open().catch((error: unknown) => {
		if (!(error instanceof StoreUnavailableError)) throw error;
		return undefined;
	});
	return mergeSafely(texts, { path, style, remembered: memoryOf({ workspace }, path) });
}

async function conflictStyle(cli: Cli): Promise<Style> {
	const settings = await Settings.read(new Plumbing(cli.directory, cli.environment));
	return styles.find((style) => style === settings.get("merge.conflictstyle")) ?? "merge";
}

// An older git hands over the placeholders themselves.
function labelsOf([base = "%S", ours = "%X", theirs = "%Y"]: readonly string[]) {
	const named = (label: string, fallback: string) => (/^%?[SXY]?$/.test(label) ? fallback : label);
	return { base: named(base, "base"), ours: named(ours, "ours"), theirs: named(theirs, "theirs") };
}
