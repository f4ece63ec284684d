// The heavy campaigns (stores, pushes, destroyed trees, hostile names, merges) in full: npm run campaign [-- NAME… [COUNT]];
// UDO_SEED repeats a run. NAME is also short for all that begin with it and a hyphen: `faults`, COUNT times each, take the better
// part of an hour, and are only run when they are named. Bare mirrors of repositories (words with a slash in them) are what
// merge-replay merges again; it lists what differs in node_modules/.cache/udo.
import { seedOfThisRun } from "../helpers/random.ts";
import { stores } from "../helpers/store.ts";
import { faults, faultsTable, injectFault } from "./faults/faults.ts";
import { hostileCampaign } from "./hostile/hostile.ts";
import { killHoldersAndWaiters, killInTheMiddle } from "./kill.ts";
import { mergeAsGit, mergeWithRules } from "./merge/merge.ts";
import { replayMerges } from "./merge/replay.ts";
import { compareWithModel } from "./model.ts";
import { openTogether } from "./opening.ts";
import { pushCrowd } from "./push/crowd.ts";
import { killLeaders, killOthers, killUnreaped } from "./push/push.ts";
import { stopLeaders, stopWaiters } from "./push/stops.ts";
import type { Report } from "./report.ts";
import { randomTraffic } from "./traffic.ts";
import { destroyTrees } from "./tree/tree.ts";

const seed = seedOfThisRun();
const words = process.argv.slice(2);
const mirrors = words.filter((word) => word.includes("/"));
const count = words.map(Number).find(Number.isInteger);
const wanted = words.filter((word) => !mirrors.includes(word) && !Number.isInteger(Number(word)));
const campaigns: Readonly<Record<string, () => Promise<Report>>> = {
	open: () => openTogether(50),
	kill: () => killHoldersAndWaiters(100),
	middle: () => killInTheMiddle(200),
	traffic: () => randomTraffic(8, 30_000, seed),
	tree: () => destroyTrees(count ?? 20, seed),
	"push-leaders": () => killLeaders(20),
	"push-others": () => killOthers(20),
	"push-unreaped": () => killUnreaped(20),
	"push-stopped": () => stopLeaders(3),
	"push-stopped-waiters": () => stopWaiters(10),
	"push-crowd": () => pushCrowd(16, 20, 0.1, seed),
	hostile: () => hostileCampaign(1000, seed),
	"merge-exact": () => mergeAsGit(count ?? 20_000, seed),
	"merge-rules": () => mergeWithRules(count ?? 40_000, seed),
	...(mirrors.length > 0 && {
		"merge-replay": () => replayMerges(mirrors, "node_modules/.cache/udo/merge-replay-differ.txt"),
	}),
	...Object.fromEntries(stores.map((store) => [`model-${store.name}`, () => compareWithModel(store, 200_000, seed)])),
};

const team = { machines: ["east", "west", "south"], sessionsEach: 2, seed };
const faultCampaigns = Object.fromEntries(
	Object.entries(faults).map(([name, fault]) => [
		`faults-${name}`,
		() => injectFault(fault, count ?? fault.count, team),
	]),
);

const injected: Report[] = [];
console.log(`UDO_SEED=${seed}`);
for (const [name, campaign] of Object.entries({ ...campaigns, ...faultCampaigns })) {
	if (wanted.length > 0 ? !isWanted(name) : name in faultCampaigns) continue;
	const started = performance.now();
	const report = await campaign();
	const { name: title, figures, wrong, slow } = report;
	if (name in faultCampaigns) injected.push(report);
	const told = Object.entries(figures).map(([what, value]) => `${what} ${value}`);
	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	console.log(
		`${wrong.length > 0 ? "WRONG" : slow.length > 0 ? "SLOW" : "ok"}  ${title} (${seconds} s): ${told.join(", ")}`,
	);
	for (const each of [...wrong, ...slow]) console.log(`    ${each}`);
	if (wrong.length + slow.length > 0) process.exitCode = 1;
}
if (injected.length > 0) console.log(`\n${faultsTable(injected)}`);

function isWanted(name: string): boolean {
	return wanted.some((each) => name === each || name.startsWith(`${each}-`));
}
