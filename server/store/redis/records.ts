import type { Conflict, ConflictId, ConflictReport } from "../../coordination/conflict.ts";
import { type Counters, counterNames } from "../../coordination/metrics.ts";
import type { Presence } from "../../coordination/presence.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { PresenceEntry } from "../store.ts";

/** Conflicts as read-conflicts.lua tells them, oldest first. */
export function toConflicts(text: string): Conflict[] {
	const raw = JSON.parse(text) as readonly {
		readonly id: ConflictId;
		readonly report: string;
		readonly age: number;
		readonly resolution?: string;
		readonly by?: string;
	}[];
	const conflicts = raw.map(({ id, report, age, resolution, by }) => ({
		...(JSON.parse(report) as Omit<ConflictReport, "blobs">),
		id,
		ageMs: Math.max(0, age),
		resolution,
		resolvedBy: by === undefined || by === "" ? undefined : (by as SessionId),
	}));
	return conflicts.sort((a, b) => b.ageMs - a.ageMs || (a.id < b.id ? -1 : 1));
}

/** Presence as read-presence.lua tells it, by session and path. */
export function toPresence(project: ProjectId, [now, ...fields]: readonly [number, ...string[]]): Presence[] {
	const found: Presence[] = [];
	for (let index = 0; index < fields.length; index += 2) {
		const session = fields[index] as SessionId;
		const text = fields[index + 1] ?? "";
		const space = text.indexOf(" ");
		const ageMs = now - Number(text.slice(0, space));
		for (const { path, unsaved, line } of JSON.parse(text.slice(space + 1)) as PresenceEntry[]) {
			found.push({ project, session, path, unsaved, line, ageMs });
		}
	}
	return found.sort((a, b) => (`${a.session} ${a.path}` < `${b.session} ${b.path}` ? -1 : 1));
}

/** The sums of several HGETALL answers, lists of names and values. */
export function totalCounters(hashes: readonly unknown[]): Counters {
	const total = Object.fromEntries(counterNames.map((name) => [name, 0]));
	for (const hash of hashes) {
		const pairs = Array.isArray(hash) ? pairsOf(hash) : Object.entries(hash as Record<string, string>);
		for (const [name, value] of pairs) if (Object.hasOwn(total, name)) total[name] = (total[name] ?? 0) + Number(value);
	}
	return total;
}

function pairsOf(list: readonly unknown[]): [string, string][] {
	return list.flatMap((name, index) => (index % 2 === 0 ? [[String(name), String(list[index + 1])]] : [])) as [
		string,
		string,
	][];
}
