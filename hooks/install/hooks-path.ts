import { readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { movesHookOf } from "../../server/coordination/moves-paths.ts";
import { UdoError } from "../../server/errors.ts";
import type { Repository } from "../../server/git/repository.ts";
import { worktreesOf } from "../../server/git/worktrees.ts";
import { quoted } from "../../server/shell-word.ts";
import { hookNames } from "../verdict.ts";
import type { FileState } from "./file-state.ts";
import { relay } from "./hook-text.ts";
import { hookMarks, markedBlock } from "./marked-block.ts";

/** Where udo keeps its things in a clone. */
export interface Places {
	/** The hooks directory that git uses when nothing else is configured. */
	readonly plainHooks: string;
	readonly config: string;
	readonly home: string;
	readonly gate: string;
	/** The hooks directory of udo's own, for a repository whose `core.hooksPath` is set. */
	readonly relays: string;
	readonly include: string;
	/** What core.fsmonitor runs under `udo init --guard-tree`. */
	readonly fsmonitor: string;
	/** The remembered project id. */
	readonly project: string;
	/** The git process that pre-commit last let pass. */
	readonly passed: string;
}

/** The places of the clone that a working tree belongs to: all its working trees share them. */
export function placesOf({ commonDirectory }: Repository): Places {
	const home = join(commonDirectory, "udo");
	return {
		plainHooks: join(commonDirectory, "hooks"),
		config: join(commonDirectory, "config"),
		home,
		gate: join(home, "gate.sh"),
		relays: join(home, "hooks"),
		include: join(home, "hooks.config"),
		fsmonitor: join(home, "fsmonitor"),
		project: join(home, "project"),
		passed: join(home, "passed"),
	};
}

/** `core.hooksPath` as it would be without udo; undefined when nobody set it. */
export async function configuredHooksPath(repository: Repository): Promise<string | undefined> {
	const values = await repository.ask("config", "--null", "--type=path", "--get-all", "core.hooksPath");
	const { relays } = placesOf(repository);
	return values
		?.split("\0")
		.filter((value) => value !== "" && value !== relays)
		.at(-1);
}

/**
 * The lines at the end of git's config that make udo's directory the hooks directory of every working tree, also of those that
 * are made later. An include, because the last setting counts: `husky` sets core.hooksPath again at every `npm install`, and
 * in its place further up that changes nothing. Conditional, because a repository that was moved must not be left with a
 * hooks directory that is gone: then the condition fails, and git runs the hooks it had before.
 */
export function includeBlock({ commonDirectory }: Repository): string {
	if (/[\n\r]/.test(commonDirectory)) {
		throw new UdoError("the path of this repository contains a line break", {
			code: "path_invalid",
			why: "git's config cannot name it; the repository has to be moved or renamed.",
			next: "git rev-parse --git-common-dir",
		});
	}
	// gitdir: takes a pattern in which `dir` does not match what is under it and `dir/` does not match itself.
	const pattern = commonDirectory.replace(/[\\*?[\]]/g, "\\$&");
	return markedBlock(
		hookMarks,
		[pattern, `${pattern}/worktrees/`].flatMap((each) => [
			`[includeIf "gitdir:${inQuotes(each)}"]`,
			"\tpath = udo/hooks.config",
		]),
	);
}

/** The file that `includeBlock` includes: what git is to use of udo. */
export function includedText(
	{ relays, fsmonitor }: Places,
	uses: { readonly relays: boolean; readonly fsmonitor: boolean; readonly config: string },
): string {
	const lines = [
		...(uses.relays ? [`\thooksPath = "${inQuotes(relays)}"`] : []),
		...(uses.fsmonitor ? [`\tfsmonitor = "${inQuotes(asCommand(fsmonitor))}"`] : []),
	];
	const core = lines.length === 0 ? "" : `[core]\n${lines.join("\n")}\n`;
	return `# Made by \`udo init\`.\n${core}${uses.config}`;
}

/** `core.fsmonitor` as it would be without udo; undefined when nothing is asked. */
export async function configuredFsmonitor(repository: Repository): Promise<string | undefined> {
	const own = asCommand(placesOf(repository).fsmonitor);
	const values = (await repository.ask("config", "--null", "--get-all", "core.fsmonitor"))?.split("\0").slice(0, -1);
	const value = values?.filter((each) => each !== own).at(-1);
	return value === undefined || /^(false|no|off|0)?$/i.test(value) ? undefined : value;
}

/**
 * How git's config names a script that it is to start. git hands it to a shell when there is anything in it that a shell knows:
 * with exec the script is still git's own child.
 */
export function asCommand(path: string): string {
	return /^[\w@%+:,./-]+$/.test(path) ? path : `exec ${quoted(path)}`;
}

/** The reference-transaction hook where there is none: there only while it may have something to guard. */
export function movesLink(state: string): FileState {
	return { kind: "link", target: movesHookOf(state) };
}

/** Whether udo made this link, for whichever directory of the store. */
export function isMovesLink(state: FileState): boolean {
	return state.kind === "link" && state.target.endsWith(movesHookOf("/udo"));
}

/**
 * udo's own hooks directory, in front of `original`. Each hook that exists is relayed. One that does not exist yet is a
 * dangling link, which git takes for no hook until somebody makes it; where `original` differs from one working tree to
 * another it is a relay, for the hooks that people use.
 */
export async function relayFiles(
	repository: Repository,
	original: string,
	state: string,
): Promise<ReadonlyMap<string, FileState>> {
	const { relays } = placesOf(repository);
	const perTree = !isAbsolute(original);
	const existing = new Set<string>(hookNames.filter((name) => name !== "reference-transaction"));
	const roots = perTree ? (await worktreesOf(repository)).map(({ path }) => join(path, original)) : [original];
	for (const root of roots) for (const name of namesIn(root)) existing.add(name);
	return new Map(
		everyHook.flatMap((name): [string, FileState][] => {
			const path = join(relays, name);
			if (existing.has(name) || (perTree && commonHooks.has(name))) {
				return [[path, { kind: "file", content: latin1(relay(name, original)), mode: 0o755 }]];
			}
			if (name === "reference-transaction") return [[path, movesLink(state)]];
			return perTree ? [] : [[path, { kind: "link", target: join(original, name) }]];
		}),
	);
}

/** UTF-8 text in the form that FileState has it. */
export function latin1(text: string): string {
	return Buffer.from(text, "utf8").toString("latin1");
}

// githooks(5), git 2.54. Whether some of these exist changes what git does, so none of them may exist without need.
const everyHook = [
	...["applypatch-msg", "commit-msg", "post-applypatch", "post-checkout", "post-commit", "post-index-change"],
	...["post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc", "pre-commit"],
	...["pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive"],
	...["push-to-checkout", "reference-transaction", "sendemail-validate", "update", "p4-changelist"],
	...["p4-post-changelist", "p4-pre-submit", "p4-prepare-changelist"],
];

// The fourteen that husky installs: they run seldom, and mean nothing when they do nothing.
const commonHooks = new Set([
	...["applypatch-msg", "commit-msg", "post-applypatch", "post-checkout", "post-commit", "post-merge", "post-rewrite"],
	...[
		"pre-applypatch",
		"pre-auto-gc",
		"pre-commit",
		"pre-merge-commit",
		"pre-push",
		"pre-rebase",
		"prepare-commit-msg",
	],
]);

function namesIn(directory: string): string[] {
	try {
		return readdirSync(directory);
	} catch {
		return [];
	}
}

/** Text between the quotes of a value in git's config. */
export function inQuotes(text: string): string {
	return text.replace(/["\\]/g, "\\$&");
}
