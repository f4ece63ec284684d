import { expect, test } from "vitest";
import { killLeaders, killOthers, pushCrowd } from "../campaign/push.ts";
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

test(`in a crowd all that fits lands once and in order, and what conflicts is told so (UDO_SEED=${seed})`, async () => {
	const { wrong, figures } = await pushCrowd(4, 4, 0.2, seed);

	expect(wrong).toEqual([]);
	expect(figures["landed"]).toBeGreaterThan(8);
});
