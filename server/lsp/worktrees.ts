import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProjectId } from "../coordination/session.ts";
import { UdoError } from "../errors.ts";
import type { Workspace } from "../workspace.ts";
import { realPath } from "./file-path.ts";
import { OpenWorktree } from "./open-worktree.ts";
import type { Outage } from "./outage.ts";
import { PresenceReport } from "./presence-report.ts";

// Opening starts git a few times: what could not be opened is not tried at every keystroke.
const tryAgainMs = 2000;

/** The working trees that documents of this editor are in, each opened when the first of them needs it. */
export class Worktrees implements AsyncDisposable {
	readonly #open: (directory: string) => Promise<Workspace>;
	readonly #outage: Outage;
	readonly #opened = new Map<string, Promise<OpenWorktree | undefined>>();
	readonly #presence = new Map<ProjectId, PresenceReport>();

	constructor(open: (directory: string) => Promise<Workspace>, outage: Outage) {
		this.#open = open;
		this.#outage = outage;
	}

	/** The working tree around a file; undefined when there is none, or it cannot be opened now. Never rejects. */
	async around(path: string): Promise<OpenWorktree | undefined> {
		const root = nearestRoot(realPath(path));
		if (root === undefined) return undefined;
		const known = this.#opened.get(root);
		if (known !== undefined) return known;
		const opening = this.#tryOpen(root);
		this.#opened.set(root, opening);
		const worktree = await opening;
		if (worktree === undefined) setTimeout(() => this.#opened.delete(root), tryAgainMs).unref();
		return worktree;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const opened = await Promise.all(this.#opened.values());
		this.#opened.clear();
		const closed = await Promise.allSettled(opened.map((worktree) => worktree?.[Symbol.asyncDispose]()));
		for (const result of closed) if (result.status === "rejected") this.#outage.report(result.reason);
	}

	async #tryOpen(root: string): Promise<OpenWorktree | undefined> {
		try {
			const workspace = await this.#open(root);
			const presence = this.#presence.get(workspace.project) ?? new PresenceReport();
			this.#presence.set(workspace.project, presence);
			return await OpenWorktree.open(workspace, presence, this.#outage);
		} catch (error) {
			if (!isNoWorktree(error)) this.#outage.report(error);
			return undefined;
		}
	}
}

function nearestRoot(path: string): string | undefined {
	for (let directory = dirname(path); ; directory = dirname(directory)) {
		if (existsSync(join(directory, ".git"))) return directory;
		if (dirname(directory) === directory) return undefined;
	}
}

// Something called .git that is not git's is nobody's business; a repository that git refuses to read is the user's.
function isNoWorktree(error: unknown): boolean {
	if (!(error instanceof UdoError)) return false;
	return error.code === "not_a_worktree" || (error.code === "not_a_repository" && error.why === undefined);
}
