import { randomBytes } from "node:crypto";
import type { Clock } from "../../coordination/clock.ts";
import type { ProjectId } from "../../coordination/session.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { OtherServerError, type RedisConnection } from "./connection.ts";
import { allProjects, keyOf } from "./keys.ts";
import type { ScriptName } from "./scripts.ts";

export interface StepsOptions {
	/** Counts leases and ages by this instead of Redis' own clock. */
	readonly clock?: Clock;
	/** How long the leases are, in ms, that a Redis which lost its data may have forgotten. */
	readonly leaseMs: number;
	/** The `boot` of a project that leases of this machine rely on, while there are any: another one means that they may be lost. */
	readonly reliedOn?: (project: ProjectId) => Promise<string | undefined>;
}

/** What a project's data depends on: `id` is new when it was lost, `server` when Redis was restarted or replaced. */
export interface Boot {
	readonly id: string;
	readonly server: string;
	/** How long, in ms from when it was asked, only what was held before is given back. */
	readonly recoveringMs: number;
}

type Words = readonly (string | number | Uint8Array)[];

// A server that changes or forgets all the time is not one to rely on.
const mostTries = 4;

/** Runs scripts in the slot of a project, on a server that it has joined. */
export class Steps {
	readonly #connection: RedisConnection;
	readonly #options: StepsOptions;
	readonly #joined = new Map<ProjectId, Boot>();
	// What it was before the data turned out to be lost.
	readonly #lost = new Map<ProjectId, string | undefined>();
	readonly #joining = new Map<ProjectId, Promise<Boot>>();
	readonly #listeners = new Set<(project: ProjectId, boot: Boot) => void>();

	constructor(connection: RedisConnection, options: StepsOptions) {
		this.#connection = connection;
		this.#options = options;
	}

	/**
	 * Runs a script. What has run out is let go before; after a loss of data or a change of server the project is joined anew.
	 * Rejects with StoreUnavailableError. `isSettled`: see lua/project.lua.
	 */
	async run(
		script: ScriptName,
		project: ProjectId,
		isSettled: boolean,
		args: Words,
		options: { readonly isReplicated?: boolean } = {},
	): Promise<unknown> {
		for (let tries = 1; tries <= mostTries; tries++) {
			const { server } = await this.join(project);
			try {
				const send = (name: ScriptName, ...rest: Words) =>
					this.#connection.run(name, bootKey(project), [this.#now, isSettled ? "1" : "", ...rest], {
						...options,
						server,
					});
				let reply = await send(script, ...args);
				if (reply === "due") {
					await send("settle");
					reply = await send(script, ...args);
				}
				if (reply === "due") continue;
				if (reply !== "lost") return reply;
				this.#lost.set(project, this.#joined.get(project)?.id);
				this.#joined.delete(project);
			} catch (error) {
				if (!(error instanceof OtherServerError)) throw error;
			}
		}
		throw new StoreUnavailableError(`Redis ${this.#connection.server} changes faster than it can be used`, {
			why: "each time that it was asked it was another server, had forgotten everything, or something had run out.",
			next: "udo doctor",
			retryable: true,
		});
	}

	/**
	 * Makes sure that this Redis still is the one that the project's leases were granted by, asking it at most once a
	 * connection. Answers how long it only gives back what was held before.
	 */
	async join(project: ProjectId): Promise<Boot> {
		const server = await this.#connection.serverOf(bootKey(project));
		const known = this.#joined.get(project);
		if (known?.server === server) return known;
		const joining = this.#joining.get(project) ?? this.#join(project, server);
		this.#joining.set(project, joining);
		return joining.finally(() => this.#joining.delete(project));
	}

	/** As join, asking anew: when a lock is missing there, the data may have been lost while another machine was quicker to notice. */
	async rejoin(project: ProjectId): Promise<Boot> {
		return this.#join(project, await this.#connection.serverOf(bootKey(project)));
	}

	/** Calls back whenever a project was joined. */
	onBoot(listener: (project: ProjectId, boot: Boot) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	async #join(project: ProjectId, server: string): Promise<Boot> {
		const before = this.#joined.get(project)?.id ?? this.#lost.get(project);
		const reliedOn = (await this.#options.reliedOn?.(project)) ?? before ?? "";
		await this.#connection.command("sadd", allProjects, project);
		const fresh = randomBytes(6).toString("hex");
		const args = [this.#now, "1", server, reliedOn, fresh, this.#options.leaseMs];
		const [id, recoveringMs] = (await this.#connection.run("join", bootKey(project), args)) as [string, number];
		const boot = { id, server, recoveringMs };
		this.#joined.set(project, boot);
		for (const listener of [...this.#listeners]) listener(project, boot);
		return boot;
	}

	get #now(): number | "" {
		return this.#options.clock?.now() ?? "";
	}
}

function bootKey(project: ProjectId): string {
	return keyOf(project, "boot");
}
