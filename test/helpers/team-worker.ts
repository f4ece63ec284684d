import { readConfig } from "../../server/config.ts";
import { machineClock } from "../../server/coordination/clock.ts";
import { Coordinator, thisProcess } from "../../server/coordination/coordinator.ts";
import { Lease } from "../../server/coordination/lease.ts";
import type { Resource } from "../../server/coordination/resource.ts";
import { entryOf } from "./request.ts";
import type { Machine } from "./team.ts";
import { openTeamStore } from "./team-store.ts";

/** What such a process is told: whose machine it is on, and what it holds there. */
export interface HoldOptions extends Pick<Machine, "host" | "directory" | "socket"> {
	readonly session: string;
	readonly resources: readonly Resource[];
	readonly ttlMs: number;
}

// A process of a machine that holds something until it is killed, and says `holds` with its token, `renewed` and `lost`.
const { host, directory, socket, session, resources, ttlMs } = JSON.parse(process.argv[3] ?? "") as HoldOptions;
const say = (did: string, about: object = {}) => process.stdout.write(`${JSON.stringify({ did, ...about })}\n`);
const store = await openTeamStore({ directory, socket });
// Its processes cannot be looked at from the other machines of the team, which in truth are the same one.
const itself = { ...thisProcess(), boot: `boot of ${host}` };
const coordinator = new Coordinator(store, readConfig({}, undefined), entryOf(session, { host, process: itself }));
await coordinator.arrive();
const sentAt = machineClock.now();
const answer = await coordinator.acquire(resources, { ttlMs, owner: itself });
if (!answer.ok) throw new Error(`not granted: ${JSON.stringify(answer)}`);
const lease = new Lease(coordinator, answer, sentAt);
lease.signal.addEventListener("abort", () => say("lost", { at: machineClock.now() }));
say("holds", { token: answer.token, until: sentAt + ttlMs });
setInterval(() => {}, 1 << 30);
