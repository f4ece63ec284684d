import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { udoScript } from "../../helpers/sandbox.ts";
import { until } from "../../helpers/until.ts";
import { Clones, type Moment, moments, Turnstile } from "../../push/clones.ts";
import type { Report } from "../report.ts";
import { expected, faultsOf } from "./faults.ts";

/** Kills whoever leads a batch of three at every moment of a push, so many times each. */
export async function killLeaders(times: number, when: readonly Moment[] = moments): Promise<Report> {
	const wrong: string[] = [];
	for (const moment of when) {
		for (let time = 0; time < times; time++) {
			const found = await killLeader(moment, start).catch((error: unknown) => [String(error)]);
			wrong.push(...found.map((each) => `killed at ${moment}: ${each}`));
		}
	}
	return { name: "push: leaders killed", figures: { killed: times * when.length }, wrong, slow: [] };
}

/** Kills leaders whose parent never asks what has become of them. */
export async function killUnreaped(times: number): Promise<Report> {
	const wrong: string[] = [];
	for (let time = 0; time < times; time++) {
		wrong.push(...(await killLeader("push", startUnreaped).catch((error: unknown) => [String(error)])));
	}
	return { name: "push: leaders left as zombies", figures: { killed: times }, wrong, slow: [] };
}

const names = ["alice", "bob", "carol"];

/** A push that can be killed; `end` ends whatever else was started for it. */
interface Leader {
	kill(): Promise<void>;
	end(): void;
}

async function killLeader(
	moment: Moment,
	startLeader: (clones: Clones) => Promise<Leader>,
): Promise<readonly string[]> {
	await using clones = await Clones.create(...names, "outsider");
	const turnstile = await Turnstile.install(clones, "alice");
	// So that the leader's own commit has to be replayed as well.
	await clones.commit("outsider", "o.txt");
	await clones.run("outsider", "git push -q");
	for (const name of names) for (const n of [1, 2]) await clones.commit(name, `${name}${n}.txt`);
	await turnstile.close("fetch");
	const leader = await startLeader(clones);
	await turnstile.untilReached("fetch");
	const others = names.slice(1).map((name) => clones.push(name));
	await clones.untilWaiting(2);
	if (moment !== "fetch") {
		await turnstile.close(moment);
		await turnstile.open("fetch");
		await turnstile.untilReached(moment);
	}
	await leader.kill();
	// What the dead leader started lives on, and may even finish.
	const release = turnstile.open(moment);
	const wrong: string[] = [];
	for (const [index, answer] of (await Promise.all(others)).entries()) {
		if (answer.code !== 0) wrong.push(`${names[index + 1]} was told ${answer.code} ${answer.stderr}`);
		// What the dead leader had landed is told as landed, not found out by trying again.
		if (!/^landed 2 commits .*\n$/.test(answer.stdout)) wrong.push(`${names[index + 1]} was told ${answer.stdout}`);
	}
	await release;
	leader.end();
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
	const waiter = clones.start("bob");
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
	const leader = clones.start("alice");
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

async function start(clones: Clones): Promise<Leader> {
	const child = clones.start("alice");
	return {
		kill: async () => {
			child.kill("SIGKILL");
		},
		end: () => {},
	};
}

async function startUnreaped({ sandbox }: Clones): Promise<Leader> {
	const script = `'${process.execPath}' '${udoScript}' push >/dev/null 2>&1 & echo $!; exec sleep 600`;
	const parent = spawn("sh", ["-c", script], {
		cwd: `${sandbox.directory}/alice`,
		env: { ...sandbox.environment, UDO_SESSION: "alice", UDO_ACTOR: "alice" },
		stdio: ["ignore", "pipe", "ignore"],
	});
	const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
	const stateOf = async () => (await readFile(`/proc/${line}/stat`, "utf8")).replace(/^.*\) /, "")[0];
	return {
		kill: async () => {
			process.kill(Number(line), "SIGKILL");
			await until(stateOf, (state) => state === "Z");
		},
		end: () => parent.kill("SIGKILL"),
	};
}
