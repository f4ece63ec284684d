import type { ConflictReport } from "../../coordination/conflict.ts";
import { showDuration, showText } from "../../coordination/describe.ts";
import type { Blocker } from "../../coordination/lock.ts";
import { describeResource, type Resource, resourceKey } from "../../coordination/resource.ts";
import type { Session } from "../../coordination/session.ts";
import { resourceWords } from "../../shell-word.ts";
import type { Ending, Held } from "../local/ledger.ts";
import type { RedisStore } from "../redis.ts";

/** The text of a file in a session's working tree and the one it is based on, as far as there are any. */
export type TextsOf = (
	session: Session,
	path: string,
) => Promise<{ readonly ours?: Uint8Array; readonly base?: Uint8Array }>;

export interface Divergence {
	readonly report: ConflictReport;
	/** How it ends here. */
	readonly ending: Ending;
}

/**
 * A lock that stood on this machine alone, while the team gave the same to somebody else: who had it on either side, since when
 * and with which token, and for a file the text here and what it is based on.
 */
export async function describeDivergence(
	{ remote, textsOf }: { readonly remote: RedisStore; readonly textsOf: TextsOf | undefined },
	held: Held,
	blocker: Blocker | undefined,
	session: Session | undefined,
): Promise<Divergence> {
	const { project } = held;
	const resource = clashingOne(held.resources, blocker?.resource);
	const name = showText(describeResource(resource), 120);
	const theirs = (await remote.locks(project)).find((lock) => lock.session === blocker?.session);
	const ours = `${who(held.session, session)} with token ${held.token}`;
	const whose = blocker === undefined ? "somebody else" : who(blocker.session, blocker);
	const since = blocker === undefined ? "" : ` for ${showDuration(blocker.ageMs)}`;
	const token = theirs === undefined ? "" : ` with token ${theirs.token}`;
	const texts = session !== undefined && resource.kind === "file" && !resource.id.endsWith("/");
	return {
		report: {
			project,
			type: "state_divergence",
			resource: resourceKey(resource),
			sessions: [held.session, ...(blocker === undefined ? [] : [blocker.session])],
			cause: `divergence ${resourceKey(resource)} ${held.request}`,
			summary: `${name}: while Redis was away it was held by ${ours}, and for the team by ${whose}${since}${token}`,
			next: `udo lock --wait ${resourceWords(resource)}`,
			...(texts && textsOf !== undefined && { blobs: await textsOf(session, resource.id) }),
		},
		ending: {
			cause: "diverged",
			...(blocker && { by: blocker.session }),
			reason: `the team had given it to ${whose} when Redis was back`,
		},
	};
}

function clashingOne(resources: readonly Resource[], theirs: Resource | undefined): Resource {
	const same = resources.find(({ kind, id }) => kind === theirs?.kind && id === theirs.id);
	return same ?? resources.find(({ kind }) => kind === theirs?.kind) ?? resources[0] ?? { kind: "project", id: "" };
}

function who(id: string, known: { readonly actor: string; readonly host: string } | undefined): string {
	const name = showText(id, 64);
	return known === undefined ? name : `${showText(known.actor, 60)} (${name}) on ${showText(known.host, 60)}`;
}
