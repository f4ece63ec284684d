import { createInterface } from "node:readline";
import { readConfig } from "../../../server/config.ts";
import { onBackgroundFailure } from "../../../server/coordination/background.ts";
import { claim } from "../../../server/coordination/claim.ts";
import { Coordinator, thisProcess } from "../../../server/coordination/coordinator.ts";
import { startHeartbeat } from "../../../server/coordination/heartbeat.ts";
import { Lease } from "../../../server/coordination/lease.ts";
import { resourceOf } from "../../../server/coordination/resource.ts";
import type { ProjectId, SessionId } from "../../../server/coordination/session.ts";
import { StoreUnavailableError } from "../../../server/errors.ts";
import { openLocalStore } from "../../../server/store/local.ts";
import { openTeamStore } from "../../../server/store/tiered/open.ts";
import { randomOf } from "../../helpers/random.ts";
import type { FaultsWorkerOptions } from "./words.ts";

/*
 * One session on one machine of a team: node worker.mjs OPTIONS. It claims, writes and releases at random until it is told to
 * pause, and after a pause when it is told again; what it does it says as lines of JSON, `at` in ms of the clock that all share.
 */

const options = JSON.parse(process.argv[3] ?? "{}") as FaultsWorkerOptions;
const random = randomOf(options.seed);
const config = readConfig(
	{ ...options.environment, LOCK_DEFAULT_TTL: `${options.ttlMs / 1000}`, SESSION_TTL: "6", SESSION_HEARTBEAT: "1" },
	undefined,
);
if (config.redis === undefined) throw new Error("no Redis is named");
// What goes wrong behind the scenes is of interest unless it is the outage itself.
onBackgroundFailure((error) => {
	if (!(error instanceof StoreUnavailableError)) say("complained", { error: String(error) });
});
const store = openTeamStore({
	project: options.project as ProjectId,
	local: await openLocalStore({ directory: options.directory }),
	settings: config.redis,
	lockTtlMs: config.lockTtlMs,
	patienceMs: 800,
	terms: { ttlMs: config.sessionTtlMs, most: 1000 },
});
const coordinator = new Coordinator(store, config, {
	id: options.session as SessionId,
	project: options.project as ProjectId,
	kind: "term",
	actor: `${options.session}@example.org`,
	host: options.machine,
	process: thisProcess(),
	worktree: `/work/${options.machine}`,
	branch: "main",
});

let isPaused = false;
createInterface(process.stdin).on("line", () => {
	isPaused = !isPaused;
});
let state = "";
setInterval(() => {
	const link = store.link();
	const now = link.state === "connected" && link.recoveringMs > 0 ? "recovering" : link.state;
	if (now === state) return;
	state = now;
	say("link", { state, why: link.why });
}, 20);

await coordinator.arrive();
startHeartbeat(coordinator, () => say("returned", {}));
for (;;) {
	if (isPaused) {
		say("idle", {});
		while (isPaused) await sleep(10);
		say("resumed", {});
	}
	try {
		await turn();
	} catch (error) {
		if (!(error instanceof StoreUnavailableError)) throw error;
		say("unavailable", { message: error.message });
		await sleep(30);
	}
	await sleep(random() * 30);
}

async function turn(): Promise<void> {
	const key = options.resources[Math.floor(random() * options.resources.length)] ?? "";
	const claimed = await claim(coordinator, [resourceOf(key)], {
		waitMs: random() < 0.3 ? 0 : 800,
		owner: thisProcess(),
	});
	if (!claimed.ok) return;
	const { request, token, isLocalOnly } = claimed.granted;
	say("granted", { request, resource: key, token, isLocalOnly, sentAt: claimed.sentAt });
	const lease = new Lease(coordinator, claimed.granted, claimed.sentAt);
	lease.signal.addEventListener("abort", () => say("aborted", { request, why: String(lease.signal.reason) }));
	// Some hold on for longer than a lease.
	const holdMs = random() < 0.1 ? options.ttlMs * 2.5 : random() * 300;
	// As programs do: it looks whether it still has the lock, is busy for a while, and then writes.
	for (const end = now() + holdMs; now() < end && !lease.signal.aborted && !isPaused; ) {
		await sleep(15);
		say("wrote", { request });
	}
	say("ending", { request });
	await lease.release();
}

function sleep(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

function now(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}

function say(did: string, details: object): void {
	process.stdout.write(`${JSON.stringify({ did, at: now(), ...details })}\n`);
}
