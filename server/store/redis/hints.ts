import type { RequestId } from "../../coordination/lock.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { RedisConnection } from "./connection.ts";

// Under load a listener is called so often at most.
const restMs = 20;

const everyProject = ["udo:channel:session", "udo:channel:conflicts"];

/**
 * Hears the hints that every step publishes on `udo:channel:project:{<project>}`: what has become of which requests, as
 * `+<request>` (granted from the queue) and `-<request>` (over), or nothing when something else has changed.
 */
export class Hints implements Disposable {
	readonly #connection: RedisConnection;
	readonly #projects = new Set<ProjectId>();
	readonly #changes = new Set<() => void>();
	readonly #requests = new Map<RequestId, Set<() => void>>();
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
		this.#changes.add(listener);
		this.#subscribe();
		return { [Symbol.dispose]: () => this.#changes.delete(listener) };
	}

	/** Calls back soon after what has become of a request may have changed. */
	onRequestChange(project: ProjectId, request: RequestId, listener: () => void): Disposable {
		const listeners = this.#requests.get(request) ?? new Set();
		this.#requests.set(request, listeners.add(listener));
		this.follow(project);
		return {
			[Symbol.dispose]: () => {
				listeners.delete(listener);
				if (listeners.size === 0) this.#requests.delete(request);
			},
		};
	}

	[Symbol.dispose](): void {
		clearTimeout(this.#rest);
		for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
		this.#subscriptions.clear();
	}

	#subscribe(): void {
		if (this.#changes.size + this.#requests.size === 0) return;
		const channels = [...everyProject, ...[...this.#projects].map((project) => `udo:channel:project:{${project}}`)];
		const fresh = channels.filter((channel) => !this.#subscriptions.has(channel));
		if (fresh.length === 0) return;
		const subscription = this.#connection.listen(
			fresh,
			(_channel, message) => this.#hear(message),
			() => this.#wakeAll(),
		);
		for (const channel of fresh) this.#subscriptions.set(channel, subscription);
	}

	#hear(message: string): void {
		for (const fate of message.split(" ")) {
			for (const listener of this.#requests.get(fate.slice(1) as RequestId) ?? []) listener();
		}
		this.#change();
	}

	// Messages may have been missed.
	#wakeAll(): void {
		for (const listeners of [...this.#requests.values()]) for (const listener of [...listeners]) listener();
		this.#change();
	}

	#change(): void {
		this.#isDue = true;
		if (this.#rest !== undefined || this.#changes.size === 0) return;
		this.#isDue = false;
		for (const listener of [...this.#changes]) listener();
		this.#rest = setTimeout(() => {
			this.#rest = undefined;
			if (this.#isDue) this.#change();
		}, restMs).unref();
	}
}
