import { expect, test } from "vitest";
import { pushCrowd } from "../campaign/push/crowd.ts";
import { killLeaders, killOthers, killUnreaped } from "../campaign/push/push.ts";
import { stopLeaders, stopWaiters } from "../campaign/push/stops.ts";
import { seedOfThisRun } from "../helpers/random.ts";
import { moments } from "./clones.ts";

// A small dose of what `npm run campaign -- push` does in full.
const seed = seedOfThisRun();

test.each(moments)("a leader that is killed at %s loses nothing, doubles nothing and stops nobody", async (moment) => {
	const { wrong } = await killLeaders(1, [moment]);

	expect(wrong).toEqual([]);
});

test("a killed waiter and a killed git push lose nothing, double nothing and stop nobody", async () => {
	const { wrong } = await killOthers(1);

	expect(wrong).toEqual([]);
});

test("a killed leader whom its parent leaves as a zombie is dead all the same", async () => {
	const { wrong } = await killUnreaped(1);

	expect(wrong).toEqual([]);
});

test("a leader that is stopped is passed over, and lands behind the others when it goes on", async () => {
	const { wrong } = await stopLeaders(1, [{ moment: "push", reach: "group" }]);

	expect(wrong).toEqual([]);
});

test("a waiter that is stopped has its commits landed by the others, and is told so when it goes on", async () => {
	const { wrong } = await stopWaiters(1, [[]]);

	expect(wrong).toEqual([]);
});

test(`in a crowd all that fits lands once and in order, and what conflicts is told so (UDO_SEED=${seed})`, async () => {
	const { wrong, figures } = await pushCrowd(4, 4, 0.25, seed);

	expect(wrong).toEqual([]);
	expect(figures).toMatchObject({ landed: 12, evicted: 4 });
});
