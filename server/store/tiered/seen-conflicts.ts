import type { Clock } from "../../coordination/clock.ts";
import type { Conflict, ConflictId } from "../../coordination/conflict.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { UnsentSettlement } from "../local/settlements.ts";

/** The team's open conflicts as this process saw them last: an outage of the team's store ends none of them. */
export class SeenConflicts {
	readonly #clock: Clock;
	readonly #seen = new Map<ProjectId, { readonly at: number; readonly open: readonly Conflict[] }>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** The team's store answered these, open ones and perhaps others. */
	saw(project: ProjectId, conflicts: readonly Conflict[]): void {
		const open = conflicts.filter(({ resolution }) => resolution === undefined);
		this.#seen.set(project, { at: this.#clock.now(), open });
	}

	has(project: ProjectId, id: ConflictId): boolean {
		return this.#seen.get(project)?.open.some((conflict) => conflict.id === id) === true;
	}

	/** They as they are now, with what was settled here since. */
	now(project: ProjectId, settled: readonly UnsentSettlement[]): readonly Conflict[] {
		const { at, open } = this.#seen.get(project) ?? { at: 0, open: [] };
		const passedMs = this.#clock.now() - at;
		return open.map((conflict) => {
			const end = settled.find((each) => each.conflict === conflict.id);
			const now = { ...conflict, ageMs: conflict.ageMs + passedMs };
			if (end === undefined) return now;
			const { resolution, how, from } = end;
			return { ...now, assignee: undefined, resolution, how, resolvedBy: from.session };
		});
	}
}
