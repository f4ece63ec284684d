import type { Acquired, AcquireRequest, RequestId } from "../../coordination/lock.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import { ticketLeaseMs } from "../store.ts";
import { acquireArguments, type HeldReply, type SeenRequest, stolenFrom, toAcquired, toRefusal } from "./replies.ts";
import type { ScriptName } from "./scripts.ts";

/** Runs a script for a project, all exclusive requests being settled. */
export type RunStep = (script: ScriptName, project: ProjectId, args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Exclusive requests, whose reach is every project of the store. Projects live in different slots of a cluster, so no single
 * step can see to all: such a request has a part in every project, which waits in that project's queue and is held like a lock
 * there. It is granted in its own project last, when every other part is held. Its own project is the truth; parts that do not
 * fit it, because somebody died half-way, are put right by whoever comes next: while there is one, every step settles first.
 */
export class Exclusives {
	readonly #run: RunStep;
	readonly #projects: () => Promise<readonly ProjectId[]>;

	constructor(run: RunStep, projects: () => Promise<readonly ProjectId[]>) {
		this.#run = run;
		this.#projects = projects;
	}

	/** Lets go what has expired in all projects, makes the parts fit, and serves the queues of all. */
	async settle(): Promise<void> {
		const projects = await this.#projects();
		const known = await this.#mend(projects);
		const skipped = new Set<RequestId>();
		let isPromoted = false;
		for (const project of projects) {
			for (;;) {
				const candidate = (await this.#run("serve", project, ["", ...skipped])) as RequestId | "";
				if (candidate === "") break;
				const wanted = known.find(({ request }) => request === candidate);
				if (wanted !== undefined && (await this.#promote(wanted, projects, skipped))) isPromoted = true;
				else skipped.add(candidate);
			}
		}
		if (isPromoted) await this.#mend(projects);
	}

	/** See Store.acquire, for a request that contains everything. */
	async acquire(wanted: AcquireRequest): Promise<Acquired> {
		await this.settle();
		const asked = await this.#ask(wanted, "ask");
		if (asked !== "free" && (asked.ok || asked.reason !== "held")) {
			await this.settle();
			return asked;
		}
		if (wanted.steal !== undefined) return this.#steal(wanted, wanted.steal.reason);

		const { isFree, refusal } = await this.#standing(wanted);
		if (!isFree && !wanted.queue) return refusal;
		await this.#ask(wanted, "wait");
		await this.settle();
		const answer = await this.#ask(wanted, "");
		await this.settle();
		if (answer === "free") throw new Error("an acquire was not decided");
		if (answer.ok || answer.reason !== "held") return answer;
		if (wanted.queue) return (await this.#standing(wanted)).refusal;
		// Somebody was quicker, after all.
		await this.#run("cancel", wanted.project, [wanted.request, "cancelled"]);
		await this.settle();
		return { ...answer, queued: false };
	}

	/** Ends, in their own projects, exclusive requests whose part was stolen in another one. */
	async endStolen(stolen: ReturnType<typeof stolenFrom>, by: SessionId, reason: string): Promise<void> {
		for (const { home, request } of stolen) await this.#run("release", home, [request, "stolen", by, reason]);
	}

	async #ask(wanted: AcquireRequest, how: "" | "ask" | "wait"): Promise<Acquired | "free"> {
		return toAcquired(wanted, await this.#run("acquire", wanted.project, acquireArguments(wanted, { how })));
	}

	async #steal(wanted: AcquireRequest, reason: string): Promise<Acquired> {
		const others = await this.#others(wanted.project);
		const victims = (await this.#standing(wanted)).refusal.blockers
			.filter(({ what, project }) => what === "lock" && project !== wanted.project)
			.map(({ session }) => session);
		const args = acquireArguments(wanted, { victims: [...new Set(victims)] });
		const reply = await this.#run("acquire", wanted.project, args);
		await this.endStolen(stolenFrom(reply), wanted.session, reason);
		const granted = (await this.#read([wanted.project])).find(({ request }) => request === wanted.request);
		for (const project of others) {
			if (granted === undefined) break;
			const [, foreign] = await this.#part(project, "steal", granted, reason);
			await this.endStolen(JSON.parse(foreign), wanted.session, reason);
		}
		await this.settle();
		const answer = toAcquired(wanted, reply);
		if (answer === "free") throw new Error("a steal was not decided");
		return answer;
	}

	/** What stands against a request in all projects together. */
	async #standing(wanted: AcquireRequest): Promise<{ isFree: boolean; refusal: ReturnType<typeof toRefusal> }> {
		const atHome = await this.#run("acquire", wanted.project, acquireArguments(wanted, { how: "ask" }));
		const [, text] = atHome as [number, string];
		const replies = [JSON.parse(text) as HeldReply & { readonly reason: string }].filter(
			({ reason }) => reason === "held",
		);
		for (const project of await this.#others(wanted.project)) {
			const [isFree, held] = await this.#standingIn(project, wanted);
			if (isFree === 0) replies.push(JSON.parse(held));
		}
		// A waiter that wants everything stands in all of them, but is counted once.
		const ahead = replies.reduce((sum, { own }) => sum + own, 0);
		return { isFree: replies.length === 0, refusal: toRefusal(replies, ahead, wanted.queue) };
	}

	// The parts first, so that nothing is granted that they do not hold.
	async #promote(wanted: Part, projects: readonly ProjectId[], skipped: ReadonlySet<RequestId>): Promise<boolean> {
		const others = projects.filter((project) => project !== wanted.home);
		// Who came before it, anywhere, is served before it.
		for (const project of projects) await this.#run("serve", project, [wanted.request, ...skipped]);
		if ((await this.#run("promote", wanted.home, [wanted.request, 0, "ask"])) !== 1) return false;
		let floor = wanted.fence;
		for (const project of others) {
			const [isFree, , fence] = await this.#standingIn(project, {
				request: wanted.request,
				session: wanted.record.session,
			});
			if (isFree === 0) return false;
			floor = Math.max(floor, fence);
		}
		const part = {
			...wanted,
			age: 0,
			left: ticketLeaseMs,
			record: { ...wanted.record, tokens: wanted.record.resources.map(() => floor + 1) },
		};
		const held: ProjectId[] = [];
		for (const project of others) {
			if ((await this.#part(project, "hold", part))[0] === 0) break;
			held.push(project);
		}
		const isHeld = held.length === others.length;
		if (isHeld && (await this.#run("promote", wanted.home, [wanted.request, floor, ""])) === 1) return true;
		for (const project of held) await this.#part(project, "wait", wanted);
		return false;
	}

	// A part that holds while its request still waits is left alone: somebody is just promoting it, or its short lease ends.
	async #mend(projects: readonly ProjectId[]): Promise<readonly Part[]> {
		const parts = await this.#read(projects);
		const known = parts.filter(({ home, project }) => home === project);
		for (const each of parts) {
			const isOrphan = each.home !== each.project && !known.some(({ request }) => request === each.request);
			if (isOrphan) await this.#run("part", each.project, [each.request, "drop", "", ""]);
		}
		for (const wanted of known) {
			for (const project of projects.filter((each) => each !== wanted.home)) {
				const part = parts.find((each) => each.request === wanted.request && each.project === project);
				if (part === undefined) await this.#part(project, "wait", wanted);
				if (wanted.record.tokens !== undefined && !isSame(part, wanted)) await this.#part(project, "hold", wanted);
				else if (part !== undefined && part.record.tokens === undefined && part.left !== wanted.left) {
					await this.#part(project, "wait", wanted);
				}
			}
		}
		return known;
	}

	async #read(projects: readonly ProjectId[]): Promise<readonly Part[]> {
		const parts: Part[] = [];
		for (const project of projects) {
			const [fence, text] = (await this.#run("readExclusives", project, [])) as [number, string];
			parts.push(
				...(JSON.parse(text) as Omit<Part, "project" | "fence">[]).map((part) => ({ ...part, project, fence })),
			);
		}
		return parts;
	}

	async #part(
		project: ProjectId,
		what: "wait" | "hold" | "steal",
		{ home, request, record, age, left, who }: Part,
		reason = "",
	) {
		const { session, origin, owner, ttl, tokens, resources: asked } = record;
		const token = tokens?.[asked.indexOf("exclusive:")] ?? 0;
		const text = JSON.stringify({ session, origin, owner, ttl, asked, home, who, age, left, token });
		return (await this.#run("part", project, [request, what, text, reason])) as [number, string, string];
	}

	async #standingIn(project: ProjectId, { request, session }: Pick<AcquireRequest, "request" | "session">) {
		return (await this.#run("standExclusive", project, [request, session])) as [number, string, number];
	}

	async #others(home: ProjectId): Promise<readonly ProjectId[]> {
		return (await this.#projects()).filter((project) => project !== home);
	}
}

/** An exclusive request as one project knows it. */
interface Part extends Omit<SeenRequest, "ticket"> {
	readonly project: ProjectId;
	readonly home: ProjectId;
	readonly fence: number;
	/** Its session, JSON. */
	readonly who: string;
}

function isSame(part: Part | undefined, { record, age, left }: Part): boolean {
	const token = record.tokens?.[record.resources.indexOf("exclusive:")];
	return part?.age === age && part.left === left && part.record.tokens?.[0] === token;
}
