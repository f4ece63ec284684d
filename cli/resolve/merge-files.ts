import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { showText } from "../../server/coordination/describe.ts";
import { UdoError, UsageError } from "../../server/errors.ts";
import { type Labels, type Rendered, renderPieces } from "../../server/merge/markers.ts";
import { type Merged, mergeTexts, refuseUnmergeable } from "../../server/merge/merge.ts";
import type { Passage } from "../../server/merge/piece.ts";
import { type Style, styles } from "../../server/merge/refine.ts";
import { mergeSafely } from "../../server/merge/safe.ts";
import type { Cli } from "../command.ts";
import { readInput } from "../input.ts";
import { replaceFile } from "../replace-file.ts";
import { explain } from "./merge-repository.ts";

export interface FilesOptions {
	readonly output?: string;
	readonly label?: readonly string[];
	readonly style?: string;
	readonly safe?: true;
	readonly explain?: true;
}

interface Names {
	readonly base: string;
	readonly ours: string;
	readonly theirs: string;
}

/** Merges three files as `git merge-file` does, to stdout or a file. Answers how many conflicts there are, at most 127. */
export async function mergeFiles(cli: Cli, names: Names, options: FilesOptions): Promise<number> {
	const style = styleOf(options.style ?? "merge");
	const labels = labelsOf(names, options.label ?? []);
	if (Object.values(names).filter((name) => name === "-").length > 1) {
		throw new UsageError("only one of the three can be stdin", { next: "udo merge - OURS THEIRS < BASE" });
	}
	const texts = {
		base: await textOf(cli, names.base),
		ours: await textOf(cli, names.ours),
		theirs: await textOf(cli, names.theirs),
	};
	const path = options.output ?? names.ours;
	const merged = options.safe === true ? await mergeSafely(texts, { path, style }) : await mergeTexts(texts, style);
	const rendered = renderPieces(merged.pieces, style, labels);
	if (options.output !== undefined) await write(cli, options.output, rendered.text);
	else if (!cli.output.json) cli.output.bytes(rendered.text);
	cli.output.result("merge", report(merged, rendered, options.output === undefined), []);
	const automatic = merged.pieces.filter((piece) => piece.kind === "automatic");
	for (const piece of options.explain === true ? automatic : [])
		for (const line of explain(cli, piece)) cli.output.note(line);
	if (merged.conflicts > 0) cli.output.note(summary(rendered, options.output));
	return Math.min(merged.conflicts, 127);
}

function report(
	{ pieces, conflicts }: Pick<Merged, "pieces" | "conflicts">,
	{ text, markedLines }: Rendered,
	withText: boolean,
) {
	const hunks = pieces
		.filter((piece) => piece.kind === "conflict")
		.map(({ kind, base, ours, theirs }, at) => ({
			kind,
			line: markedLines[at],
			...position("base", base),
			...position("ours", ours),
			...position("theirs", theirs),
		}));
	const rules = pieces.flatMap((piece) => (piece.kind === "automatic" ? [piece.rule] : []));
	return {
		clean: conflicts === 0,
		conflicts,
		hunks,
		...(rules.length > 0 && { automatic: rules }),
		...(withText && textOrBytes(text)),
	};
}

function position(name: string, passage: Passage | undefined) {
	return { [`${name}Line`]: passage?.line ?? null, [`${name}Lines`]: passage?.lines ?? null };
}

// JSON holds no bytes that are no UTF-8.
function textOrBytes(text: Buffer): { readonly text: string } | { readonly base64: string } {
	const string = text.toString();
	return Buffer.from(string).equals(text) ? { text: string } : { base64: text.toString("base64") };
}

function summary({ markedLines }: Rendered, output: string | undefined): string {
	const where = output === undefined ? "" : ` in ${showText(output)}`;
	if (markedLines.length === 1) return `1 conflict${where}, at line ${markedLines[0]}`;
	return `${markedLines.length} conflicts${where}, the first at line ${markedLines[0]}`;
}

async function textOf(cli: Cli, name: string): Promise<Buffer> {
	const shown = name === "-" ? "stdin" : showText(name);
	const text = await (name === "-" ? readInput() : readFile(resolve(cli.directory, name))).catch((cause) => {
		throw fileError(shown, "read", cause);
	});
	refuseUnmergeable(text, shown);
	return text;
}

async function write(cli: Cli, name: string, text: Buffer): Promise<void> {
	await replaceFile(resolve(cli.directory, name), text).catch((cause) => {
		throw fileError(showText(name), "written", cause);
	});
}

function fileError(name: string, verb: "read" | "written", cause: NodeJS.ErrnoException): UdoError {
	const why = reasons[cause.code ?? ""];
	if (cause.code === undefined) throw cause;
	return new UdoError(`${name} cannot be ${verb}`, {
		code: verb === "read" ? "unreadable" : "unwritable",
		exitCode: 255,
		why: why ?? showText(cause.message),
		next: cause.code === "ENOENT" ? "check the path; udo merge BASE OURS THEIRS" : "udo merge --help",
		cause,
	});
}

const reasons: Record<string, string> = {
	ENOENT: "there is no such file or directory.",
	EISDIR: "it is a directory.",
	ENOTDIR: "a part of its path is not a directory.",
	EACCES: "permission is denied.",
	EROFS: "the file system is read-only.",
	ENOSPC: "the disk is full.",
	ERR_FS_FILE_TOO_LARGE: "it is too large.",
};

function styleOf(word: string): Style {
	const style = styles.find((each) => each === word);
	if (style === undefined) {
		throw new UsageError(`there is no style ${showText(word)}`, {
			why: `there are ${styles.join(", ")}.`,
			next: "udo merge --style diff3 BASE OURS THEIRS",
		});
	}
	return style;
}

function labelsOf(names: Names, given: readonly string[]): Labels {
	if (given.length > 3) {
		throw new UsageError("there are more than three labels", { next: "udo merge -L BASE -L OURS -L THEIRS …" });
	}
	const [base = names.base, ours = names.ours, theirs = names.theirs] = given;
	return { base: onOneLine(base), ours: onOneLine(ours), theirs: onOneLine(theirs) };
}

// A line break in a file's name would end the marker.
function onOneLine(label: string): string {
	return /\p{Cc}/u.test(label) ? showText(label) : label;
}
