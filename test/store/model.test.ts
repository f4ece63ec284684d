import fc from "fast-check";
import { describe, test } from "vitest";
import { stores } from "../helpers/store.ts";
import { histories } from "../model/commands.ts";
import { runHistory } from "../model/histories.ts";

const seed = Number(process.env["UDO_SEED"] ?? Date.now() % 2 ** 31);
const enoughSteps = 10_000;

describe.each(stores)("$name store", (harness) => {
	test(`random histories go as the model says (UDO_SEED=${seed})`, async () => {
		let steps = 0;
		const property = fc.asyncProperty(histories(), async (history) => {
			steps += await runHistory(harness, history);
		});

		await fc.assert(property, { seed, numRuns: 160, interruptAfterTimeLimit: 45_000 });

		if (steps < enoughSteps) throw new Error(`only ${steps} steps`);
	});
});
