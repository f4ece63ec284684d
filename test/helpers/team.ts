import { rm } from "node:fs/promises";
import type { SessionEntry, SessionId } from "../../server/coordination/session.ts";
import type { TieredStore, TieredStoreOptions } from "../../server/store/tiered.ts";
import { RedisServer } from "./redis-server.ts";
import { entryOf, project } from "./request.ts";
import { temporaryDirectory } from "./store.ts";
import { longTerms, openTeamStore } from "./team-store.ts";

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
		const machine = new Machine(host, await temporaryDirectory(), this.server.socket);
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
	/** Where Redis listens. */
	readonly socket: string;
	readonly #stores: TieredStore[] = [];

	constructor(host: string, directory: string, socket: string) {
		this.host = host;
		this.directory = directory;
		this.socket = socket;
	}

	/** The store as one more process of this machine opens it. */
	async open(options: Partial<TieredStoreOptions> = {}): Promise<TieredStore> {
		const store = await openTeamStore(this, options);
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
