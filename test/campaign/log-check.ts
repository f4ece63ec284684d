import type { UdoEvent } from "../../server/coordination/event.ts";
import { type Resource, resourceKey, resourceOf } from "../../server/coordination/resource.ts";
import { exclude, isCovered } from "../model/model.ts";

interface Held {
	readonly project: string;
	readonly session: string;
	readonly request: string;
	readonly resource: Resource;
}

interface Waiting {
	readonly project: string;
	readonly session: string;
	readonly request: string;
	readonly resources: readonly Resource[];
}

/**
 * Follows the log of one project that nobody else uses, and finds what must never happen: two holders at once, a token that
 * does not rise, a waiter who is passed, an entry that is missing.
 */
export class LogCheck {
	readonly wrong: string[] = [];
	grants = 0;
	seq = 0;
	#newest = 0;
	#holds: readonly Held[] = [];
	#queue: readonly Waiting[] = [];

	follow(event: UdoEvent): void {
		if (event.seq !== this.seq + 1) this.wrong.push(`the log jumps from ${this.seq} to ${event.seq}`);
		this.seq = event.seq;
		const { project, session = "" } = event;
		switch (event.type) {
			case "lock_acquired":
				this.#grant(
					{ project, session, request: event.request, resources: event.resources.map(resourceOf) },
					event.token,
				);
				break;
			case "lock_released":
				this.#holds = this.#holds.filter(
					({ request, resource }) => request !== event.request || !event.resources.includes(resourceKey(resource)),
				);
				break;
			case "lock_queued":
				this.#queue = [
					...this.#queue,
					{ project, session, request: event.request, resources: event.resources.map(resourceOf) },
				];
				break;
			case "lock_cancelled":
				this.#queue = this.#queue.filter(({ request }) => request !== event.request);
				break;
		}
	}

	/** What is held and waited for by the log. */
	get left(): { readonly holds: number; readonly waiters: number } {
		return { holds: this.#holds.length, waiters: this.#queue.length };
	}

	#grant(granted: Waiting, token: number): void {
		this.grants += 1;
		const { project, session, request, resources } = granted;
		const needed = resources.filter((resource) => !isCovered(this.#holds, granted, resource));
		const isOld = resources.every((resource) =>
			this.#holds.some((hold) => hold.session === session && resourceKey(hold.resource) === resourceKey(resource)),
		);
		if (!isOld && token <= this.#newest) this.wrong.push(`token ${token} of ${request} after ${this.#newest}`);
		this.#newest = Math.max(this.#newest, token);
		const clash = (other: { project: string; session: string }, theirs: Resource) =>
			other.session !== session && resources.some((resource) => exclude(project, resource, other.project, theirs));
		for (const hold of this.#holds.filter((each) => clash(each, each.resource))) {
			this.wrong.push(`${request} of ${session} beside ${hold.request} of ${hold.session}`);
		}
		const at = this.#queue.findIndex((each) => each.request === request);
		const earlier = at === -1 ? this.#queue : this.#queue.slice(0, at);
		for (const waiter of request.startsWith("steal ") || needed.length === 0 ? [] : earlier) {
			const isPassed = waiter.resources.some(
				(theirs) => waiter.session !== session && needed.some((own) => exclude(project, own, waiter.project, theirs)),
			);
			if (isPassed) this.wrong.push(`${request} of ${session} got past ${waiter.request} of ${waiter.session}`);
		}
		this.#queue = this.#queue.filter((each) => each.request !== request);
		this.#holds = [...this.#holds, ...resources.map((resource) => ({ project, session, request, resource }))];
	}
}
