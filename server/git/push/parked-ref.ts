import { randomUUID } from "node:crypto";

// Longer than anybody stands in line, and clocks of a team's machines are not further apart.
const abandonedMs = 3_600_000;
const mostAtOnce = 50;

/** A ref under which commits wait on the remote; it says since when. */
export function newParkedRef(now: number): string {
	return `refs/udo/queue/${now.toString(16)}-${randomUUID()}`;
}

/** Those of the refs that `git ls-remote` listed that nobody waits for any more: their owners died. The oldest first, not all at once. */
export function abandonedRefs(listed: string, now: number): readonly string[] {
	const old: { readonly ref: string; readonly since: number }[] = [];
	for (const [, ref, since] of listed.matchAll(/\t(refs\/udo\/queue\/([0-9a-f]{11,12})-[0-9a-f-]{36})$/gm)) {
		if (ref !== undefined && since !== undefined) old.push({ ref, since: Number.parseInt(since, 16) });
	}
	return old
		.filter(({ since }) => now - since > abandonedMs)
		.sort((one, other) => one.since - other.since)
		.slice(0, mostAtOnce)
		.map(({ ref }) => ref);
}
