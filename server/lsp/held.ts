import { isDead } from "../coordination/coordinator.ts";
import type { Lock } from "../coordination/lock.ts";
import { covers, type Resource, resourceKey } from "../coordination/resource.ts";
import type { Session } from "../coordination/session.ts";
import type { Workspace } from "../workspace.ts";

/** A lock of another session, with who that is. `since` is local time for people, the same at every reading. */
export interface Held {
	readonly lock: Lock;
	readonly holder: Session;
	readonly since: string;
}

/** What other sessions hold, as far as it covers one of a few files. */
export class HeldLocks {
	readonly #workspace: Workspace;
	readonly #since = new Map<string, string>();

	constructor(workspace: Workspace) {
		this.#workspace = workspace;
	}

	/** The locks of other sessions that cover one of `files`; what the dead left behind is freed on the way. */
	async read(files: readonly Resource[]): Promise<readonly Held[]> {
		const held = await this.#readOnce(files);
		const isLeftBehind = held.some(({ lock, holder }) =>
			lock.holds.some(({ owner }) => isDead({ process: holder.process, owner })),
		);
		return isLeftBehind && (await this.#workspace.coordinator.reap()) > 0 ? this.#readOnce(files) : held;
	}

	async #readOnce(files: readonly Resource[]): Promise<readonly Held[]> {
		const { store, project, coordinator } = this.#workspace;
		const locks = (await store.locks(project)).filter(
			(lock) => lock.session !== coordinator.session.id && files.some((file) => covers(lock.resource, file)),
		);
		const sessions = locks.length === 0 ? [] : await store.sessions();
		const held = locks.flatMap((lock): Held[] => {
			const holder = sessions.find(({ id, project }) => id === lock.session && project === lock.project);
			return holder === undefined ? [] : [{ lock, holder, since: this.#sinceOf(lock) }];
		});
		const keys = new Set(held.map(({ lock }) => keyOf(lock)));
		for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
		return held;
	}

	// Ages are rounded: computed anew, the minute would flicker and every diagnostic with it.
	#sinceOf(lock: Lock): string {
		const known = this.#since.get(keyOf(lock));
		if (known !== undefined) return known;
		const at = new Date(Date.now() - lock.ageMs);
		const time = `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
		const day = `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
		const since = lock.ageMs < 12 * 3_600_000 ? time : `${day} ${time}`;
		this.#since.set(keyOf(lock), since);
		return since;
	}
}

function keyOf(lock: Lock): string {
	return `${lock.project} ${resourceKey(lock.resource)} ${lock.token}`;
}

function twoDigits(n: number): string {
	return String(n).padStart(2, "0");
}
