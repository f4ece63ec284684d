import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { inspectRedis } from "../../cli/doctor/redis.ts";
import { readConfig } from "../../server/config.ts";
import type { ConflictReport } from "../../server/coordination/conflict.ts";
import type { SessionId } from "../../server/coordination/session.ts";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { neededCommands } from "../../server/store/redis/rights.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import { openRedisStore } from "../../server/store/redis.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { arrive, branch, everything, file, project, queueUp, take, wholeProject } from "../helpers/request.ts";
import { until } from "../helpers/until.ts";

const root = join(import.meta.dirname, "..", "..");

const sent = /\.command(?:Buffer)?\(\s*"(\w+)"/g;

test("the README names every command that a Redis user of udo's needs, and the store keeps to them", () => {
	const line = /ACL SETUSER udo on .*/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[0] ?? "";
	const documented = [...line.matchAll(/ \+(\w+)/g)].map(([, command]) => command);
	const called = [...calls("server/store/redis/lua", /call\(\s*['"](\w+)['"]/g), ...calls("server/store/redis", sent)];

	expect(documented).toEqual(neededCommands);
	expect([...new Set(called)].filter((command) => !new Set<string>(neededCommands).has(command))).toEqual([]);
	expect(called.length).toBeGreaterThan(20);
});

test.skipIf(!hasRedis)("with these rights a store can do everything, and Redis never refuses anything", async () => {
	const rights = /ACL SETUSER udo on '>PASSWORD' (.*)/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] ?? "";
	const server = await RedisServer.start({ tcp: true, users: [`udo on >pw ${rights.replaceAll("'", "")}`] });
	onTestFinished(() => server[Symbol.asyncDispose]());
	const { redis } = readConfig(
		{
			REDIS_HOST: server.host,
			REDIS_PORT: `${server.port}`,
			REDIS_DB: "1",
			REDIS_USERNAME: "udo",
			REDIS_PASSWORD: "pw",
		},
		undefined,
	);
	if (redis === undefined) throw new Error("no Redis in the settings");
	const store = openRedisStore(RedisConnection.open(redis, { scripts }), { leaseMs: 300_000 });
	onTestFinished(() => store[Symbol.asyncDispose]());
	const [alice, bob] = ["alice" as SessionId, "bob" as SessionId];
	const from = { session: alice, actor: "alice" };
	let rings = 0;
	store.onChange(() => {
		rings += 1;
	});

	await arrive(store, [alice, bob]);
	await store.beat([alice, bob], 60_000);
	const held = await take(store, alice, [file("src/"), branch("main")]);
	const waiting = await queueUp(store, bob, file("src/a.ts"));
	store.onRequestChange(project, waiting.request, () => {});
	await store.renew(project, held.request);
	await store.renewClaims(project, alice);
	await store.release(project, held.request, "released");
	expect(await store.peek(project, waiting.request)).toBe("granted");
	await store.cancel(project, waiting.request, "cancelled");
	for (const resource of [wholeProject, everything]) {
		await take(store, alice, resource);
		const behind = await queueUp(store, bob, file("b"));
		await store.releaseClaims(project, alice);
		await store.cancel(project, behind.request, "cancelled");
	}
	const { id } = await store.reportConflict(report(alice, bob), from);
	expect(await store.conflictBlob(project, id, "ours")).toEqual(Buffer.from("ours"));
	await store.resolveConflict(project, id, "manual", from);
	await store.append(project, from, { type: "session_connected", kind: "term", host: "here", worktree: "/" });
	await store.setPresence(project, alice, [{ path: "a", unsaved: true, line: 1 }]);
	await store.saveState(project, "a", "text");
	expect(await store.loadState(project, "a")).toBe("text");
	await store.saveState(project, "a", undefined);
	await store.count({ udo_hook_runs_total: 1 });
	await Promise.all([store.counters(), store.sessions(), store.locks(project), store.waiters(project)]);
	await Promise.all([store.conflicts(project, "all"), store.presence(project), store.lastEvent(project)]);
	await store.events({ project, after: 0, limit: 10 });
	await store.newestEvents({ project, limit: 10 });
	await store.closeSessions([alice, bob], "closed");

	await until(() => rings > 0);
	expect((await inspectRedis(redis, project)).map(({ level }) => level)).not.toContain("failure");
	const refused = ((await server.command("ACL", "LOG")) as string[][]).map((entry) => entry.join(" "));
	expect(refused.filter((entry) => !/ object config(\|get)? /.test(entry))).toEqual([]);
});

// The commands in the texts of a folder.
function calls(folder: string, pattern: RegExp): readonly string[] {
	return readdirSync(join(root, folder), { withFileTypes: true })
		.filter((entry) => entry.isFile())
		.flatMap(({ name }) => [...readFileSync(join(root, folder, name), "utf8").matchAll(pattern)])
		.map(([, command = ""]) => command.toLowerCase());
}

function report(...sessions: readonly SessionId[]): ConflictReport {
	return {
		...{ project, sessions, type: "file_edit", resource: "file:a" as ConflictReport["resource"], cause: "c" },
		...{ summary: "both changed a", next: "udo merge", blobs: { ours: Buffer.from("ours"), theirs: Buffer.from("t") } },
	};
}
