import {
	type EventBody,
	type EventQuery,
	eventTypes,
	type NewestQuery,
	type UdoEvent,
} from "../../coordination/event.ts";
import type { ProjectId } from "../../coordination/session.ts";
import type { RedisConnection } from "./connection.ts";

const pageSize = 1000;

/** Reads a project's log, oldest first. Its entries are numbered 0-1, 0-2, … */
export function readEvents(connection: RedisConnection, query: EventQuery): Promise<UdoEvent[]> {
	return read(connection, "xrange", query, `(0-${Math.floor(query.after)}`, "+");
}

/** Reads a project's log, newest first. */
export function readNewestEvents(connection: RedisConnection, query: NewestQuery): Promise<UdoEvent[]> {
	return read(connection, "xrevrange", query, query.before === undefined ? "+" : `(0-${query.before}`, "-");
}

export async function lastEvent(connection: RedisConnection, project: ProjectId): Promise<number> {
	const [newest] = await entries(connection, "xrevrange", project, "+", "-", 1);
	return newest === undefined ? 0 : numberOf(newest);
}

type Entry = readonly [string, readonly string[]];

// What is asked for may be rare: page after page until there is enough or no more.
async function read(
	connection: RedisConnection,
	command: "xrange" | "xrevrange",
	{ project, limit, types, session }: Omit<EventQuery, "after">,
	start: string,
	end: string,
): Promise<UdoEvent[]> {
	const found: UdoEvent[] = [];
	const isWanted = (event: UdoEvent) =>
		(types === undefined || types.includes(event.type)) && (session === undefined || event.session === session);
	for (let from = start; found.length < limit; ) {
		const isFiltered = types !== undefined || session !== undefined;
		const most = isFiltered ? pageSize : Math.min(pageSize, limit - found.length);
		const page = await entries(connection, command, project, from, end, most);
		const events = page.flatMap((entry) => toEvent(project, entry)).filter(isWanted);
		found.push(...events.slice(0, limit - found.length));
		const last = page.at(-1);
		if (last === undefined || page.length < most) break;
		from = `(${last[0]}`;
	}
	return found;
}

async function entries(
	connection: RedisConnection,
	command: "xrange" | "xrevrange",
	project: ProjectId,
	from: string,
	to: string,
	most: number,
): Promise<readonly Entry[]> {
	if (from === "(0-0") from = "-";
	return (await connection.command(command, `udo:project:{${project}}:events`, from, to, "COUNT", most)) as Entry[];
}

// In the order in which lua/log.lua writes the fields. What udo did not write is passed over.
function toEvent(project: ProjectId, entry: Entry): UdoEvent[] {
	const [, [, type = "", , at = "", , session = "", , actor = "", , text = ""]] = entry;
	const body = bodyOf(text);
	if (body === undefined || !(eventTypes as readonly string[]).includes(type)) return [];
	return [
		{
			...({ type, ...body } as EventBody),
			seq: numberOf(entry),
			at: Number(at),
			project,
			session: session === "" ? undefined : (session as UdoEvent["session"]),
			actor: actor === "" ? undefined : actor,
		},
	];
}

function bodyOf(text: string): object | undefined {
	try {
		const body: unknown = JSON.parse(text);
		return typeof body === "object" && body !== null ? body : undefined;
	} catch {
		return undefined;
	}
}

function numberOf([id]: Entry): number {
	return Number(id.slice(id.indexOf("-") + 1));
}
