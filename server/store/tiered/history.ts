import type { EventQuery, NewestQuery, UdoEvent } from "../../coordination/event.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { LocalStore } from "../local.ts";
import type { Reach } from "./reach.ts";

// Entries of this machine's log stand between two of the team's: 12.00000345 is the 345th here, seen after the 12th there.
const perEntry = 1e8;

/**
 * The team's log, or this machine's while the team's cannot be reached, numbered so that whoever follows reads on in both
 * directions: the entries of an outage come after the team's last one, and before the first one that the team has afterwards.
 */
export class History {
	readonly #local: LocalStore;
	readonly #reach: Reach;
	readonly #seen = new Map<ProjectId, number>();
	readonly #boots = new Map<ProjectId, string>();

	constructor(local: LocalStore, reach: Reach) {
		this.#local = local;
		this.#reach = reach;
	}

	/** The team's log of a project belongs to this data; if that is not the data from before, it starts anew. */
	booted(project: ProjectId, id: string): void {
		if (this.#boots.get(project) !== id) this.#seen.delete(project);
		this.#boots.set(project, id);
	}

	/** See Store.events. */
	async events(query: EventQuery): Promise<readonly UdoEvent[]> {
		const { project, after } = query;
		const there = Math.floor(after);
		const isLost = await this.#isBeyondEnd(project, there);
		const reached = await this.#reach.ask((remote) => remote.events({ ...query, after: isLost ? 0 : there }));
		if (reached.ok) {
			this.saw(project, Math.max(reached.value.at(-1)?.seq ?? 0, this.#seen.get(project) ?? 0));
			return reached.value;
		}
		const { here } = await this.#local.team.log(project);
		const events = await this.#local.events({ ...query, after: Math.max(here, hereOf(after)) });
		return events.map((event) => ({ ...event, seq: there + event.seq / perEntry }));
	}

	/** See Store.newestEvents. */
	async newestEvents(query: NewestQuery): Promise<readonly UdoEvent[]> {
		const { project, before } = query;
		const reached = await this.#reach.ask((remote) =>
			remote.newestEvents({ ...query, ...(before !== undefined && { before: Math.ceil(before) }) }),
		);
		if (reached.ok) return reached.value;
		const there = await this.#lastThere(project);
		const { before: _before, ...rest } = query;
		const isHere = before !== undefined && before > there && before < there + 1;
		const events = await this.#local.newestEvents({ ...rest, ...(isHere && { before: hereOf(before) }) });
		return events.map((event) => ({ ...event, seq: there + event.seq / perEntry }));
	}

	/** See Store.lastEvent. */
	async lastEvent(project: ProjectId): Promise<number> {
		const reached = await this.#reach.ask((remote) => remote.lastEvent(project));
		if (reached.ok) {
			this.saw(project, reached.value);
			return reached.value;
		}
		const { here } = await this.#local.team.log(project);
		const last = await this.#local.lastEvent(project);
		return (await this.#lastThere(project)) + (last > here ? last / perEntry : 0);
	}

	/** The team's log has come this far. */
	saw(project: ProjectId, seq: number): void {
		this.#seen.set(project, seq);
	}

	// Who has read further than the log goes followed one that was lost with the data of the team's store.
	async #isBeyondEnd(project: ProjectId, there: number): Promise<boolean> {
		return there > (this.#seen.get(project) ?? 0) && there > (await this.lastEvent(project));
	}

	async #lastThere(project: ProjectId): Promise<number> {
		return this.#seen.get(project) ?? (await this.#local.team.log(project)).there;
	}
}

function hereOf(seq: number): number {
	return Math.round((seq - Math.floor(seq)) * perEntry);
}
