// What udo costs, beside what people would use instead, measured in the same run: npm run bench [-- PART…]
import { cpus } from "node:os";
import { measureConflicts } from "./conflicts.ts";
import { measureHooks, measureStart } from "./hooks.ts";
import { measureLanguageServers } from "./language-server.ts";
import { measureContention, measureEvents, measurePairs } from "./locks.ts";
import { measureMerges } from "./merge.ts";
import { measurePushes } from "./push.ts";
import {
	measureRedisContention,
	measureRedisEvents,
	measureRedisFlood,
	measureRedisHierarchy,
	measureRedisPairs,
	measureRedisSessions,
} from "./redis.ts";
import type { Part } from "./row.ts";

const parts: Readonly<Record<string, () => Promise<Part>>> = {
	pairs: measurePairs,
	contention: measureContention,
	events: measureEvents,
	hooks: measureHooks,
	start: measureStart,
	lsp: measureLanguageServers,
	conflicts: measureConflicts,
	merge: measureMerges,
	"push-8-near": measurePushes(8, 0, 3),
	"push-8-far": measurePushes(8, 200),
	"push-16-near": measurePushes(16, 0),
	"push-16-far": measurePushes(16, 200),
	"redis-pairs": measureRedisPairs,
	"redis-contention": measureRedisContention,
	"redis-hierarchy": measureRedisHierarchy,
	"redis-events": measureRedisEvents,
	"redis-sessions": measureRedisSessions,
	"redis-flood": measureRedisFlood,
};

/** Only when they are asked for. */
const longParts: Readonly<Record<string, () => Promise<Part>>> = {
	"redis-sessions-60": () => measureRedisSessions(60_000),
};

const wanted = process.argv.slice(2);
console.log(`node ${process.version}, ${process.platform}, ${cpus().length} cores`);
for (const [name, measure] of Object.entries({ ...parts, ...longParts })) {
	if (wanted.length > 0 ? !wanted.includes(name) : name in longParts) continue;
	const { title, rows } = await measure();
	console.log(`\n${title}`);
	const width = Math.max(...rows.map(({ what }) => what.length));
	for (const { what, measured, goal } of rows) {
		console.log(`  ${what.padEnd(width)}  ${measured}${goal === undefined ? "" : `   (goal: ${goal})`}`);
	}
}
