import { join } from "node:path";
import { processEnvironment } from "../config.ts";
import { openConflicts } from "../conflicts.ts";
import { background } from "../coordination/background.ts";
import { type Conflict, mergesCleanly } from "../coordination/conflict.ts";
import { showText } from "../coordination/describe.ts";
import type { UdoEvent } from "../coordination/event.ts";
import { startHeartbeat } from "../coordination/heartbeat.ts";
import { supersedeFreed } from "../coordination/lock-conflict.ts";
import { covers, type Resource, resourceKey } from "../coordination/resource.ts";
import { UdoError } from "../errors.ts";
import { fileResource } from "../git/path.ts";
import { GitError } from "../git/repository.ts";
import type { PresenceEntry } from "../store/store.ts";
import type { Workspace } from "../workspace.ts";
import { Coalesced } from "./coalesced.ts";
import type { Here } from "./diagnostics.ts";
import { DiskWatch } from "./disk-watch.ts";
import { type FileChange, FileChanges } from "./file-changes.ts";
import { type Held, HeldLocks } from "./held.ts";
import type { Outage } from "./outage.ts";
import type { PresenceReport } from "./presence-report.ts";

// One write in the store is looked at nearly at once, for a lock must show within 100 ms; a storm of them 60 times a second.
const lookSoonMs = 1;
const lookRestMs = 15;

// git writes the index before it says what it stopped at, and some commands write it many times.
const reviewSoonMs = 30;
const reviewRestMs = 500;
const gitStops = ["index", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"];

/** What a worktree needs from each file that is open in it. */
export interface Member {
	readonly resource: Resource;
	readonly presence: PresenceEntry;
	/** The locks of others, or the branch, changed. */
	look(): void;
	/** Another session changed this file. */
	hear(change: FileChange): void;
}

/** One working tree with files open in this editor: what all of them have in common. */
export class OpenWorktree implements AsyncDisposable {
	readonly workspace: Workspace;
	readonly disk = new DiskWatch();
	readonly changes: FileChanges;
	readonly presence: PresenceReport;
	readonly #outage: Outage;
	readonly #members = new Set<Member>();
	readonly #heldLocks: HeldLocks;
	readonly #looking = new Coalesced(() => this.#look(), lookRestMs);
	readonly #reviewing = new Coalesced(() => this.#review(), reviewRestMs);
	readonly #freeing = new Coalesced(() => supersedeFreed(this.workspace.coordinator), reviewRestMs);
	readonly #running: readonly Disposable[];
	#conflicts: readonly Conflict[] = [];
	#areConflictsStale = true;
	#held: readonly Held[] = [];
	#seen = "";
	#branch: string | undefined;
	#link: string | undefined;

	private constructor(workspace: Workspace, presence: PresenceReport, changes: FileChanges, outage: Outage) {
		this.workspace = workspace;
		this.changes = changes;
		this.#outage = outage;
		this.#heldLocks = new HeldLocks(workspace);
		this.#branch = workspace.coordinator.session.branch;
		this.presence = presence;
		const bell = workspace.store.onChange(() => this.look());
		const places = presence.add(workspace, () => [...this.#members].map((member) => member.presence));
		this.#running = [this.disk, bell, places, startHeartbeat(workspace.coordinator, () => presence.again())];
	}

	/** Takes over the workspace: it is closed with this. `presence` may be shared with other trees of the project. */
	static async open(workspace: Workspace, presence: PresenceReport, outage: Outage): Promise<OpenWorktree> {
		try {
			const worktree = new OpenWorktree(workspace, presence, await FileChanges.open(workspace), outage);
			const head = join(workspace.repository.gitDirectory, "HEAD");
			await worktree.disk.watch(head, () => background(worktree.#followHead()));
			for (const name of gitStops) {
				const path = join(workspace.repository.gitDirectory, name);
				await worktree.disk.watch(path, () => worktree.#reviewing.ask(reviewSoonMs));
			}
			worktree.#reviewing.ask(reviewSoonMs);
			return worktree;
		} catch (error) {
			await workspace[Symbol.asyncDispose]();
			throw error;
		}
	}

	get here(): Here {
		const { actor, host } = this.workspace.coordinator.session;
		return { actor, host, worktree: this.workspace.repository.worktree, branch: this.#branch };
	}

	/** The file at an absolute path as it is locked; undefined for directories, git's own files and what is not in here. */
	async resourceAt(path: string): Promise<Resource | undefined> {
		const { repository } = this.workspace;
		try {
			const resource = await fileResource(repository, repository.worktree, path, { allowNew: true });
			return resource.id.endsWith("/") ? undefined : resource;
		} catch (error) {
			if (error instanceof UdoError) return undefined;
			throw error;
		}
	}

	/** Locks of other sessions that cover a file, as last seen. */
	heldOn(file: Resource): readonly Held[] {
		return this.#held.filter(({ lock }) => covers(lock.resource, file));
	}

	/** The open conflicts about a file of this tree, as last seen. */
	conflictsOn(file: Resource): readonly Conflict[] {
		return this.#conflicts.filter((conflict) => this.#isAbout(conflict, file));
	}

	/** As conflictsOn, asking the store. */
	async readConflicts(file: Resource): Promise<readonly Conflict[]> {
		const conflicts = await this.workspace.store.conflicts(this.workspace.project);
		return conflicts.filter((conflict) => this.#isAbout(conflict, file));
	}

	/** Adds an open file; disposing takes it out again. */
	join(member: Member): Disposable {
		this.#members.add(member);
		this.#seen = "";
		this.look();
		this.presence.moved();
		return {
			[Symbol.dispose]: () => {
				this.#members.delete(member);
				this.presence.moved();
			},
		};
	}

	/** Reads soon what others hold, and tells the files when that changed. */
	look(): void {
		this.#looking.ask(lookSoonMs);
	}

	/** The session ends here too, unless something of it stays behind, such as a lock from a terminal in the editor. */
	async [Symbol.asyncDispose](): Promise<void> {
		for (const each of this.#running) each[Symbol.dispose]();
		await this.#looking.stop();
		await this.#reviewing.stop();
		await this.#freeing.stop();
		const { store, project, coordinator } = this.workspace;
		try {
			await this.presence.end(this.workspace);
			const mine = [...(await store.locks(project)), ...(await store.waiters(project))];
			if (!mine.some(({ session }) => session === coordinator.session.id)) await coordinator.leave();
		} finally {
			await this.workspace[Symbol.asyncDispose]();
		}
	}

	async #look(): Promise<void> {
		const members = [...this.#members];
		const before = this.#seen;
		// Stays unseen when the store fails meanwhile, so that the files are told when it is back.
		this.#seen = "";
		this.#held = await this.#heldLocks.read(members.map(({ resource }) => resource));
		this.#outage.over();
		this.#outage.seen(this.workspace.store.link());
		for (const event of await this.changes.hear()) {
			if (event.type !== "file_change") this.#areConflictsStale = true;
			if (event.type === "conflict_detected") await this.#tellSwitch(event);
			if (event.type !== "file_change") continue;
			for (const member of members) if (member.resource.id === event.path) member.hear(event);
		}
		await this.#lookAtConflicts();
		// A lock that was waited for in vain may have been given back.
		if (this.#conflicts.some(({ type }) => type === "resource_lock")) this.#freeing.ask(lookSoonMs);
		this.#seen = JSON.stringify([
			this.#branch,
			this.#held.map(summary),
			this.#conflicts.map((each) => [each.id, mergesCleanly(each)]),
		]);
		if (this.#seen === before) return;
		for (const member of members) member.look();
	}

	// Whoever has files open here should know before they save into another branch.
	async #tellSwitch({ conflict, conflictType, session, sessions }: Extract<UdoEvent, { type: "conflict_detected" }>) {
		const { store, project, coordinator } = this.workspace;
		if (
			session === coordinator.session.id ||
			conflictType !== "context_switch" ||
			!sessions.includes(coordinator.session.id)
		)
			return;
		const found = (await store.conflicts(project)).find(({ id }) => id === conflict);
		if (found !== undefined) this.#outage.warn(`${showText(found.summary)} (back: ${showText(found.next)})`);
	}

	async #lookAtConflicts(): Promise<void> {
		const { store, project } = this.workspace;
		const link = store.link()?.state;
		if (this.#areConflictsStale || link !== this.#link) this.#conflicts = await store.conflicts(project);
		this.#areConflictsStale = false;
		this.#link = link;
	}

	#isAbout({ type, resource, place, sessions }: Conflict, file: Resource): boolean {
		const { host, worktree } = this.here;
		const isOfFiles = type === "file_edit" || type === "git_merge" || type === "state_divergence";
		const isOurs = sessions.includes(this.workspace.coordinator.session.id);
		const isHere = place === undefined ? isOurs : place.host === host && place.worktree === worktree;
		return isOfFiles && isHere && resource === resourceKey(file);
	}

	// What git stopped at, or has been brought to an end.
	async #review(): Promise<void> {
		try {
			await openConflicts(this.workspace, processEnvironment());
		} catch (error) {
			// The repository was moved or deleted, or is in the middle of it.
			if (!(error instanceof GitError)) throw error;
		}
	}

	async #followHead(): Promise<void> {
		let branch: string | undefined;
		try {
			branch = await this.workspace.repository.branch();
		} catch {
			// The repository was moved or deleted: what is known of it stays.
			return;
		}
		if (branch === this.#branch) return;
		this.#branch = branch;
		this.look();
		await this.workspace.coordinator.moveTo(branch);
	}
}

function summary({ lock, holder }: Held): readonly (string | number | undefined)[] {
	return [
		resourceKey(lock.resource),
		lock.token,
		lock.origin,
		lock.isLocalOnly ? 1 : 0,
		holder.id,
		holder.worktree,
		holder.branch,
	];
}
