import { type Config, readConfig } from "./config.ts";
import type { ProjectId } from "./coordination/session.ts";
import { type LocalStore, openLocalStore } from "./store/local.ts";
import type { RedisSettings } from "./store/redis/settings.ts";
import type { Store } from "./store/store.ts";

// A server that takes a push in is in less of a hurry than whoever commits.
const patienceMs = 2000;

/** Looks into a project's store without a session in it: nothing is taken, nobody is told. */
export interface Onlooker extends AsyncDisposable {
	readonly project: ProjectId;
	readonly store: Store;
}

/**
 * Opens the store of a project: the team's where the environment or the user's own settings name one, else this machine's. What
 * a repository has committed names none, since on a server anybody who pushes could have written it.
 */
export async function openOnlooker(project: ProjectId, environment: NodeJS.ProcessEnv): Promise<Onlooker> {
	const config = readConfig(environment, undefined);
	const local = await openLocalStore({ directory: config.stateDirectory });
	const store = config.redis === undefined ? local : await openTeam(project, local, config, config.redis);
	return { project, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

async function openTeam(
	project: ProjectId,
	local: LocalStore,
	config: Config,
	settings: RedisSettings,
): Promise<Store> {
	const { openTeamStore } = await import("./store/tiered/open.ts");
	return openTeamStore({
		project,
		local,
		settings,
		lockTtlMs: config.lockTtlMs,
		terms: { ttlMs: config.sessionTtlMs, most: config.sessionsPerProject },
		patienceMs,
	});
}
