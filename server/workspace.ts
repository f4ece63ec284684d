import { userInfo } from "node:os";
import { type Config, readConfig } from "./config.ts";
import { Coordinator } from "./coordination/coordinator.ts";
import { showText } from "./coordination/describe.ts";
import { type Anchor, findAnchor, sessionOf } from "./coordination/identity.ts";
import { ancestry, livenessOf, thisHost } from "./coordination/process.ts";
import {
	newSessionId,
	type ProjectId,
	parseSessionId,
	type SessionEntry,
	type SessionId,
} from "./coordination/session.ts";
import { UdoError } from "./errors.ts";
import { projectOf } from "./git/project.ts";
import { openRepository, type Repository } from "./git/repository.ts";
import { textsOf } from "./git/texts.ts";
import { type LocalStore, openLocalStore } from "./store/local.ts";
import type { Store } from "./store/store.ts";

// A hook may cost 300 ms in an outage, a command a second; node itself takes a good part of it.
const hookPatienceMs = 250;
const patienceMs = 500;

/** A repository, its project, the store, and this process's session in it: what every surface of udo starts from. */
export interface Workspace extends AsyncDisposable {
	readonly repository: Repository;
	readonly project: ProjectId;
	readonly config: Config;
	readonly store: Store;
	readonly coordinator: Coordinator;
}

export interface WorkspaceOptions {
	readonly directory: string;
	readonly environment: NodeJS.ProcessEnv;
	/** Started by git: what the hook inherited about the commit is kept. */
	readonly insideHook?: boolean;
	/** The process whose session this is; found among the ancestors when missing. */
	readonly anchor?: Anchor;
}

/** Opens the store and the repository around a directory, and joins with this process's session. */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
	const repository = await openRepository(options.directory, { insideHook: options.insideHook === true });
	const config = readConfig(options.environment, repository.worktree);
	const project = await projectOf(repository, config.project);
	const local = await openLocalStore({ directory: config.stateDirectory });
	const store = await openTeam(local, config, project, options);
	try {
		const entry = await identify({ local, store }, config, repository, project, options.anchor);
		const coordinator = new Coordinator(store, config, entry);
		await coordinator.arrive();
		return {
			repository,
			project,
			config,
			store,
			coordinator,
			[Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
		};
	} catch (error) {
		await store[Symbol.asyncDispose]();
		throw error;
	}
}

// A team's Redis where there is one; whoever has none never loads its client.
async function openTeam(
	local: LocalStore,
	config: Config,
	project: ProjectId,
	{ insideHook }: WorkspaceOptions,
): Promise<Store> {
	local.setTeam(project, config.redis !== undefined);
	if (config.redis === undefined) return local;
	const { openTeamStore } = await import("./store/tiered/open.ts");
	// Without a team to ask, a git process that takes a branch at least keeps out the others of this machine.
	const inHook = insideHook === true && !config.isStrict;
	return openTeamStore({
		project,
		local,
		settings: config.redis,
		lockTtlMs: config.lockTtlMs,
		terms: { ttlMs: config.sessionTtlMs, most: config.sessionsPerProject },
		patienceMs: insideHook === true ? hookPatienceMs : patienceMs,
		isHurried: insideHook === true,
		alone: config.isLocalEnough ? "overridden" : inHook ? "briefly" : "files",
		textsOf: ({ worktree }, path) => textsOf(worktree, path),
	});
}

// The sessions of this machine are enough to know whose process this is.
async function identify(
	{ local, store }: { readonly local: LocalStore; readonly store: Store },
	config: Config,
	repository: Repository,
	project: ProjectId,
	given: Anchor | undefined,
): Promise<SessionEntry> {
	const sessions = await local.sessions();
	const anchor = given ?? findAnchor(ancestry(process.pid), sessions, config.agent);
	const named = given === undefined && config.session !== undefined ? checkName(config.session) : undefined;
	const known = named === undefined ? sessionOf(anchor.process, sessions) : sessions.find(({ id }) => id === named);
	const place = { project, worktree: repository.worktree, branch: await repository.branch() };
	if (known !== undefined) {
		if (livenessOf(known.process) !== "dead") return { ...known, ...place, actor: config.actor ?? known.actor };
		// The name outlived the process it was given to: what that one held must not come to life again.
		await store.closeSessions([known.id], "died");
	}
	return {
		...place,
		id: named ?? newSessionId(anchor.kind, anchor.process.pid),
		kind: anchor.kind,
		process: anchor.process,
		host: thisHost(),
		actor:
			config.actor ?? (anchor.agent === undefined ? await person(repository) : `${anchor.agent}-${anchor.process.pid}`),
	};
}

async function person(repository: Repository): Promise<string> {
	return (await repository.userEmail()) ?? userInfo().username;
}

function checkName(name: string): SessionId {
	const id = parseSessionId(name);
	if (id !== undefined) return id;
	throw new UdoError(`UDO_SESSION is ${showText(JSON.stringify(name), 80)}, not a session name`, {
		code: "session_invalid",
		why: "letters, digits, _ and -, at most 64.",
		next: "unset UDO_SESSION",
	});
}
