import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { showText } from "../coordination/describe.ts";
import { codeOf, UdoError } from "../errors.ts";
import { quoted } from "../shell-word.ts";

const mostBytes = 1_000_000;

/** Where a value came from, for `udo config`. */
export type ConfigSource = "default" | "environment" | "udo.config.json" | "user config";

/** A place where values can be set. */
export interface Place {
	readonly source: Exclude<ConfigSource, "default">;
	/** What stands there for a key such as `lock.ttl`; undefined for nothing, and for an empty text. */
	raw(setting: Named): unknown;
	/** How people find it: `LOCK_DEFAULT_TTL`, `lock.ttl in udo.config.json`. */
	name(setting: Named): string;
	/** The command that changes it. */
	next(setting: Named): string;
}

/** A setting as files and as the environment call it. */
export interface Named {
	readonly key: string;
	readonly variable: string;
}

/** A line of `udo config`. */
export interface ShownSetting extends Named {
	readonly value: number | string;
	readonly unit: "s" | "count" | "text";
	readonly source: ConfigSource;
	readonly meaning: string;
}

/** The places that count, the first wins: the environment, then the project's committed file, then the user's. */
export function placesOf(
	environment: NodeJS.ProcessEnv,
	worktree: string | undefined,
	userPath: string,
): readonly Place[] {
	const projectPath = worktree === undefined ? undefined : join(worktree, "udo.config.json");
	return [
		{
			source: "environment",
			raw: ({ variable }) => filled(environment[variable]),
			name: ({ variable }) => variable,
			next: ({ variable }) => `unset ${variable}`,
		},
		...(projectPath === undefined ? [] : [filePlace("udo.config.json", projectPath, "udo.config.json")]),
		filePlace("user config", userPath, userPath),
	];
}

/** The parsed file; undefined when there is none. Throws UdoError `config_invalid` when it cannot be read or is no JSON. */
export function readConfigFile(path: string): unknown {
	const read = readSmallFile(path);
	if (!read.ok) {
		if (read.why === "ENOENT" || read.why === "ENOTDIR") return undefined;
		throw unreadable(path, read);
	}
	try {
		return JSON.parse(read.text);
	} catch (error) {
		// What the parser says may quote the text around the place, and a password with it.
		const position = /position \d+/.exec(error instanceof Error ? error.message : "")?.[0] ?? "some place";
		throw new UdoError(`${showText(path)} is not valid JSON`, {
			code: "config_invalid",
			why: `at ${position}.`,
			next: edit(path),
		});
	}
}

/** The text of a file that a setting names, at `where`; a pipe is what `<(command)` makes in a shell. */
export function readText(path: string, where: string, kind: "file" | "file or pipe" = "file"): string {
	const read = readSmallFile(path, kind === "file or pipe");
	if (read.ok) return read.text;
	throw unreadable(path, read, `${showText(where)} names it.`);
}

/** The number that a place has for a setting. */
export function wholeNumber(place: Place, setting: Named, least: number, most: number): number | undefined {
	const raw = place.raw(setting);
	if (raw === undefined) return undefined;
	const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
	if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
	throw invalid(place.name(setting), raw, `a whole number from ${least} to ${most}`, place.next(setting));
}

/** What a parsed file has under a key such as `lock.ttl`. */
export function at(file: unknown, key: string): unknown {
	let found: unknown = file;
	for (const part of key.split(".")) {
		if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
		found = (found as Record<string, unknown>)[part];
	}
	return found;
}

/** The command that opens a file to change it. */
export function edit(path: string): string {
	return `\${EDITOR:-vi} ${quoted(showText(path))}`;
}

/** The error for a value that makes no sense. `raw` is shown: never a password. */
export function invalid(where: string, raw: unknown, expected: string, next: string): UdoError {
	return new UdoError(`${showText(where)} is ${showText(JSON.stringify(raw) ?? "nothing", 80)}, not ${expected}`, {
		code: "config_invalid",
		next,
	});
}

function filePlace(source: "udo.config.json" | "user config", path: string, shown: string): Place {
	const file = readConfigFile(path);
	return {
		source,
		raw: ({ key }) => filled(at(file, key)),
		name: ({ key }) => `${key} in ${shown}`,
		next: () => edit(path),
	};
}

type Read = { readonly ok: true; readonly text: string } | Unread;

interface Unread {
	readonly ok: false;
	readonly why: string;
	readonly cause?: unknown;
}

// A committed link may lead to a device or a pipe, which would keep git for ever.
function readSmallFile(path: string, mayBePipe = false): Read {
	try {
		const found = statSync(path);
		if (!found.isFile() && !(mayBePipe && found.isFIFO())) return { ok: false, why: "not a file" };
		if (found.size > mostBytes) return { ok: false, why: "larger than 1 MB" };
		return { ok: true, text: readFileSync(path, "utf8") };
	} catch (cause) {
		return { ok: false, why: codeOf(cause), cause };
	}
}

function unreadable(path: string, { why: code, cause }: Unread, why?: string): UdoError {
	return new UdoError(`${showText(path)} cannot be read (${code})`, {
		code: "config_invalid",
		...(why !== undefined && { why }),
		next: `ls -ld ${quoted(showText(path))}`,
		...(cause !== undefined && { cause }),
	});
}

function filled(raw: unknown): unknown {
	return raw === "" ? undefined : raw;
}
