import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { showText } from "./coordination/describe.ts";
import { UdoError } from "./errors.ts";
import { quoted } from "./shell-word.ts";

/** Everything that can be set, in effect for one process. Times in ms. */
export interface Config {
	/** Where the embedded store lives. */
	readonly stateDirectory: string;
	/** The project id that the repository's udo.config.json fixes, if it does. */
	readonly project: string | undefined;
	readonly lockTtlMs: number;
	readonly lockWaitMs: number;
	readonly sessionTtlMs: number;
	readonly heartbeatMs: number;
	readonly locksPerSession: number;
	readonly locksPerProject: number;
	readonly sessionsPerProject: number;
	/** UDO_SESSION: the session this process belongs to, when its environment says so. */
	readonly session: string | undefined;
	/** UDO_ACTOR: the person or agent behind this process. */
	readonly actor: string | undefined;
	/** An agent that says in the environment that it started this process, such as `claude-code`. */
	readonly agent: string | undefined;
	/** The variable that switches the hooks off, `UDO=0` or `UDO_SKIP=1`, if one does. */
	readonly skippedBy: string | undefined;
}

/** Where each value came from, for `udo config`. */
export type ConfigSource = "default" | "environment" | "udo.config.json" | "user config";

export interface Setting {
	readonly key: SettingKey;
	readonly variable: string;
	/** The unit people write it in. */
	readonly unit: "s" | "count";
	readonly most: number;
	readonly fallback: number;
	readonly meaning: string;
}

type SettingKey =
	| "lock.ttl"
	| "lock.wait"
	| "lock.perSession"
	| "lock.perProject"
	| "session.ttl"
	| "session.heartbeat"
	| "session.perProject";

/** The numbers that can be set, in udo.config.json (`{"lock": {"ttl": 300}}`), the user's config.json or the environment. */
export const settings: readonly Setting[] = [
	{
		key: "lock.ttl",
		variable: "LOCK_DEFAULT_TTL",
		unit: "s",
		fallback: 300,
		most: 31_536_000,
		meaning: "lease of a lock",
	},
	{
		key: "lock.wait",
		variable: "LOCK_WAIT_TIMEOUT",
		unit: "s",
		fallback: 30,
		most: 2_592_000,
		meaning: "how long --wait waits",
	},
	{
		key: "lock.perSession",
		variable: "LOCK_MAX_PER_SESSION",
		unit: "count",
		fallback: 200,
		most: 100_000,
		meaning: "locks of one session",
	},
	{
		key: "lock.perProject",
		variable: "LOCK_MAX_PER_PROJECT",
		unit: "count",
		fallback: 20_000,
		most: 1_000_000,
		meaning: "locks of a project",
	},
	{
		key: "session.ttl",
		variable: "SESSION_TTL",
		unit: "s",
		fallback: 86_400,
		most: 31_536_000,
		meaning: "a silent session ends",
	},
	{
		key: "session.heartbeat",
		variable: "SESSION_HEARTBEAT",
		unit: "s",
		fallback: 30,
		most: 3_600,
		meaning: "between two heartbeats",
	},
	{
		key: "session.perProject",
		variable: "SESSION_MAX_PER_PROJECT",
		unit: "count",
		fallback: 1000,
		most: 100_000,
		meaning: "sessions of a project",
	},
];

/** The value of each setting and where it came from; the environment wins over the project's file, that over the user's. */
export function resolveSettings(
	environment: NodeJS.ProcessEnv,
	worktree: string | undefined,
): readonly (Setting & { readonly value: number; readonly source: ConfigSource })[] {
	const projectPath = join(worktree ?? "", "udo.config.json");
	const userPath = userConfigPath(environment);
	const project = worktree === undefined ? {} : readConfigFile(projectPath);
	const user = readConfigFile(userPath);
	return settings.map((setting) => {
		const candidates = [
			["environment", environment[setting.variable], setting.variable, `unset ${setting.variable}`],
			["udo.config.json", at(project, setting.key), `${setting.key} in udo.config.json`, edit(projectPath)],
			["user config", at(user, setting.key), `${setting.key} in ${userPath}`, edit(userPath)],
		] as const;
		for (const [source, raw, where, next] of candidates) {
			if (raw !== undefined && raw !== "")
				return { ...setting, value: positive(raw, where, setting.most, next), source };
		}
		return { ...setting, value: setting.fallback, source: "default" as const };
	});
}

/** Reads the configuration for a worktree. Throws UdoError `config_invalid` that names the wrong value. */
export function readConfig(environment: NodeJS.ProcessEnv, worktree: string | undefined): Config {
	const values = new Map(resolveSettings(environment, worktree).map(({ key, value }) => [key, value]));
	const value = (key: SettingKey): number => values.get(key) ?? 0;
	return {
		stateDirectory: stateDirectory(environment),
		project: worktree === undefined ? undefined : configuredProject(worktree),
		lockTtlMs: value("lock.ttl") * 1000,
		lockWaitMs: value("lock.wait") * 1000,
		sessionTtlMs: value("session.ttl") * 1000,
		heartbeatMs: value("session.heartbeat") * 1000,
		locksPerSession: value("lock.perSession"),
		locksPerProject: value("lock.perProject"),
		sessionsPerProject: value("session.perProject"),
		session: nonEmpty(environment["UDO_SESSION"]),
		actor: nonEmpty(environment["UDO_ACTOR"]),
		agent: agentVariables.find(([variable]) => nonEmpty(environment[variable]) !== undefined)?.[1],
		skippedBy: environment["UDO"] === "0" ? "UDO=0" : environment["UDO_SKIP"] === "1" ? "UDO_SKIP=1" : undefined,
	};
}

/** The environment of this process; nothing else in udo reads it. */
export function processEnvironment(): NodeJS.ProcessEnv {
	return process.env;
}

/**
 * `$XDG_STATE_HOME/udo`, or `~/.local/state/udo`. A relative XDG_STATE_HOME counts as none, as its specification says: it would
 * mean another store, and another holder of the same lock, in every directory.
 */
export function stateDirectory(environment: NodeJS.ProcessEnv): string {
	return join(absolute(environment["XDG_STATE_HOME"]) ?? join(homeOf(environment), ".local", "state"), "udo");
}

/** NO_COLOR, or a terminal that can do nothing. */
export function isPlain(environment: NodeJS.ProcessEnv): boolean {
	return nonEmpty(environment["NO_COLOR"]) !== undefined || environment["TERM"] === "dumb";
}

function userConfigPath(environment: NodeJS.ProcessEnv): string {
	return join(absolute(environment["XDG_CONFIG_HOME"]) ?? join(homeOf(environment), ".config"), "udo", "config.json");
}

// Each agent sets its variable in the shells it starts.
const agentVariables = [
	["CLAUDECODE", "claude-code"],
	["CODEX_SANDBOX", "codex"],
	["GEMINI_CLI", "gemini"],
	["CURSOR_AGENT", "cursor"],
	["OPENCODE", "opencode"],
] as const;

function configuredProject(worktree: string): string | undefined {
	const path = join(worktree, "udo.config.json");
	const id = at(readConfigFile(path), "project");
	if (id === undefined) return undefined;
	if (typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) return id;
	throw invalid(`project in ${path}`, id, "letters, digits, _ and -, at most 64", edit(path));
}

function readConfigFile(path: string): unknown {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		const code = error instanceof Error && "code" in error ? String(error.code) : "";
		if (code === "ENOENT" || code === "ENOTDIR") return undefined;
		throw new UdoError(`${showText(path)} cannot be read (${code})`, {
			code: "config_invalid",
			next: `ls -ld ${quoted(showText(path))}`,
			cause: error,
		});
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new UdoError(`${showText(path)} is not valid JSON`, {
			code: "config_invalid",
			why: showText(error instanceof Error ? error.message : String(error), 120),
			next: edit(path),
			cause: error,
		});
	}
}

function at(file: unknown, key: string): unknown {
	let found: unknown = file;
	for (const part of key.split(".")) {
		if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
		found = (found as Record<string, unknown>)[part];
	}
	return found;
}

function positive(raw: unknown, where: string, most: number, next: string): number {
	const value = typeof raw === "string" ? Number(raw.trim()) : raw;
	if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= most) return value;
	throw invalid(where, raw, `a whole number from 1 to ${most}`, next);
}

function edit(path: string): string {
	return `\${EDITOR:-vi} ${quoted(showText(path))}`;
}

function invalid(where: string, raw: unknown, expected: string, next: string): UdoError {
	return new UdoError(`${showText(where)} is ${showText(JSON.stringify(raw) ?? "nothing", 80)}, not ${expected}`, {
		code: "config_invalid",
		next,
	});
}

function nonEmpty(text: string | undefined): string | undefined {
	return text === undefined || text === "" ? undefined : text;
}

// An empty HOME means the user's own, not the current directory.
function homeOf(environment: NodeJS.ProcessEnv): string {
	return absolute(environment["HOME"]) ?? userInfo().homedir;
}

function absolute(path: string | undefined): string | undefined {
	return path !== undefined && isAbsolute(path) ? path : undefined;
}
