import type { RequestId } from "../../coordination/lock.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { RedisConnection } from "./connection.ts";

// Under load a listener is called so often at most.
const restMs = 20;

const everyProject = ["udo:channel:session", "udo:channel:conflicts"];

/**
 * Hears the hints that steps publish: on `udo:channel:project:{<project>}` that something has changed, and on that name with
 * `:<request>` that a request was granted from the queue or is over.
 */
export class Hints implements Disposable {
	readonly #connection: RedisConnection;
	readonly #projects = new Set<ProjectId>();
	readonly #listeners = new Set<() => void>();
	readonly #subscriptions = new Map<string, Disposable>();
	#rest: NodeJS.Timeout | undefined;
	#isDue = false;

	constructor(connection: RedisConnection) {
		this.#connection = connection;
	}

	/** Changes of this project are wanted from now on, as far as anybody listens to changes. */
	follow(project: ProjectId): void {
		this.#projects.add(project);
		this.#subscribe();
	}

	/** Calls back soon after a change, several in a row together. */
	onChange(listener: () => void): Disposable {
		this.#listeners.add(listener);
		this.#subscribe();
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	/** Calls back soon after what has become of a request may have changed. */
	onRequestChange(project: ProjectId, request: RequestId, listener: () => void): Disposable {
		return this.#connection.listen([`${channelOf(project)}:${request}`], listener, listener);
	}

	[Symbol.dispose](): void {
		clearTimeout(this.#rest);
		for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
		this.#subscriptions.clear();
	}

	#subscribe(): void {
		if (this.#listeners.size === 0) return;
		for (const channel of [...everyProject, ...[...this.#projects].map(channelOf)]) {
			if (this.#subscriptions.has(channel)) continue;
			const hear = () => this.#hear();
			this.#subscriptions.set(channel, this.#connection.listen([channel], hear, hear));
		}
	}

	#hear(): void {
		this.#isDue = true;
		if (this.#rest !== undefined) return;
		this.#isDue = false;
		for (const listener of [...this.#listeners]) listener();
		this.#rest = setTimeout(() => {
			this.#rest = undefined;
			if (this.#isDue) this.#hear();
		}, restMs).unref();
	}
}

function channelOf(project: ProjectId): string {
	return `udo:channel:project:{${project}}`;
}
