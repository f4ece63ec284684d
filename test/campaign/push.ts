import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { randomOf } from "../helpers/random.ts";
import { udoScript } from "../helpers/sandbox.ts";
import { Clones, type Moment, moments, Turnstile } from "../push/clones.ts";
import type { Report } from "./report.ts";

/** Kills whoever leads a batch of three at every moment of a push, so many times each. */
export async function killLeaders(times: number, when: readonly Moment[] = moments): Promise<Report> {
	const wrong: string[] = [];
	for (const moment of when) {
		for (let time = 0; time < times; time++) {
			const found = await killLeader(moment).catch((error: unknown) => [String(error)]);
			wrong.push(...found.map((each) => `killed at ${moment}: ${each}`));
		}
	}
	return { name: "push: leaders killed", figures: { killed: times * when.length }, wrong, slow: [] };
}

const names = ["alice", "bob", "carol"];

async function killLeader(moment: Moment): Promise<readonly string[]> {
	await using clones = await Clones.create(...names, "outsider");
	const turnstile = await Turnstile.install(clones, "alice");
	// So that the leader's own commit has to be replayed as well.
	await clones.commit("outsider", "o.txt");
	await clones.run("outsider", "git push -q");
	for (const name of names) for (const n of [1, 2]) await clones.commit(name, `${name}${n}.txt`);
	await turnstile.close("fetch");
	const leader = start(clones, "alice");
	await turnstile.untilReached("fetch");
	const others = names.slice(1).map((name) => clones.push(name));
	await clones.untilWaiting(2);
	if (moment !== "fetch") {
		await turnstile.close(moment);
		await turnstile.open("fetch");
		await turnstile.untilReached(moment);
	}
	leader.kill("SIGKILL");
	// What the dead leader started lives on, and may even finish.
	const release = turnstile.open(moment);
	const wrong: string[] = [];
	for (const [index, answer] of (await Promise.all(others)).entries()) {
		if (answer.code !== 0) wrong.push(`${names[index + 1]} was told ${answer.code} ${answer.stderr}`);
		// What the dead leader had landed is told as landed, not found out by trying again.
		if (!/^landed 2 commits .*\n$/.test(answer.stdout)) wrong.push(`${names[index + 1]} was told ${answer.stdout}`);
	}
	await release;
	const again = await clones.push("alice");
	if (again.code !== 0) wrong.push(`alice was told ${again.code} ${again.stderr}`);
	return [...wrong, ...(await faultsOf(clones, names, ["outsider o.txt", ...expected(names, 2)]))];
}

/** Kills waiters, and the git that pushes for a leader. */
export async function killOthers(times: number): Promise<Report> {
	const wrong: string[] = [];
	for (let time = 0; time < times; time++) {
		wrong.push(...(await killWaiter().catch((error: unknown) => [String(error)])));
		wrong.push(...(await killGit().catch((error: unknown) => [String(error)])));
	}
	return { name: "push: waiters and gits killed", figures: { killed: 2 * times }, wrong, slow: [] };
}

// Killed when its ticket is taken already: its commits land, and its next push finds that out.
async function killWaiter(): Promise<readonly string[]> {
	await using clones = await Clones.create(...names);
	const turnstile = await Turnstile.install(clones, "alice");
	for (const name of names) await clones.commit(name, `${name}1.txt`);
	await turnstile.close("fetch");
	const leader = clones.push("alice");
	await turnstile.untilReached("fetch");
	const waiter = start(clones, "bob");
	await clones.untilWaiting(1);
	const last = clones.push("carol");
	await clones.untilWaiting(2);
	await turnstile.close("push");
	await turnstile.open("fetch");
	await turnstile.untilReached("push");
	waiter.kill("SIGKILL");
	await turnstile.open("push");
	const codes = [(await leader).code, (await last).code, (await clones.push("bob")).code];
	const wrong = codes.some((code) => code !== 0) ? [`exit codes ${codes} after a waiter was killed`] : [];
	return [...wrong, ...(await faultsOf(clones, names, expected(names, 1)))];
}

// The push may have landed or not when its git is killed; whoever comes next finds out.
async function killGit(): Promise<readonly string[]> {
	await using clones = await Clones.create(...names);
	const turnstile = await Turnstile.install(clones, "alice");
	for (const name of names) await clones.commit(name, `${name}1.txt`);
	await turnstile.close("pre-receive");
	const leader = start(clones, "alice");
	await turnstile.untilReached("pre-receive");
	const others = names.slice(1).map((name) => clones.push(name));
	await clones.untilWaiting(2);
	for (const git of await childrenOf(leader)) process.kill(git, "SIGKILL");
	await turnstile.open("pre-receive");
	const codes = [...(await Promise.all(others)), await clones.push("alice")].map(({ code }) => code);
	const wrong = codes.some((code) => code !== 0) ? [`exit codes ${codes} after git push was killed`] : [];
	return [...wrong, ...(await faultsOf(clones, names, expected(names, 1)))];
}

async function childrenOf({ pid }: ChildProcess): Promise<readonly number[]> {
	const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
	return text.split(" ").filter(Boolean).map(Number);
}

/**
 * Many clones that push many commits, some of which conflict: each that does not lands once and in its session's order, each
 * that does is told so, with its path and a conflict of its own.
 */
export async function pushCrowd(count: number, commits: number, share: number, seed: number): Promise<Report> {
	const random = randomOf(seed);
	const crowd = Array.from({ length: count }, (_, index) => `clone${index}`);
	await using clones = await Clones.create(...crowd);
	const wrong: string[] = [];
	const landed = new Map<string, string[]>();
	let evicted = 0;
	await clones.commit("clone0", "contested.txt", "nobody\n", "contested");
	await clones.push("clone0");
	await Promise.all(
		crowd.map(async (name) => {
			const mine: string[] = [];
			landed.set(name, mine);
			for (let round = 0; round < commits; round++) {
				// Planted: a change to a line that has changed since this clone last saw it.
				const isPlanted = random() < share && name !== "clone0";
				const file = isPlanted ? "contested.txt" : `${name}.txt`;
				const subject = `${name} ${round}`;
				await clones.commit(name, file, `${subject}\n`, subject);
				const answer = await clones.push(name, "--wait", "10m");
				if (answer.code === 0) mine.push(subject);
				else if (isPlanted && answer.code === 5) {
					evicted += 1;
					if (!answer.stderr.includes("conflict in contested.txt")) wrong.push(`${name}: ${answer.stderr}`);
					await clones.run(name, "git fetch -q; git reset -q --hard origin/main");
				} else wrong.push(`${subject}: exit code ${answer.code}: ${answer.stderr}`);
			}
		}),
	);
	const there = (await clones.landed()).filter((subject) => subject !== "contested");
	for (const [name, mine] of landed) {
		const its = there.filter((subject) => subject.startsWith(`${name} `));
		if (JSON.stringify(its) !== JSON.stringify(mine)) wrong.push(`${name} landed ${its}, and was told ${mine}`);
	}
	await clones.check(...crowd).catch((error: unknown) => wrong.push(String(error)));
	return { name: "push: a crowd", figures: { landed: there.length, evicted }, wrong, slow: [] };
}

function expected(who: readonly string[], commits: number): readonly string[] {
	return who.flatMap((name) => Array.from({ length: commits }, (_, n) => `${name} ${name}${n + 1}.txt`));
}

async function faultsOf(clones: Clones, who: readonly string[], wanted: readonly string[]): Promise<readonly string[]> {
	const wrong: string[] = [];
	const there = await clones.landed();
	if (JSON.stringify([...there].sort()) !== JSON.stringify([...wanted].sort()))
		wrong.push(`landed: ${there.join(", ")}`);
	for (const name of who) {
		const mine = there.filter((subject) => subject.startsWith(name));
		if (JSON.stringify(mine) !== JSON.stringify([...mine].sort())) wrong.push(`out of order: ${mine}`);
		const status = await clones.run(name, "git status --porcelain");
		if (status !== "") wrong.push(`${name} is left with ${status}`);
	}
	await clones.check(...who).catch((error: unknown) => wrong.push(String(error)));
	return wrong;
}

/** A push that can be killed. */
function start({ sandbox }: Clones, name: string): ChildProcess {
	return spawn(process.execPath, [udoScript, "push"], {
		cwd: `${sandbox.directory}/${name}`,
		env: { ...sandbox.environment, UDO_SESSION: name, UDO_ACTOR: name },
		stdio: "ignore",
	});
}
