import { join } from "node:path";
import { type BranchEdits, branchEdits, treesCause } from "../branch-edits.ts";
import { processEnvironment } from "../config.ts";
import { type Conflict, newConflictId } from "../coordination/conflict.ts";
import { showSession, showText } from "../coordination/describe.ts";
import { type Resource, resourceKey } from "../coordination/resource.ts";
import type { Session, SessionEntry } from "../coordination/session.ts";
import { Coalesced } from "./coalesced.ts";
import { tryMerge } from "./merge-attempt.ts";
import type { OpenWorktree } from "./open-worktree.ts";

// Each look starts git three times, when there is another tree at all: a few may follow a change, many must not follow typing.
const lookSoonMs = 10;
const lookRestMs = 400;
const lookBurst = 6;
// Of a commit in the other tree nobody tells.
const againMs = 2000;

/**
 * The `file_edit` conflicts of an open file with other working trees and clones on this machine that are on the same branch: both
 * have changed what both have committed. Found from either side, recorded once; superseded when one of them is back, or commits.
 */
export class BranchClash {
	readonly #worktree: OpenWorktree;
	readonly #resource: Resource;
	readonly #text: () => Buffer;
	readonly #looking = new Coalesced(() => this.#look(), lookRestMs, lookBurst);
	readonly #watched = new Map<string, Disposable>();
	/** The texts that were reported or seen as open, by tree: what somebody settled is not reported again as long as they are that. */
	readonly #reported = new Map<string, string>();
	#timer: NodeJS.Timeout | undefined;

	constructor(worktree: OpenWorktree, resource: Resource, text: () => Buffer) {
		this.#worktree = worktree;
		this.#resource = resource;
		this.#text = text;
	}

	/** The text, the sessions around or the branch may have changed. */
	look(): void {
		this.#looking.ask(lookSoonMs);
	}

	/** The file is closed; see OpenFile.close. */
	async close(isOrderly: boolean): Promise<void> {
		clearTimeout(this.#timer);
		for (const watching of this.#watched.values()) watching[Symbol.dispose]();
		await this.#looking.stop();
		if (!isOrderly || this.#reported.size === 0) return;
		for (const conflict of await this.#conflicts()) {
			if (this.#isMine(conflict)) await this.#supersede(conflict, "closed in the editor");
		}
	}

	async #look(): Promise<void> {
		const others = await this.#others();
		if (others.size === 0 && this.#reported.size === 0) return;
		const conflicts = await this.#conflicts();
		for (const [there, sessions] of others) await this.#compare(there, sessions, conflicts);
		for (const conflict of conflicts) {
			const isOver = ![...others.keys()].some((there) => conflict.cause === this.#causeWith(there));
			if (isOver && this.#isMine(conflict)) await this.#supersede(conflict, "nobody else is on the branch any more");
		}
		for (const there of this.#reported.keys()) if (!others.has(there)) this.#reported.delete(there);
		clearTimeout(this.#timer);
		if (this.#reported.size > 0) this.#timer = setTimeout(() => this.look(), againMs).unref();
	}

	async #conflicts(): Promise<readonly Conflict[]> {
		const { store, project } = this.#worktree.workspace;
		return (await store.conflicts(project)).filter(({ cause }) => cause.startsWith(this.#cause));
	}

	// The other trees that are on our branch, with who works there.
	async #others(): Promise<ReadonlyMap<string, readonly Session[]>> {
		const { here, workspace } = this.#worktree;
		const sessions = await workspace.store.sessions(workspace.project);
		const others = new Map<string, Session[]>();
		for (const session of sessions) {
			const { host, branch, worktree, id } = session;
			const isNear = host === here.host && branch !== undefined && branch === here.branch && worktree !== here.worktree;
			if (!isNear || id === workspace.coordinator.session.id) continue;
			others.set(worktree, [...(others.get(worktree) ?? []), session]);
			await this.#watch(join(worktree, this.#resource.id));
		}
		return others;
	}

	async #watch(path: string): Promise<void> {
		if (this.#watched.has(path)) return;
		this.#watched.set(path, await this.#worktree.disk.watch(path, () => this.look()));
	}

	async #compare(there: string, sessions: readonly Session[], conflicts: readonly Conflict[]): Promise<void> {
		const { here } = this.#worktree;
		const open = conflicts.find(({ cause }) => cause === this.#causeWith(there));
		const trees = { here: here.worktree, there };
		const found = await branchEdits(this.#resource.id, this.#text(), trees, processEnvironment());
		if (found.kind === "unknown") return;
		if (found.kind === "none") {
			this.#reported.delete(there);
			// What the other editor has not saved cannot be seen from here.
			if (open !== undefined && this.#isMine(open)) {
				await this.#supersede(open, "one of the trees has no change of its own any more");
			}
			return;
		}
		const { edits } = found;
		const texts = `${edits.ours.toString("base64")} ${edits.theirs.toString("base64")}`;
		if (open === undefined && this.#reported.get(there) !== texts) await this.#report(there, sessions, edits);
		this.#reported.set(there, texts);
	}

	async #report(there: string, sessions: readonly Session[], edits: BranchEdits): Promise<void> {
		const { here, workspace } = this.#worktree;
		const { store, project, coordinator } = workspace;
		const { outcome } = await tryMerge(edits);
		const id = newConflictId();
		const name = ({ id: session, actor }: SessionEntry) => showSession({ session, actor });
		const placeOf = (worktree: string) => ({ host: here.host, worktree });
		const open = (await store.presence(project)).filter(({ path }) => path === this.#resource.id);
		const writers = sessions.filter(({ id: session }) => open.some((each) => each.session === session)).map(name);
		const others = writers.length === 0 ? "" : `by ${writers.join(", ")} `;
		await store.reportConflict(
			{
				id,
				project,
				type: "file_edit",
				resource: resourceKey(this.#resource),
				sessions: [coordinator.session.id, ...sessions.map((session) => session.id)],
				cause: this.#causeWith(there),
				summary: `${showText(this.#resource.id, 120)}: changed in two trees on branch ${showText(here.branch ?? "", 60)}, by ${name(coordinator.session)} in ${showText(here.worktree, 120)} and ${others}in ${showText(there, 120)}`,
				next: `udo resolve ${id}`,
				blobs: { ...edits },
				owners: {
					ours: {
						kind: "editor",
						session: coordinator.session.id,
						actor: coordinator.session.actor,
						place: placeOf(here.worktree),
					},
					theirs: { kind: "disk", place: placeOf(there) },
				},
				attempts: [{ strategy: "three-way merge", outcome }],
			},
			coordinator.author,
		);
	}

	async #supersede({ id }: Conflict, why: string): Promise<void> {
		const { store, project, coordinator } = this.#worktree.workspace;
		await store.resolveConflict(project, id, why, coordinator.author, "superseded");
	}

	#isMine({ sessions }: Conflict): boolean {
		return sessions[0] === this.#worktree.workspace.coordinator.session.id;
	}

	#causeWith(there: string): string {
		return this.#cause + [this.#worktree.here.worktree, there].sort().join("\n");
	}

	get #cause(): string {
		return treesCause(this.#worktree.here.host, this.#resource.id);
	}
}
