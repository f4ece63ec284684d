import type { Command } from "commander";
import { UsageError } from "../../server/errors.ts";
import { styles } from "../../server/merge/refine.ts";
import type { Cli } from "../command.ts";
import { gitFailed } from "../resolve/git-failure.ts";
import { type FilesOptions, mergeFiles } from "../resolve/merge-files.ts";
import { abortMerge, mergeRepository } from "../resolve/merge-repository.ts";

interface Options extends FilesOptions {
	readonly safe?: true;
	readonly dryRun?: true;
	readonly explain?: true;
	readonly abort?: true;
}

export function define(command: Command, cli: Cli): void {
	command
		.argument("[base]", "the version that both sides started from; no files: the conflicted ones of the repository")
		.argument("[ours]", "our version")
		.argument("[theirs]", "their version; one of the three may be - for stdin")
		.option("--safe", "also settle by what was remembered and by guarded rules")
		.option("--dry-run", "change nothing, only say what would be merged")
		.option("--explain", "show each conflict that a rule settles, with the three texts")
		.option("--abort", "take back what udo merge did, to the byte")
		.option("-o, --output <file>", "of three files: write the result there, in one step, instead of to stdout")
		.option("-L, --label <name>", "what the conflict markers say, for base, ours, theirs in turn", collect)
		.option("--style <style>", `how conflicts are shown: ${styles.join(", ")}`)
		.addHelpText(
			"after",
			"\nWithout files: what is merged wholly is staged, what is left is named with the command that settles it; exits 5 then.\nThree files are merged as `git merge-file` does, with its exit codes: 0 merged, 1 to 127 the number of conflicts\n(127: or more), 255 error. A wrong command line is 64.",
		)
		.action(
			cli.action((base: string | undefined, ours: string | undefined, theirs: string | undefined, options: Options) =>
				base === undefined ? inRepository(cli, options).catch(gitFailed) : ofFiles(cli, base, ours, theirs, options),
			),
		);
}

async function inRepository(cli: Cli, options: Options): Promise<number> {
	if (options.output !== undefined || options.label !== undefined || options.style !== undefined) {
		throw new UsageError("-o, -L and --style are for three files", { next: "udo merge BASE OURS THEIRS -o FILE" });
	}
	if (options.abort === true) return abortMerge(cli);
	return mergeRepository(cli, {
		level: options.safe === true ? "safe" : "exact",
		isDry: options.dryRun === true,
		isExplained: options.explain === true,
	});
}

async function ofFiles(
	cli: Cli,
	base: string,
	ours: string | undefined,
	theirs: string | undefined,
	options: Options,
): Promise<number> {
	if (ours === undefined || theirs === undefined) {
		throw new UsageError(`missing required argument '${ours === undefined ? "ours" : "theirs"}'`, {
			next: "udo merge BASE OURS THEIRS",
		});
	}
	if (options.dryRun === true || options.abort === true) {
		throw new UsageError("--dry-run and --abort are for the conflicts of a repository", {
			next: "udo merge --dry-run",
		});
	}
	return mergeFiles(cli, { base, ours, theirs }, options);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
	return [...before, value];
}
