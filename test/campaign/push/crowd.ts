import { openEditor } from "../../helpers/hooks.ts";
import { randomOf } from "../../helpers/random.ts";
import { Clones } from "../../push/clones.ts";
import type { Report } from "../report.ts";

/**
 * Many clones that push many commits, a share of which conflict for sure: each that does not lands once and in its session's
 * order; each that does is told so, with its path and a conflict of its own, and nothing of its push lands.
 */
export async function pushCrowd(count: number, commits: number, share: number, seed: number): Promise<Report> {
	const random = randomOf(seed);
	const crowd = Array.from({ length: count }, (_, index) => `clone${index}`);
	await using clones = await Clones.create(...crowd);
	await clones.sandbox.git("--git-dir", clones.remote, "config", "core.logAllRefUpdates", "true");
	const stale = await contest(clones, crowd);
	const wrong: string[] = [];
	const evicted: Evicted[] = [];
	const landed = await Promise.all(
		crowd.map(async (name) => {
			const planted = chooseRounds(commits, share, random);
			const mine: string[] = [];
			for (let round = 0; round < commits; round++) {
				const subject = `${name} ${round}`;
				if (planted.has(round)) {
					const { tip, found } = await conflict(clones, name, stale, subject);
					evicted.push({ name, tip });
					wrong.push(...found.map((each) => `${subject}: ${each}`));
					continue;
				}
				await clones.commit(name, `${name}.txt`, `${subject}\n`, subject);
				const answer = await clones.push(name, "--wait", "10m");
				if (answer.code === 0) mine.push(subject);
				else wrong.push(`${subject}: exit code ${answer.code}: ${answer.stderr}`);
			}
			return mine;
		}),
	);
	const there = (await clones.landed()).filter((subject) => !subject.startsWith("contested"));
	for (const [index, name] of crowd.entries()) {
		const its = there.filter((subject) => subject.startsWith(`${name} `));
		const told = landed[index] ?? [];
		if (JSON.stringify(its) !== JSON.stringify(told)) wrong.push(`${name} landed ${its}, and was told ${told}`);
	}
	if (there.length !== landed.flat().length)
		wrong.push(`${there.length} are there, of which ${landed.flat().length} were told`);
	wrong.push(...(await faultsOfConflicts(clones, evicted)));
	await clones.check(...crowd).catch((error: unknown) => wrong.push(String(error)));
	const reflog = await clones.sandbox.git("--git-dir", clones.remote, "reflog", "--format=%H", "main");
	const pushes = reflog.trim().split("\n").length;
	return { name: "push: a crowd", figures: { landed: there.length, evicted: evicted.length, pushes }, wrong, slow: [] };
}

interface Evicted {
	readonly name: string;
	readonly tip: string;
}

/** A line changes on the remote; answers the commit after which whoever changes it otherwise is in conflict. */
async function contest(clones: Clones, crowd: readonly string[]): Promise<string> {
	const [first = ""] = crowd;
	const stale = await clones.commit(first, "contested.txt", "nobody\n", "contested");
	await clones.push(first);
	for (const name of crowd) await clones.run(name, "git pull -q");
	await clones.commit(first, "contested.txt", "somebody\n", "contested again");
	await clones.push(first);
	return stale;
}

function chooseRounds(commits: number, share: number, random: () => number): ReadonlySet<number> {
	const chosen = new Set<number>();
	while (chosen.size < Math.round(commits * share)) chosen.add(Math.floor(random() * commits));
	return chosen;
}

// A commit that would fit goes with it: it must not land either.
async function conflict(
	clones: Clones,
	name: string,
	stale: string,
	subject: string,
): Promise<{ readonly tip: string; readonly found: readonly string[] }> {
	await clones.run(name, `git reset -q --hard ${stale}`);
	await clones.commit(name, `${name}-fits.txt`, "fits\n", `${subject} fits`);
	const tip = await clones.commit(name, "contested.txt", `${subject}\n`, subject);
	const answer = await clones.push(name, "--wait", "10m");
	const isTold = answer.code === 5 && answer.stderr.includes("conflict in contested.txt");
	await clones.run(name, "git fetch -q; git reset -q --hard origin/main");
	return { tip, found: isTold ? [] : [`exit code ${answer.code}: ${answer.stdout}${answer.stderr}`] };
}

async function faultsOfConflicts(clones: Clones, evicted: readonly Evicted[]): Promise<readonly string[]> {
	await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("clone0"));
	const all = await onlooker.store.conflicts(onlooker.project, "all");
	const recorded = all.filter(({ type, resource }) => type === "git_merge" && resource === "file:contested.txt");
	const wrong =
		recorded.length === evicted.length ? [] : [`${recorded.length} conflicts for ${evicted.length} evicted`];
	for (const { name, tip } of evicted) {
		const its = recorded.filter(({ sessions, cause }) => sessions.join() === name && cause.endsWith(` ${tip}`));
		if (its.length !== 1) wrong.push(`${name} has ${its.length} conflicts for ${tip}`);
	}
	return wrong;
}
