import type { PresenceEntry } from "../store/store.ts";
import type { Workspace } from "../workspace.ts";
import { Coalesced } from "./coalesced.ts";

const soonMs = 500;

/**
 * Tells others which files of a project are open here, which are unsaved, and where the last edit was: twice a second at most.
 * One for all working trees of a project, because a session has one presence in it.
 */
export class PresenceReport {
	readonly #sources = new Map<() => readonly PresenceEntry[], Workspace>();
	readonly #telling = new Coalesced(() => this.#tell(), soonMs);
	#told = "[]";

	/** Adds what `read` answers, told through the store of `workspace`; disposing takes it out again. */
	add(workspace: Workspace, read: () => readonly PresenceEntry[]): Disposable {
		this.#sources.set(read, workspace);
		return {
			[Symbol.dispose]: () => {
				this.#sources.delete(read);
				this.moved();
			},
		};
	}

	/** Something about the open files changed. */
	moved(): void {
		this.#telling.ask(soonMs);
	}

	/** The store forgot what it was told. */
	again(): void {
		this.#told = "[]";
		this.moved();
	}

	/** Tells nothing more, except through `workspace`, that is about to be closed, what is open now. */
	async end(workspace: Workspace): Promise<void> {
		await this.#telling.stop();
		await this.#tell(workspace);
	}

	async #tell(through = [...this.#sources.values()][0]): Promise<void> {
		const places = [...this.#sources.keys()].flatMap((read) => read());
		const text = JSON.stringify(places);
		if (text === this.#told || through === undefined) return;
		await through.store.setPresence(through.project, through.coordinator.session.id, places);
		this.#told = text;
	}
}
