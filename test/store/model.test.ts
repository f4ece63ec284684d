import { describe, expect, test } from "vitest";
import { compareWithModel } from "../campaign/model.ts";
import { seedOfThisRun } from "../helpers/random.ts";
import { stores } from "../helpers/store.ts";

const seed = seedOfThisRun();

describe.each(stores)("the $name store", (harness) => {
	test(`goes as the model says, whatever the history (UDO_SEED=${seed})`, async () => {
		const { wrong, figures } = await compareWithModel(harness, 10_000, seed);

		expect(wrong).toEqual([]);
		expect(figures["steps"]).toBeGreaterThanOrEqual(10_000);
	}, 240_000);
});
