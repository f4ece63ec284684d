import { expect, test } from "vitest";
import { hostileCampaign } from "../campaign/hostile/hostile.ts";
import { seedOfThisRun } from "../helpers/random.ts";

// Some eighty processes, one after the other; on a busy machine that takes a while.
const patienceMs = 240_000;

// A small dose of what `npm run campaign -- hostile` does with a thousand.
const seed = seedOfThisRun();

test(`hostile names pass every hook and command as names (UDO_SEED=${seed})`, { timeout: patienceMs }, async () => {
	const { wrong, figures } = await hostileCampaign(30, seed);

	expect(wrong).toEqual([]);
	expect(figures["refused"]).toBeGreaterThan(0);
});
