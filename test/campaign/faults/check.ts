import { covers, resourceOf } from "../../../server/coordination/resource.ts";
import type { Said } from "../../helpers/worker.ts";
import { contested } from "./words.ts";

/** What must never happen, and how much did happen. */
export interface Verdict {
	readonly grants: number;
	readonly writes: number;
	/** Writes that the resource refused since it had seen a larger token: fencing at work. */
	readonly refused: number;
	/** Writes that got in although somebody who was granted it later had written. */
	readonly stale: readonly string[];
	/** Writes that were kept out by somebody who had been granted it before: the tokens did not rise. */
	readonly fell: readonly string[];
	/** Two at once of whom nobody was told. */
	readonly overlaps: readonly string[];
	/** Two at once who were told: a conflict, an aborted lease, or on their own machine only. */
	readonly reported: number;
	readonly complaints: readonly string[];
}

interface Grant {
	readonly session: string;
	readonly machine: string;
	readonly resource: string;
	readonly token: number;
	readonly isLocalOnly: boolean;
	/** When the request that was granted had been sent. */
	readonly sentAt: number;
	readonly grantedAt: number;
	readonly writes: { readonly at: number; readonly isRefused: boolean }[];
	abortedAt: number;
	isOver: boolean;
}

interface Speaker {
	readonly machine: string;
	readonly links: { readonly at: number; readonly state: string }[];
}

// From when a machine is back until whoever must give up a lock has been told: settling, and one renewal.
const tellingMs = 3000;
// What was begun just before the lease ended is written just after it.
const busyMs = 100;

/**
 * The shared resource, which refuses a smaller token than it has seen, and the judge of what was done to it. What is locked on
 * one machine only is that machine's copy.
 */
export class FaultsCheck {
	readonly #speakers = new Map<string, Speaker>();
	readonly #fences = new Map<string, { readonly token: number; readonly grant: Grant }>();
	#grants = new Map<string, Grant>();
	#grantCount = 0;
	#writes = 0;
	#refused = 0;
	readonly #stale: string[] = [];
	readonly #fell = new Set<string>();
	readonly #complaints: string[] = [];

	/** One more that speaks. */
	admit(session: string, machine: string): void {
		this.#speakers.set(session, { machine, links: [] });
	}

	hear(session: string, said: Said): void {
		const speaker = this.#speakers.get(session);
		if (speaker === undefined) throw new Error(`${session} was not admitted`);
		const at = Number(said["at"]);
		const grant = this.#grants.get(String(said["request"]));
		switch (said.did) {
			case "link":
				speaker.links.push({ at, state: String(said["state"]) });
				break;
			case "granted":
				this.#grantCount += 1;
				this.#grants.set(String(said["request"]), {
					session,
					machine: speaker.machine,
					resource: String(said["resource"]),
					token: Number(said["token"]),
					isLocalOnly: said["isLocalOnly"] === true,
					sentAt: Number(said["sentAt"]),
					grantedAt: at,
					writes: [],
					abortedAt: Number.POSITIVE_INFINITY,
					isOver: false,
				});
				break;
			case "wrote":
				if (grant !== undefined) this.#write(grant, at);
				break;
			case "aborted":
				if (grant !== undefined) grant.abortedAt = at;
				break;
			case "ending":
				if (grant !== undefined) grant.isOver = true;
				break;
			case "complained":
				this.#complaints.push(`${session}: ${said["error"]}`);
				break;
		}
	}

	/** Who has something now that the whole team is kept from. */
	get holders(): readonly string[] {
		return [...this.#grants.values()]
			.filter(({ isOver, abortedAt, isLocalOnly }) => !isOver && abortedAt === Number.POSITIVE_INFINITY && !isLocalOnly)
			.map(({ session }) => session);
	}

	/** What became of a request that was granted. */
	lastOf(request: string): string {
		const grant = this.#grants.get(request);
		if (grant === undefined) return "was never granted, or is over";
		const { isOver, abortedAt } = grant;
		return `${isOver ? "was given back" : "is held"}${abortedAt < Number.POSITIVE_INFINITY ? ", lost" : ""}`;
	}

	/** How the team's store looks to a session, as it last said. */
	linkOf(session: string): string {
		return this.#speakers.get(session)?.links.at(-1)?.state ?? "unknown";
	}

	/** When the last session noticed that it is connected again, or lost touch. */
	lastChange(): number {
		return Math.max(...[...this.#speakers.values()].flatMap(({ links }) => links.at(-1)?.at ?? 0));
	}

	/** Judges all since the last time. `conflicts`: pairs of sessions that were told that they diverged. */
	judge(conflicts: readonly (readonly string[])[]): Verdict {
		const overlaps: string[] = [];
		let reported = 0;
		const grants = [...this.#grants.values()].filter(({ writes }) => writes.length > 0);
		for (const [index, one] of grants.entries()) {
			for (const other of grants.slice(index + 1)) {
				const shared = overlapOf(one, other);
				if (shared === undefined) continue;
				const isTold =
					conflicts.some((sessions) => sessions.includes(one.session) && sessions.includes(other.session)) ||
					[one, other].some(
						({ abortedAt }) => abortedAt >= shared.from - busyMs && abortedAt <= shared.to + tellingMs,
					) ||
					[one, other].some((grant) => this.#isAlone(grant, shared.to)) ||
					isFenced(one.grantedAt < other.grantedAt ? one : other, shared.from);
				if (isTold) reported += 1;
				else overlaps.push(`${describe(one)} beside ${describe(other)} for ${Math.round(shared.to - shared.from)} ms`);
			}
		}
		const verdict = {
			grants: this.#grantCount,
			writes: this.#writes,
			refused: this.#refused,
			stale: [...this.#stale],
			fell: [...this.#fell],
			overlaps,
			reported,
			complaints: [...this.#complaints],
		};
		this.#grants = new Map([...this.#grants].filter(([, { isOver }]) => !isOver));
		[this.#grantCount, this.#writes, this.#refused] = [0, 0, 0];
		this.#stale.length = 0;
		this.#fell.clear();
		this.#complaints.length = 0;
		return verdict;
	}

	#write(grant: Grant, at: number): void {
		this.#writes += 1;
		const cells = cellsOf(grant);
		const larger = cells.map((cell) => this.#fences.get(cell)).find((fence) => (fence?.token ?? 0) > grant.token);
		grant.writes.push({ at, isRefused: larger !== undefined });
		if (larger !== undefined) {
			this.#refused += 1;
			// One session may hold a directory by an older token and a file in it by a newer one.
			const isOther = larger.grant.session !== grant.session;
			if (isOther && larger.grant.grantedAt < grant.sentAt)
				this.#fell.add(`${describe(grant)} after ${describe(larger.grant)}`);
			return;
		}
		for (const cell of cells) {
			const last = this.#fences.get(cell)?.grant;
			if (last !== undefined && last.session !== grant.session && last.grantedAt > grant.grantedAt)
				this.#stale.push(`${describe(grant)} after ${describe(last)}`);
			this.#fences.set(cell, { token: grant.token, grant });
		}
	}

	// Files go on being locked on a machine that is out of touch, which it knows; branches and databases do not.
	#isAlone(grant: Grant, at: number): boolean {
		if (!grant.resource.startsWith("file:")) return false;
		if (grant.isLocalOnly && grant.grantedAt > at - tellingMs) return true;
		const links = this.#speakers.get(grant.session)?.links ?? [];
		const last = links.findLast((link) => link.at <= at);
		return last === undefined || last.state !== "connected" || last.at > at - tellingMs;
	}
}

function overlapOf(one: Grant, other: Grant): { readonly from: number; readonly to: number } | undefined {
	if (one.session === other.session) return undefined;
	const [a, b] = [resourceOf(one.resource), resourceOf(other.resource)];
	if (!covers(a, b) && !covers(b, a)) return undefined;
	const from = Math.max(one.writes[0]?.at ?? 0, other.writes[0]?.at ?? 0);
	const to = Math.min(one.writes.at(-1)?.at ?? 0, other.writes.at(-1)?.at ?? 0);
	return from < to ? { from, to } : undefined;
}

// Who was stopped between looking and writing is told by the resource.
function isFenced({ writes }: Grant, since: number): boolean {
	const late = writes.filter(({ at }) => at > since);
	return late.length <= 1 && late.every(({ isRefused }) => isRefused);
}

/** What a lock on a resource lets its holder write: a directory is what is in it. */
function cellsOf({ resource, machine, isLocalOnly }: Grant): string[] {
	const outer = resourceOf(resource);
	const leaves = contested.filter((each) => !each.endsWith("/") && covers(outer, resourceOf(each)));
	return leaves.map((leaf) => (isLocalOnly ? `${machine} ${leaf}` : leaf));
}

function describe({ session, resource, token, isLocalOnly, grantedAt }: Grant): string {
	return `${session} ${resource} #${token}${isLocalOnly ? " (local)" : ""} at ${Math.round(grantedAt % 1e6)}`;
}
