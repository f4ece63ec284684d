import { rm } from "node:fs/promises";
import type { SessionEntry, SessionId } from "../../server/coordination/session.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import type { RedisSettings } from "../../server/store/redis/settings.ts";
import { openRedisStore } from "../../server/store/redis.ts";
import { openTieredStore, type TieredStore, type TieredStoreOptions } from "../../server/store/tiered.ts";
import { RedisServer } from "./redis-server.ts";
import { entryOf, project } from "./request.ts";
import { temporaryDirectory } from "./store.ts";

/** One Redis and some machines around it, each with a state directory and a name of its own. */
export class Team implements AsyncDisposable {
	readonly server: RedisServer;
	readonly #machines: Machine[] = [];

	private constructor(server: RedisServer) {
		this.server = server;
	}

	static async start(options: Parameters<typeof RedisServer.start>[0] = {}): Promise<Team> {
		return new Team(await RedisServer.start(options));
	}

	/** A machine on which nothing runs yet. */
	async machine(host: string): Promise<Machine> {
		const machine = new Machine(host, await temporaryDirectory(), settingsOf(this.server));
		this.#machines.push(machine);
		return machine;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const machine of this.#machines) await machine[Symbol.asyncDispose]();
		await this.server[Symbol.asyncDispose]();
	}
}

/** One machine of a team, as far as udo can tell: its processes share a directory and say the same name. */
export class Machine implements AsyncDisposable {
	readonly host: string;
	readonly directory: string;
	readonly settings: RedisSettings;
	readonly #stores: TieredStore[] = [];

	constructor(host: string, directory: string, settings: RedisSettings) {
		this.host = host;
		this.directory = directory;
		this.settings = settings;
	}

	/** The store as one more process of this machine opens it. */
	async open(options: Partial<TieredStoreOptions> = {}): Promise<TieredStore> {
		const store = await openTeamStore(this.directory, this.settings, options);
		this.#stores.push(store);
		return store;
	}

	/** The store with these sessions in it. */
	async with(sessions: readonly string[], options: Partial<TieredStoreOptions> = {}): Promise<TieredStore> {
		const store = await this.open(options);
		for (const session of sessions) {
			const opened = await store.openSession(this.entryOf(session), longTerms);
			if (!opened.ok) throw new Error(`${session} was not let in`);
		}
		return store;
	}

	/** A session of this machine. */
	entryOf(session: string): SessionEntry {
		return entryOf(session, { host: this.host, project, id: session as SessionId });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const store of this.#stores) await store[Symbol.asyncDispose]();
		await rm(this.directory, { recursive: true, force: true });
	}
}

const longTerms = { ttlMs: 86_400_000, most: 1000 };

/** The store of a machine whose state is in `directory`. */
export async function openTeamStore(
	directory: string,
	settings: RedisSettings,
	options: Partial<TieredStoreOptions> = {},
): Promise<TieredStore> {
	const local = await openLocalStore({ directory });
	const connection = RedisConnection.open(settings, { scripts });
	const remote = openRedisStore(connection, { leaseMs: 3000, reliedOn: (each) => local.team.boot(each) });
	return openTieredStore({ local, remote, terms: longTerms, ...options });
}

function settingsOf(server: RedisServer): RedisSettings {
	return {
		topology: { kind: "standalone", address: { kind: "unix", path: server.socket } },
		db: 0,
		username: undefined,
		password: undefined,
		tls: undefined,
	};
}
