import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import {
	at,
	edit,
	invalid,
	type Named,
	type Place,
	placesOf,
	readConfigFile,
	type ShownSetting,
	wholeNumber,
} from "./config/place.ts";
import { resolveRedis } from "./config/redis.ts";
import type { RedisSettings } from "./store/redis/settings.ts";

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
	/** A `git push` that would have to wait, or is behind, runs `udo push` in its place. */
	readonly pushesTogether: boolean;
	/** How conflicts were resolved is remembered for the project, and used again. */
	readonly remembersMerges: boolean;
	/** The team's Redis; undefined: this machine's store alone. */
	readonly redis: RedisSettings | undefined;
	/** UDO_SESSION: the session this process belongs to, when its environment says so. */
	readonly session: string | undefined;
	/** UDO_ACTOR: the person or agent behind this process. */
	readonly actor: string | undefined;
	/** An agent that says in the environment that it started this process, such as `claude-code`. */
	readonly agent: string | undefined;
	/** The variable that switches the hooks off, `UDO=0` or `UDO_SKIP=1`, if one does. */
	readonly skippedBy: string | undefined;
	/** UDO_STRICT=1: what cannot be guarded is stopped. */
	readonly isStrict: boolean;
	/** UDO_LOCAL=1: while the team's Redis is away, any lock may be taken on this machine alone. */
	readonly isLocalEnough: boolean;
}

interface Setting extends Named {
	readonly key: SettingKey;
	/** The unit people write it in. */
	readonly unit: "s" | "count";
	/** 1 unless told. */
	readonly least?: number;
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
	| "session.perProject"
	| "push.auto"
	| "merge.remember";

/** The numbers that can be set, in udo.config.json (`{"lock": {"ttl": 300}}`), the user's config.json or the environment. */
const settings: readonly Setting[] = [
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
	{
		key: "push.auto",
		variable: "UDO_PUSH_AUTO",
		unit: "count",
		fallback: 0,
		least: 0,
		most: 1,
		meaning: "1: git push runs udo push when it must",
	},
	{
		key: "merge.remember",
		variable: "UDO_MERGE_REMEMBER",
		unit: "count",
		fallback: 1,
		least: 0,
		most: 1,
		meaning: "0: no resolution is remembered or applied again",
	},
];

/** All settings as they are in effect and where each came from, without any password. */
export function showSettings(environment: NodeJS.ProcessEnv, worktree: string | undefined): readonly ShownSetting[] {
	const places = placesOf(environment, worktree, userConfigPath(environment));
	return [...resolveSettings(places), ...resolveRedis(places).shown];
}

/** Reads the configuration for a worktree. Throws UdoError `config_invalid` that names the wrong value. */
export function readConfig(environment: NodeJS.ProcessEnv, worktree: string | undefined): Config {
	const places = placesOf(environment, worktree, userConfigPath(environment));
	const values = new Map(resolveSettings(places).map(({ key, value }) => [key, value]));
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
		pushesTogether: value("push.auto") === 1,
		remembersMerges: value("merge.remember") === 1,
		redis: resolveRedis(places).settings,
		session: nonEmpty(environment["UDO_SESSION"]),
		actor: nonEmpty(environment["UDO_ACTOR"]),
		agent: agentVariables.find(([variable]) => nonEmpty(environment[variable]) !== undefined)?.[1],
		skippedBy: environment["UDO"] === "0" ? "UDO=0" : environment["UDO_SKIP"] === "1" ? "UDO_SKIP=1" : undefined,
		isStrict: environment["UDO_STRICT"] === "1",
		isLocalEnough: environment["UDO_LOCAL"] === "1",
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

// The environment wins over the project's file, that over the user's.
function resolveSettings(places: readonly Place[]) {
	return settings.map((setting) => {
		for (const place of places) {
			const value = wholeNumber(place, setting, setting.least ?? 1, setting.most);
			if (value !== undefined) return { ...setting, value, source: place.source };
		}
		return { ...setting, value: setting.fallback, source: "default" as const };
	});
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
