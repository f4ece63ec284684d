import fc from "fast-check";
import type { StoreHarness } from "../helpers/store-harness.ts";
import { histories } from "../model/commands.ts";
import { runHistory } from "../model/histories.ts";
import type { Report } from "./report.ts";

/** Random histories on a store and the model, at least `dose` steps of them. */
export async function compareWithModel(harness: StoreHarness, dose: number, seed: number): Promise<Report> {
	const wrong: string[] = [];
	let steps = 0;
	for (let round = 0; steps < dose && wrong.length === 0; round++) {
		const property = fc.asyncProperty(histories(), async (history) => {
			steps += await runHistory(harness, history);
		});
		const result = await fc.check(property, {
			seed: seed + round,
			numRuns: Math.min(160, Math.ceil((dose - steps) / 50)),
			interruptAfterTimeLimit: 40_000,
		});
		if (!result.failed) continue;
		const { errorInstance } = result;
		wrong.push(`UDO_SEED=${seed + round}: ${errorInstance instanceof Error ? errorInstance.message : errorInstance}`);
	}
	return { name: `the ${harness.name} store against the model`, figures: { steps, UDO_SEED: seed }, wrong, slow: [] };
}
