import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { randomOf } from "../../helpers/random.ts";
import { Sandbox } from "../../helpers/sandbox.ts";
import type { Report } from "../report.ts";
import { Heard } from "./heard.ts";
import { canary, type HostileNames, hostileNames } from "./names.ts";
import { Round } from "./round.ts";

const namesEach = 30;
const atOnce = 2;

/**
 * Takes hostile names through every hook and command: nothing in a name is run, no option is taken from it, what is printed has
 * no control characters, and each name comes out as it went in.
 */
export async function hostileCampaign(count: number, seed: number): Promise<Report> {
	const wrong: string[] = [];
	const rounds = Array.from({ length: Math.ceil(count / namesEach) }, (_, round) => round);
	const totals = { commands: 0, refused: 0, landed: 0, conflicts: 0, advice: 0 };
	const work = rounds.values();
	const worker = async (): Promise<void> => {
		for (const round of work) {
			const heard = new Heard();
			await playRound(hostileNames(randomOf(seed + round)), heard).catch((error: unknown) =>
				heard.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
			);
			wrong.push(...heard.wrong.map((each) => `round ${round} (UDO_SEED=${seed}): ${each}`));
			totals.commands += heard.commands;
			totals.refused += heard.refused;
			totals.landed += heard.landed;
			totals.conflicts += heard.conflicts;
			totals.advice += heard.advice.size;
		}
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, rounds.length) }, worker));
	return { name: "hostile names", figures: { names: rounds.length * namesEach, ...totals }, wrong, slow: [] };
}

async function playRound(names: HostileNames, heard: Heard): Promise<void> {
	await using sandbox = await Sandbox.create();
	const round = new Round(sandbox, names, heard);
	await round.prepare();
	const watchers = [round.watch([]), round.watch(["--json"])];
	try {
		await round.files();
		await round.branches();
		await round.pushes();
		await round.snapshots();
		await round.views();
	} finally {
		for (const [i, watcher] of watchers.entries()) heard.hear(`watch ${i}`, await watcher.end(), { isJson: i === 1 });
	}
	await round.followAdvice();
	for (const path of await readdir(sandbox.directory, { recursive: true })) {
		if (canary.test(basename(path))) heard.wrong.push(`something was run: ${JSON.stringify(path)}`);
	}
}
