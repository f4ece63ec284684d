import { lstatSync } from "node:fs";
import { join } from "node:path";
import { livenessOf } from "../server/coordination/process.ts";
import type { Session, SessionId } from "../server/coordination/session.ts";
import { WriteLog } from "../server/coordination/write-log.ts";
import type { Workspace } from "../server/workspace.ts";

// Some hours of several sessions' work; more would be felt at every commit.
const mostEvents = 1000;

/** Whose work a changed file is. `shared`: this session wrote it as well, since it was last committed. */
export type Writer =
	| { readonly kind: "mine" | "unknown" }
	| { readonly kind: "another" | "shared"; readonly session: Session };

/** Who else works in this tree; a person's editor and terminals are not others to each other. */
export async function othersHere({ coordinator, repository, store, project }: Workspace): Promise<readonly Session[]> {
	const { id: mine, host, actor, kind } = coordinator.session;
	return (await store.sessions(project)).filter(
		(other) =>
			other.id !== mine &&
			other.host === host &&
			other.worktree === repository.worktree &&
			!(other.actor === actor && (other.kind === "edit" || kind === "edit")) &&
			livenessOf(other.process) !== "dead",
	);
}

/** Tells whose work the changed files of this tree are, as far as udo knows. */
export class Writers {
	readonly #workspace: Workspace;
	readonly #log: WriteLog;
	readonly #others: ReadonlyMap<SessionId, Session>;

	private constructor(workspace: Workspace, log: WriteLog, others: readonly Session[]) {
		this.#workspace = workspace;
		this.#log = log;
		this.#others = new Map(others.map((each) => [each.id, each]));
	}

	static async open(workspace: Workspace, others: readonly Session[]): Promise<Writers> {
		const { store, project, repository, coordinator } = workspace;
		const events = await store.newestEvents({
			project,
			limit: mostEvents,
			types: ["file_change", "lock_acquired", "lock_released"],
		});
		const sessions = (await store.sessions(project)).filter(
			({ host, worktree }) => host === coordinator.session.host && worktree === repository.worktree,
		);
		const log = new WriteLog(repository.worktree, events, await store.locks(project), sessions);
		return new Writers(workspace, log, others);
	}

	/** `path` is in git's spelling. */
	async of(path: string): Promise<Writer> {
		const name = path.normalize("NFC");
		const last = this.#log.lastWriter(name, changedAt(join(this.#workspace.repository.worktree, path)));
		if (last === undefined) return { kind: "unknown" };
		const session = this.#others.get(last);
		if (session === undefined) return { kind: this.#isMine({ session: last, actor: undefined }) ? "mine" : "unknown" };
		const isShared =
			this.#log.hasWritten(name, 0, (who) => this.#isMine(who)) &&
			this.#log.hasWritten(name, await this.#committedAt(path), (who) => this.#isMine(who));
		return { kind: isShared ? "shared" : "another", session };
	}

	#isMine({ session, actor }: { readonly session: SessionId; readonly actor: string | undefined }): boolean {
		const { coordinator } = this.#workspace;
		if (session === coordinator.session.id) return true;
		const isEditor = session.startsWith("edit_") || coordinator.session.kind === "edit";
		return isEditor && (actor ?? coordinator.session.actor) === coordinator.session.actor && !this.#others.has(session);
	}

	async #committedAt(path: string): Promise<number> {
		const { repository } = this.#workspace;
		const answer = await repository.ask("--literal-pathspecs", "log", "-1", "--format=%ct", "HEAD", "--", path);
		return Number(answer?.trim() || 0) * 1000;
	}
}

// A file that was renamed or copied may be as old as it was elsewhere; when it came here, ctime tells.
function changedAt(path: string): number | undefined {
	try {
		const found = lstatSync(path, { throwIfNoEntry: false });
		return found && Math.max(found.mtimeMs, found.ctimeMs);
	} catch {
		return undefined;
	}
}
