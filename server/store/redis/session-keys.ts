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
	readonly #known = new Map<SessionId, KnownSession>();
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

	opened(entry: SessionEntry, ttlMs: number): void {
		const projects = this.#known.get(entry.id)?.projects ?? new Set();
		this.#known.set(entry.id, { entry, ttlMs, projects: projects.add(entry.project) });
		this.beat([entry.id], ttlMs);
	}

	beat(sessions: readonly SessionId[], ttlMs: number): void {
		this.#write(async () => {
			for (const id of sessions) {
				await this.#connection.command("set", keyOf(id, "heartbeat"), new Date().toISOString(), "PX", ttlMs);
				const known = this.#known.get(id);
				if (known !== undefined) await this.#connection.command("hset", keyOf(id, "data"), ...fieldsOf(known.entry));
				for (const name of ["data", "locks"]) await this.#connection.command("pexpire", keyOf(id, name), ttlMs);
			}
		});
		this.changed();
	}

	/** Sessions have left a project, or all. What this process knows nothing of, its own process writes, or its TTL ends. */
	closed(sessions: readonly SessionId[], project: ProjectId | undefined): void {
		this.changed();
		for (const id of sessions) {
			const known = this.#known.get(id);
			if (
				project !== undefined &&
				(known === undefined || (known.projects.delete(project) && known.projects.size > 0))
			) {
				continue;
			}
			this.#known.delete(id);
			this.#write(async () => {
				for (const name of ["data", "heartbeat", "locks"]) await this.#connection.command("del", keyOf(id, name));
			});
		}
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
			for (const known of this.#known.values()) await this.#writeLocks(known);
		});
	}

	async #writeLocks({ entry: { id }, ttlMs, projects }: KnownSession): Promise<void> {
		const held: string[] = [];
		for (const project of projects) {
			for (const resource of await this.#heldBy(project, id)) held.push(`${project} ${resource}`);
		}
		const key = keyOf(id, "locks");
		await this.#connection.command("del", key);
		if (held.length === 0) return;
		await this.#connection.command("sadd", key, ...held);
		await this.#connection.command("pexpire", key, ttlMs);
	}

	#write(body: () => Promise<void>): void {
		this.#writing = this.#writing.then(body).catch(() => {});
	}
}

/** A session that was opened here. */
interface KnownSession {
	readonly entry: SessionEntry;
	readonly ttlMs: number;
	readonly projects: Set<ProjectId>;
}

function fieldsOf({ id: _id, process, ...entry }: SessionEntry): string[] {
	return Object.entries({ ...entry, pid: process.pid }).flatMap(([name, value]) => [name, String(value ?? "")]);
}

function keyOf(id: SessionId, name: string): string {
	return `udo:session:{${id}}:${name}`;
}
