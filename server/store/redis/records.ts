import {
	type Attempt,
	type Conflict,
	type ConflictId,
	type ConflictRecord,
	type ConflictTexts,
	keptTexts,
	type Settlement,
	type Side,
	sides,
} from "../../coordination/conflict.ts";
import { type Counters, counterNames } from "../../coordination/metrics.ts";
import type { Presence } from "../../coordination/presence.ts";
import type { ProjectId, SessionId } from "../../coordination/session.ts";
import type { PresenceEntry } from "../store.ts";

/** Conflicts as read-conflicts.lua tells them, oldest first. */
export function toConflicts([text, primary]: readonly [string, string]): Conflict[] {
	const raw = JSON.parse(text) as readonly {
		readonly id: ConflictId;
		readonly report: string;
		readonly age: number;
		readonly attempts?: readonly string[];
		readonly omitted?: Readonly<Partial<Record<Side, string>>>;
		readonly resolution?: string;
		readonly by?: string;
		readonly how?: Settlement;
	}[];
	const conflicts = raw.map(({ id, report, age, attempts, omitted, resolution, by, how }) => ({
		...(JSON.parse(report) as ConflictRecord),
		id,
		ageMs: Math.max(0, age),
		attempts: (attempts ?? []).map((attempt) => JSON.parse(attempt) as Attempt),
		omitted: sides.flatMap((side) => (omitted?.[side] === undefined ? [] : [{ side, bytes: Number(omitted[side]) }])),
		assignee: resolution === undefined && primary !== "" ? (primary as SessionId) : undefined,
		resolution,
		resolvedBy: by === undefined || by === "" ? undefined : (by as SessionId),
		how: how ?? (resolution === undefined ? undefined : ("manual" as const)),
	}));
	return conflicts.sort((a, b) => b.ageMs - a.ageMs || (a.id < b.id ? -1 : 1));
}

/** Texts as texts.lua takes them. */
export function textArguments(texts: ConflictTexts | undefined): (string | Uint8Array)[] {
	return keptTexts(texts).flatMap(({ side, bytes, length }) => [
		side,
		bytes ?? "",
		bytes === undefined ? String(length) : "",
	]);
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
