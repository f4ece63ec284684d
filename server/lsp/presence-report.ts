import type { PresenceEntry } from "../store/store.ts";
import type { Workspace } from "../workspace.ts";
import { Coalesced } from "./coalesced.ts";

const soonMs = 500;

/** Tells others which files are open here, which are unsaved, and where the last edit was: twice a second at most. */
export class PresenceReport {
	readonly #workspace: Workspace;
	readonly #read: () => readonly PresenceEntry[];
	readonly #telling = new Coalesced(() => this.#tell());
	#told = "[]";

	constructor(workspace: Workspace, read: () => readonly PresenceEntry[]) {
		this.#workspace = workspace;
		this.#read = read;
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

	/** Tells nothing more, and what is open now for the last time. */
	async end(): Promise<void> {
		await this.#telling.stop();
		await this.#tell();
	}

	async #tell(): Promise<void> {
		const places = this.#read();
		const text = JSON.stringify(places);
		if (text === this.#told) return;
		const { store, project, coordinator } = this.#workspace;
		await store.setPresence(project, coordinator.session.id, places);
		this.#told = text;
	}
}
