// The heavy campaigns on the store, in full: npm run campaign [-- NAME…]; UDO_SEED repeats a run.
import { seedOfThisRun } from "../helpers/random.ts";
import { stores } from "../helpers/store.ts";
import { killHoldersAndWaiters, killInTheMiddle } from "./kill.ts";
import { compareWithModel } from "./model.ts";
import { openTogether } from "./opening.ts";
import type { Report } from "./report.ts";
import { randomTraffic } from "./traffic.ts";

const seed = seedOfThisRun();
const campaigns: Readonly<Record<string, () => Promise<Report>>> = {
	open: () => openTogether(50),
	kill: () => killHoldersAndWaiters(100),
	middle: () => killInTheMiddle(200),
	traffic: () => randomTraffic(8, 30_000, seed),
	...Object.fromEntries(stores.map((store) => [`model-${store.name}`, () => compareWithModel(store, 200_000, seed)])),
};

const wanted = process.argv.slice(2);
console.log(`UDO_SEED=${seed}`);
for (const [name, campaign] of Object.entries(campaigns)) {
	if (wanted.length > 0 && !wanted.includes(name)) continue;
	const started = performance.now();
	const { name: title, figures, wrong, slow } = await campaign();
	const told = Object.entries(figures).map(([what, value]) => `${what} ${value}`);
	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	console.log(
		`${wrong.length > 0 ? "WRONG" : slow.length > 0 ? "SLOW" : "ok"}  ${title} (${seconds} s): ${told.join(", ")}`,
	);
	for (const each of [...wrong, ...slow]) console.log(`    ${each}`);
	if (wrong.length + slow.length > 0) process.exitCode = 1;
}
