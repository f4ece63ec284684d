import { expect, test } from "vitest";
import { killHoldersAndWaiters, killInTheMiddle } from "../campaign/kill.ts";
import { openTogether } from "../campaign/opening.ts";
import { randomTraffic } from "../campaign/traffic.ts";
import { seedOfThisRun } from "../helpers/random.ts";

// A small dose of what `npm run campaign` does in full.
const seed = seedOfThisRun();

test("processes that open a new store at the same instant all get in", async () => {
	const { wrong } = await openTogether(8);

	expect(wrong).toEqual([]);
});

test("killed holders and waiters leave nothing behind, and survivors keep what they have", async () => {
	const { wrong } = await killHoldersAndWaiters(6);

	expect(wrong).toEqual([]);
});

test("a process killed in the middle of a step breaks nothing", async () => {
	const { wrong } = await killInTheMiddle(10);

	expect(wrong).toEqual([]);
});

test(`random traffic of several processes never breaks a rule (UDO_SEED=${seed})`, async () => {
	const { wrong, figures } = await randomTraffic(3, 2_000, seed);

	expect(wrong).toEqual([]);
	expect(figures["grants"]).toBeGreaterThan(0);
});
