import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UdoError } from "../../server/errors.ts";
import type { Repository } from "../../server/git/repository.ts";
import { hookNames } from "../verdict.ts";
import { configHookFiles, configHookLines, hasConfigHooks } from "./config-hooks.ts";
import { apply, type Change, changesTo, type FileState, readState, removeIfEmpty } from "./file-state.ts";
import { type ForeignTool, foreignTool } from "./foreign-tool.ts";
import {
	fsmonitorText,
	gateText,
	guardedHook,
	isShellScript,
	newHook,
	saysMadeDirectory,
	type Target,
	unguardedHook,
} from "./hook-text.ts";
import {
	configuredFsmonitor,
	configuredHooksPath,
	includeBlock,
	includedText,
	isMovesLink,
	latin1,
	movesLink,
	type Places,
	placesOf,
	relayFiles,
} from "./hooks-path.ts";
import { ended, hasBlock, hookMarks, withoutBlock } from "./marked-block.ts";

/** What `udo init` would do to a clone. No changes: it is installed, exactly like this. */
export type Plan = { readonly kind: "foreign"; readonly tool: ForeignTool } | Installation;

export interface Installation {
	readonly kind: "in place" | "config" | "relays";
	readonly changes: readonly Change[];
	/** The hooks directory that keeps working beside or behind udo's. */
	readonly original: string;
}

export interface InstallOptions {
	/** Whether the working trees are kept before git commands that may destroy what is in them; as it was when missing. */
	readonly guardTree?: boolean;
}

/**
 * Plans the hooks of a clone, for all of its working trees. Where git uses its own hooks directory and what is there are shell
 * scripts, the check goes into them: there any git finds it. Otherwise (husky, any other core.hooksPath, hooks in other
 * languages, disabled or linked ones) nobody's hook is touched: a git that can runs udo's by its config, beside the others; else
 * udo's own hooks directory relays to them. Tools that write hooks themselves are left alone where only that is possible.
 */
export async function planInstall(repository: Repository, target: Target, options: InstallOptions = {}): Promise<Plan> {
	const tool = foreignTool(repository);
	const byConfig = await hasConfigHooks(repository);
	if (tool !== undefined && (tool.missing.length === 0 || !byConfig)) return { kind: "foreign", tool };
	const places = placesOf(repository);
	const configured = await configuredHooksPath(repository);
	const desired = withoutUdo(places);
	desired.set(places.gate, { kind: "file", content: latin1(gateText(target)), mode: 0o644 });
	const guardTree = options.guardTree ?? existsSync(places.fsmonitor);
	if (guardTree) {
		const content = latin1(fsmonitorText(target, await chainedFsmonitor(repository)));
		desired.set(places.fsmonitor, { kind: "file", content, mode: 0o755 });
	}
	const original = configured ?? places.plainHooks;
	const isInPlace = tool === undefined && configured === undefined && addChecks(places, desired, target.state);
	const kind = isInPlace ? "in place" : byConfig ? "config" : "relays";
	const own =
		kind === "in place"
			? []
			: kind === "config"
				? configHookFiles(places)
				: await relayFiles(repository, original, target.state);
	for (const [path, state] of own) desired.set(path, state);
	if (kind !== "in place" || guardTree) {
		const config = kind === "config" ? configHookLines(places, target.state) : "";
		const content = latin1(includedText(places, { relays: kind === "relays", fsmonitor: guardTree, config }));
		desired.set(places.include, { kind: "file", content, mode: 0o644 });
		appendToConfig(places, desired, latin1(includeBlock(repository)));
	}
	return { kind, changes: changesTo(desired), original };
}

/** Plans to leave no trace of udo in a clone: every file is again what it was, byte for byte, with its mode. */
export function planRemoval(repository: Repository): readonly Change[] {
	const places = placesOf(repository);
	const desired = withoutUdo(places);
	for (const path of [places.project, places.passed]) desired.set(path, { kind: "absent" });
	return changesTo(desired);
}

/** Carries out what `command` planned. Throws a UdoError where it stops. */
export function carryOut(repository: Repository, changes: readonly Change[], command: string): void {
	const places = placesOf(repository);
	const madeDirectory = changes.some(({ from }) => from.kind === "file" && saysMadeDirectory(from.content));
	for (const change of inSafeOrder(changes, places)) apply(change, command);
	removeIfEmpty([places.relays, places.home, ...(madeDirectory ? [places.plainHooks] : [])]);
}

// Every file that udo may have touched, as it was before.
function withoutUdo(places: Places): Map<string, FileState> {
	const desired = new Map<string, FileState>();
	for (const name of hookNames) {
		const path = join(places.plainHooks, name);
		const state = readState(path);
		const content = state.kind === "file" ? unguardedHook(state.content) : undefined;
		if (isMovesLink(state)) desired.set(path, { kind: "absent" });
		else if (state.kind !== "file") desired.set(path, state);
		else desired.set(path, content === undefined ? { kind: "absent" } : { ...state, content });
	}
	const config = readState(places.config);
	if (config.kind === "file")
		desired.set(places.config, { ...config, content: withoutBlock(hookMarks, config.content) });
	for (const name of existsSync(places.relays) ? readdirSync(places.relays) : []) {
		desired.set(join(places.relays, name), { kind: "absent" });
	}
	for (const path of [places.include, places.gate, places.fsmonitor]) desired.set(path, { kind: "absent" });
	return desired;
}

async function chainedFsmonitor(repository: Repository): Promise<string | undefined> {
	const configured = await configuredFsmonitor(repository);
	if (configured === undefined || !/^(true|yes|on|1)$/i.test(configured)) return configured;
	throw new UdoError("git's own file system monitor is on here", {
		code: "fsmonitor_taken",
		why: "there can be one core.fsmonitor only, and udo cannot stand in front of git's daemon.",
		next: "git config core.fsmonitor false && udo init --guard-tree",
	});
}

// False, and nothing added, when one of the hooks is not a script that the check can go into.
function addChecks(places: Places, desired: Map<string, FileState>, state: string): boolean {
	// The gate is found by way of `hooks/..`, which leads elsewhere when the directory is a link.
	if (readState(places.plainHooks).kind === "link") return false;
	const madeDirectory =
		!existsSync(places.plainHooks) ||
		hookNames.some((name) => {
			const now = readState(join(places.plainHooks, name));
			return now.kind === "file" && saysMadeDirectory(now.content);
		});
	const guarded = new Map<string, FileState>();
	for (const name of hookNames) {
		const path = join(places.plainHooks, name);
		const before = desired.get(path);
		const isMissing = before === undefined || before.kind === "absent";
		if (isMissing && name === "reference-transaction") {
			guarded.set(path, movesLink(state));
		} else if (isMissing) {
			guarded.set(path, { kind: "file", content: newHook(name, madeDirectory), mode: 0o755 });
		} else if (before.kind === "file" && (before.mode & 0o100) !== 0 && isShellScript(before.content)) {
			guarded.set(path, { ...before, content: guardedHook(name, before.content) });
		} else return false;
	}
	for (const [path, checked] of guarded) desired.set(path, checked);
	return true;
}

function appendToConfig(places: Places, desired: Map<string, FileState>, block: string): void {
	const before = desired.get(places.config);
	if (before?.kind !== "file") throw new Error(`${places.config} is no file`);
	desired.set(places.config, { ...before, content: `${ended(before.content)}${block}` });
}

// git must never be led to a hooks directory that is not complete: the config changes last when it leads there, else first.
function inSafeOrder(changes: readonly Change[], { config }: Places): readonly Change[] {
	const rank = ({ path, to }: Change): number => {
		if (path !== config) return 0;
		return to.kind === "file" && hasBlock(hookMarks, to.content) ? 1 : -1;
	};
	return changes.toSorted((a, b) => rank(a) - rank(b));
}
