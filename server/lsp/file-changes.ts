import { background } from "../coordination/background.ts";
import type { UdoEvent } from "../coordination/event.ts";
import type { Workspace } from "../workspace.ts";

export type FileChange = Extract<UdoEvent, { type: "file_change" }>;

const heardTypes = ["file_change", "conflict_detected", "conflict_attempted", "conflict_resolved"] as const;

type Heard = Extract<UdoEvent, { type: (typeof heardTypes)[number] }>;

// Editors that save at every keystroke exist; nobody reads that often.
const quietMs = 1000;

/** What sessions do to files, through the log: ours is told there, others' is heard from there. */
export class FileChanges {
	readonly #workspace: Workspace;
	readonly #toldAt = new Map<string, number>();
	#heard: number;

	private constructor(workspace: Workspace, heard: number) {
		this.#workspace = workspace;
		this.#heard = heard;
	}

	/** Hears what happens from now on. */
	static async open(workspace: Workspace): Promise<FileChanges> {
		return new FileChanges(workspace, await workspace.store.lastEvent(workspace.project));
	}

	/** Tells everybody about a change that this editor made; the same one again within a second is not told. */
	tell(path: string, change: FileChange["change"]): void {
		const key = `${change} ${path}`;
		const now = performance.now();
		if (now - (this.#toldAt.get(key) ?? -quietMs) < quietMs) return;
		if (this.#toldAt.size > 1000) this.#toldAt.clear();
		this.#toldAt.set(key, now);
		const { coordinator, repository } = this.#workspace;
		background(coordinator.log({ type: "file_change", path, change, worktree: repository.worktree }));
	}

	/** What others did to files and anybody to conflicts since the last time, oldest first; at most 200 at a time. */
	async hear(): Promise<readonly Heard[]> {
		const { store, project, coordinator } = this.#workspace;
		const last = await store.lastEvent(project);
		if (last === this.#heard) return [];
		const limit = 200;
		const events = await store.events({
			project,
			after: this.#heard,
			limit,
			types: heardTypes,
		});
		this.#heard = events.length < limit ? Math.max(last, events.at(-1)?.seq ?? 0) : (events.at(-1)?.seq ?? last);
		return events.filter(
			(event): event is Heard =>
				heardTypes.some((type) => type === event.type) &&
				(event.type !== "file_change" || event.session !== coordinator.session.id),
		);
	}
}
