import type { UdoEvent } from "./event.ts";
import type { Lock, RequestId } from "./lock.ts";
import { covers, type Resource, resourceOf } from "./resource.ts";
import type { Session, SessionId } from "./session.ts";

// An editor tells of a save right after it, and of the next one within a second not at all.
const nearMs = 2000;

/** Kernels stamp files with the time of the last tick (10 ms at 100 Hz): a file may look so much older than it is. */
export const fileTickMs = 20;

/** A change that somebody made to a file, or could make while nobody else could. Wall-clock ms. */
interface Stretch {
	readonly session: SessionId;
	readonly actor: string | undefined;
	readonly from: number;
	readonly to: number;
}

/** What the log says about who wrote which file of one working tree. */
export class WriteLog {
	readonly #worktree: string;
	readonly #events: readonly UdoEvent[];
	readonly #locked: readonly (Stretch & { readonly resource: Resource })[];

	/** `events` are the newest ones of the log, newest first; `here` are the sessions that work in the tree. */
	constructor(worktree: string, events: readonly UdoEvent[], locks: readonly Lock[], here: readonly Session[]) {
		const isHere = new Set(here.map(({ id }) => id));
		this.#worktree = worktree;
		this.#events = events;
		this.#locked = [...lockedBefore(events), ...lockedNow(locks)].filter(
			({ session, resource }) => isHere.has(session) && resource.kind === "file",
		);
	}

	/**
	 * Who made a file what it is, given when it last changed on disk (undefined: it is gone): the editor that saved it then, else
	 * who had it locked then, or has a file locked that is gone. Undefined when nobody is known to have.
	 */
	lastWriter(path: string, changedAt: number | undefined): SessionId | undefined {
		const [last] = this.#saves(path);
		if (changedAt === undefined) {
			if (last?.change === "delete") return last.session;
			return this.#locks(path).find(({ to }) => to === Number.POSITIVE_INFINITY)?.session;
		}
		if (last !== undefined && Math.abs(last.at - changedAt) <= nearMs) return last.session;
		return this.#locks(path).find(({ from, to }) => from - fileTickMs <= changedAt && changedAt <= to)?.session;
	}

	/** Whether any of those that `isOne` knows wrote the file since then, or had it locked. */
	hasWritten(path: string, since: number, isOne: (who: Pick<Stretch, "session" | "actor">) => boolean): boolean {
		const saved = this.#saves(path).some(
			({ at, session, actor }) => at >= since && session !== undefined && isOne({ session, actor }),
		);
		return saved || this.#locks(path).some((stretch) => stretch.to >= since && isOne(stretch));
	}

	#saves(path: string) {
		return this.#events.flatMap((event) =>
			event.type === "file_change" &&
			event.path === path &&
			event.worktree === this.#worktree &&
			event.change !== "edit"
				? [event]
				: [],
		);
	}

	#locks(path: string): readonly Stretch[] {
		return this.#locked.filter(({ resource }) => covers(resource, { kind: "file", id: path }));
	}
}

function lockedBefore(events: readonly UdoEvent[]) {
	const released = new Map<RequestId, number>();
	for (const event of events) if (event.type === "lock_released") released.set(event.request, event.at);
	return events.flatMap((event) => {
		const { session, actor } = event;
		if (event.type !== "lock_acquired" || session === undefined) return [];
		const to = released.get(event.request);
		// Not released yet: it is among the locks, or it was lost sight of.
		if (to === undefined) return [];
		return event.resources.map((key) => ({ session, actor, from: event.at, to, resource: resourceOf(key) }));
	});
}

function lockedNow(locks: readonly Lock[]) {
	const now = Date.now();
	return locks.map(({ session, resource, ageMs }) => ({
		...{ session, resource, actor: undefined },
		from: now - ageMs - nearMs,
		to: Number.POSITIVE_INFINITY,
	}));
}
