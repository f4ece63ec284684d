import { describe, expect, test } from "vitest";
import { RedisConnection } from "../../server/store/redis/connection.ts";
import { scripts } from "../../server/store/redis/scripts.ts";
import { openRedisStore, type RedisStore } from "../../server/store/redis.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { settingsOf } from "../helpers/redis-store.ts";
import { arrive, coordinatorOf, file, project, queueUp, requestOf, take } from "../helpers/request.ts";
import { SteppedClock } from "../helpers/stepped-clock.ts";

const key = (name: string) => `udo:project:{${project}}:${name}`;

describe.skipIf(!hasRedis)("a Redis in which somebody else has written", () => {
	test("still tells the sessions and events that are udo's", async () => {
		await using place = await open();
		await arrive(place.store, ["term_a"]);
		for (const [id, text] of [
			["null", "null"],
			["text", "not json"],
			["empty", "{}"],
		] as const) {
			await place.server.command("HSET", key("sessions"), id, text);
			await place.server.command("ZADD", key("arrivals"), "9", id);
		}
		await place.server.command("XADD", key("events"), "0-*", "type", "lock_acquired", "at", "x", "body", "not json");

		expect((await place.store.sessions(project)).map(({ id }) => id)).toEqual(["term_a"]);
		const events = await place.store.events({ project, after: 0, limit: 10 });
		expect(events.map(({ type }) => type)).toEqual(["session_connected"]);
	});

	test("does not make anybody ask for ever", async () => {
		await using place = await open();
		const ann = await coordinatorOf(place.store, "term_a");
		await place.server.command("DEL", key("actors"));
		await place.server.command("ZADD", key("due"), "1", "s:ghost");
		await place.server.command("SET", key("next"), "1");

		const answer = await ann.acquire([file("a.ts")]);

		expect(answer.ok).toBe(true);
		expect(await place.server.command("ZSCORE", key("due"), "s:ghost")).toBeNull();
	});

	test("names no holder of a lock that no request stands on, and a steal takes it", async () => {
		await using place = await open();
		await arrive(place.store, ["term_a"]);
		await place.server.command("SET", `udo:lock:file:{${project}}/a.ts`, "somebody\nnothing");

		const refused = await place.store.acquire(requestOf("term_a", file("a.ts")));

		expect(refused).toMatchObject({ ok: false, reason: "held", blockers: [] });
		await take(place.store, "term_a", file("a.ts"), { steal: { reason: "nobody has it" } });
	});
});

describe.skipIf(!hasRedis)("a Redis that was restarted", () => {
	test("serves who waits as soon as it may grant again, and lets nobody steal before", async () => {
		await using place = await open({ leaseMs: 5000 });
		await arrive(place.store, ["term_a", "term_b"]);
		const held = await take(place.store, "term_a", file("a.ts"));
		const waiting = await queueUp(place.store, "term_b", file("a.ts"));
		await place.server.command("SET", key("boot"), `id another-run 0`);
		await place.store.rejoin(project);

		await place.store.release(project, held.request, "released");
		const stolen = await place.store.acquire(requestOf("term_a", file("b.ts"), { steal: { reason: "now" } }));
		expect(stolen).toMatchObject({ ok: false, reason: "recovering" });
		expect(await place.store.peek(project, waiting.request)).toBe("waiting");
		place.clock.advance(5000);

		expect(await place.store.peek(project, waiting.request)).toBe("granted");
	});
});

describe.skipIf(!hasRedis)("a Redis that was emptied", () => {
	test("recovers for one lease, however many come one after another who knew what it had", async () => {
		await using place = await open({ leaseMs: 5000 });
		const others = [1, 2].map(() => place.connect());
		for (const store of [place.store, ...others]) await store.sessions(project);
		await place.server.command("FLUSHALL");

		expect(await place.store.rejoin(project)).toMatchObject({ recoveringMs: 5000 });
		place.clock.advance(3000);
		for (const store of others) expect(await store.rejoin(project)).toMatchObject({ recoveringMs: 2000 });
	});
});

async function open({ leaseMs = 300_000 } = {}) {
	const server = await RedisServer.start();
	const clock = new SteppedClock();
	const topology = { kind: "standalone", address: { kind: "unix", path: server.socket } } as const;
	const stores: RedisStore[] = [];
	const connect = () => {
		const store = openRedisStore(RedisConnection.open(settingsOf(topology), { scripts }), { leaseMs, clock });
		stores.push(store);
		return store;
	};
	return {
		server,
		store: connect(),
		connect,
		clock,
		async [Symbol.asyncDispose]() {
			for (const store of stores) await store[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		},
	};
}
