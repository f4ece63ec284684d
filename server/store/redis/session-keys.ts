import type { ProjectId, SessionEntry, SessionId } from "../../coordination/session.ts";
import type { RedisConnection } from "./connection.ts";

// A rush of steps of one session is told once.
const restMs = 250;

/**
 * What a session looks like from outside, for people and programs with nothing but a Redis client:
 *
 *   udo:session:{<id>}:data       hash    what it says of itself
 *   udo:session:{<id>}:heartbeat  string  there as long as the session is, with its TTL
 *   udo:session:{<id>}:locks      set     `<project> <resource>` of each lock it holds
 *
 * They live in the session's slot, not in a project's, so that no step can write them: they follow a moment later, and at every
 * heartbeat, and nothing is decided by them. Failures are ignored, since the next heartbeat writes them again.
 */
export class SessionKeys implements AsyncDisposable {
	readonly #connection: RedisConnection;
	readonly #heldBy: (project: ProjectId, session: SessionId) => Promise<readonly string[]>;
	readonly #projects = new Map<SessionId, Set<ProjectId>>();
	#isStale = false;
	#rest: NodeJS.Timeout | undefined;
	#writing: Promise<unknown> = Promise.resolve();

	/** `heldBy`: the resource keys that a session holds in a project. */
	constructor(
		connection: RedisConnection,
		heldBy: (project: ProjectId, session: SessionId) => Promise<readonly string[]>,
	) {
		this.#connection = connection;
		this.#heldBy = heldBy;
	}

	opened({ id, project, process, ...entry }: SessionEntry, ttlMs: number): void {
		const fields = Object.entries({ ...entry, pid: process.pid, project }).flatMap(([name, value]) => [
			name,
			value ?? "",
		]);
		this.#write(async () => {
			await this.#connection.command("hset", keyOf(id, "data"), ...fields);
			await this.#connection.command("pexpire", keyOf(id, "data"), ttlMs);
		});
		const projects = this.#projects.get(id) ?? new Set();
		this.#projects.set(id, projects.add(project));
		this.beat([id], ttlMs);
	}

	beat(sessions: readonly SessionId[], ttlMs: number): void {
		this.#write(async () => {
			for (const id of sessions) {
				await this.#connection.command("set", keyOf(id, "heartbeat"), new Date().toISOString(), "PX", ttlMs);
				await this.#connection.command("pexpire", keyOf(id, "data"), ttlMs);
			}
		});
		this.changed();
	}

	/** Sessions have left a project, or all. */
	closed(sessions: readonly SessionId[], project: ProjectId | undefined): void {
		this.changed();
		this.#write(async () => {
			for (const id of sessions) {
				const projects = this.#projects.get(id);
				if (project !== undefined && projects?.delete(project) && projects.size > 0) continue;
				this.#projects.delete(id);
				for (const name of ["data", "heartbeat", "locks"]) await this.#connection.command("del", keyOf(id, name));
			}
		});
	}

	/** A step may have changed what the sessions hold that were opened here. */
	changed(): void {
		this.#isStale = true;
		this.#rest ??= setTimeout(() => {
			this.#rest = undefined;
			this.#flush();
		}, restMs).unref();
	}

	/** Writes what is still to be written. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#rest);
		if (this.#connection.isUp) this.#flush();
		await this.#writing;
	}

	#flush(): void {
		if (!this.#isStale) return;
		this.#isStale = false;
		this.#write(async () => {
			for (const id of this.#projects.keys()) await this.#writeLocks(id);
		});
	}

	async #writeLocks(id: SessionId): Promise<void> {
		const held: string[] = [];
		for (const project of this.#projects.get(id) ?? []) {
			for (const resource of await this.#heldBy(project, id)) held.push(`${project} ${resource}`);
		}
		const key = keyOf(id, "locks");
		await this.#connection.command("del", key);
		if (held.length > 0) await this.#connection.command("sadd", key, ...held);
	}

	#write(body: () => Promise<void>): void {
		this.#writing = this.#writing.then(body).catch(() => {});
	}
}

function keyOf(id: SessionId, name: string): string {
	return `udo:session:{${id}}:${name}`;
}
