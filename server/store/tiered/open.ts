import { machineClock } from "../../coordination/clock.ts";
import { RedisConnection } from "../redis/connection.ts";
import { scripts } from "../redis/scripts.ts";
import type { RedisSettings } from "../redis/settings.ts";
import { openRedisStore } from "../redis.ts";
import { openTieredStore, type TieredStore, type TieredStoreOptions } from "../tiered.ts";
import { lockDelayMs } from "./settle.ts";

// What a git hook has no time for is told apart from a Redis that is away: its connection gives up later than it does.
const patientMs = 2000;

export interface OpenTeamStoreOptions extends Omit<TieredStoreOptions, "remote"> {
	readonly patienceMs: number;
	readonly settings: RedisSettings;
	/** How long a lease is, unless somebody asks for another. */
	readonly lockTtlMs: number;
}

/** A team's Redis with this machine's store in front of it. Does not wait for Redis, and never rejects because it is away. */
export function openTeamStore({ settings, lockTtlMs, ...options }: OpenTeamStoreOptions): TieredStore {
	const waitMs = options.isHurried === true ? patientMs : options.patienceMs;
	const connection = RedisConnection.open(settings, { scripts, connectMs: waitMs, commandMs: waitMs });
	const remote = openRedisStore(connection, {
		leaseMs: lockTtlMs + lockDelayMs,
		// A machine that holds nothing has nothing to lose, however long ago it knew other data.
		reliedOn: async (project) => {
			const { ledger, team } = options.local;
			const isHolding = (await ledger.lastDeadline(project)) > (options.clock ?? machineClock).now();
			return isHolding ? team.boot(project) : undefined;
		},
		...(options.clock && { clock: options.clock }),
	});
	return openTieredStore({ ...options, remote });
}
