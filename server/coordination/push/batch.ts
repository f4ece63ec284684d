import type { Store } from "../../store/store.ts";
import type { RequestId } from "../lock.ts";
import type { ProjectId, SessionId } from "../session.ts";
import { queueOf, recordKey, ticketKey } from "./queue.ts";
import { parseRecord } from "./stored.ts";
import { parseTicket } from "./ticket.ts";

/**
 * Whose commits are in a push that is being tried right now, by the id each has on the remote. Empty for a push that is not
 * one of `udo push`: there one process pushes what many have handed in.
 */
export async function sessionsInPush(
	store: Store,
	project: ProjectId,
	tip: string,
): Promise<ReadonlyMap<string, SessionId>> {
	const whose = new Map<string, SessionId>();
	for (const { resource } of await store.locks(project)) {
		const queue = queueOf(resource);
		if (queue === undefined) continue;
		const { attempts } = parseRecord(await store.loadState(project, recordKey(queue)));
		const attempt = attempts.find((each) => each.tip === tip);
		for (const [request, outcome] of Object.entries(attempt?.outcomes ?? {})) {
			if (outcome.kind !== "landed") continue;
			const ticket = parseTicket(await store.loadState(project, ticketKey(request as RequestId)));
			if (ticket === undefined) continue;
			for (const { to } of outcome.commits) if (to !== undefined) whose.set(to, ticket.session);
		}
	}
	return whose;
}
