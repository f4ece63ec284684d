import { describe, expect, test } from "vitest";
import { type Fault, faults, injectFault } from "../campaign/faults/faults.ts";
import { seedOfThisRun } from "../helpers/random.ts";
import { hasRedis } from "../helpers/redis-server.ts";

// A small dose of what `npm run campaign -- faults` does in full.
const seed = seedOfThisRun();
const team = { machines: ["east", "west"], sessionsEach: 2, seed };

const chosen: readonly [string, Fault | undefined][] = [
	["a Redis that comes back without its data", faults["kill-none"]],
	["a holder that was stopped past its lease", faults["holder-pause"]],
	["a machine that was cut off", faults["net-drop"]],
];

describe.skipIf(!hasRedis)(`sessions of two machines (UDO_SEED=${seed})`, () => {
	for (const [what, fault] of chosen) {
		test.skipIf(fault?.isPossible === false)(`survive ${what}: nobody writes unfenced or untold`, async () => {
			const report = fault === undefined ? undefined : await injectFault(fault, 1, team);

			expect(report?.wrong).toEqual([]);
			expect(report?.figures["grants"]).toBeGreaterThan(0);
		});
	}
});
