import type { PushQueue } from "./queue.ts";
import type { PushRecord } from "./stored.ts";

// So that whoever comes after a great crash is not kept from pushing.
const mostAtOnce = 50;

/**
 * Forgets the tickets of those who died in the line, or while they led it. Answers what they left on the remote. Whoever still
 * may be told an outcome is spared, and who left the line alive forgets its own.
 */
export async function sweepLeftovers(queue: PushQueue, record: PushRecord): Promise<readonly string[]> {
	const noted = await queue.noted();
	const inLine = new Set((await queue.line()).map(({ request }) => request));
	const isOpen = new Set(record.attempts.flatMap(({ outcomes }) => Object.keys(outcomes)));
	const gone = [...new Set([...noted, ...record.taken])].filter(
		(request) => !inLine.has(request) && !isOpen.has(request),
	);
	const swept = gone.slice(0, mostAtOnce);
	const parked: string[] = [];
	for (const request of swept) {
		const ticket = await queue.ticket(request);
		if (ticket === undefined) continue;
		if (ticket.parked !== undefined) parked.push(ticket.parked);
		await queue.forgetTicket(request);
	}
	const left = noted.filter((request) => !swept.includes(request));
	if (left.length < noted.length) await queue.saveNoted(left);
	return parked;
}
