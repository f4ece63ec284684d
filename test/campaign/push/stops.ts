import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Clones, type Moment, Turnstile } from "../../push/clones.ts";
import type { Report } from "../report.ts";
import { expected, faultsOf } from "./faults.ts";

/** What is stopped: the process of udo alone, or all that it has started as well, as Ctrl-Z does. */
type Reach = "udo" | "group";

export interface Stop {
	readonly moment: Moment;
	readonly reach: Reach;
}

const stops = (["fetch", "merge-tree", "push", "pre-receive", "post-receive"] as const).flatMap((moment) =>
	(["udo", "group"] as const).map((reach): Stop => ({ moment, reach })),
);

const names = ["alice", "bob", "carol"];

/** Stops leaders, lets the others land, and lets the leaders go on. */
export async function stopLeaders(times: number, when: readonly Stop[] = stops): Promise<Report> {
	const wrong: string[] = [];
	for (let time = 0; time < times; time++) {
		for (const stop of when) {
			const found = await stopLeader(stop).catch((error: unknown) => [String(error)]);
			wrong.push(...found.map((each) => `${stop.reach} stopped at ${stop.moment}: ${each}`));
		}
	}
	return { name: "push: leaders stopped", figures: { stopped: times * when.length }, wrong, slow: [] };
}

/** The same with waiters: those whose commits others may push, and those that push alone. */
export async function stopWaiters(
	times: number,
	ways: readonly (readonly string[])[] = [[], ["--no-batch"]],
): Promise<Report> {
	const wrong: string[] = [];
	for (let time = 0; time < times; time++) {
		for (const words of ways) {
			const found = await stopWaiter(words).catch((error: unknown) => [String(error)]);
			wrong.push(...found.map((each) => `stopped with ${words}: ${each}`));
		}
	}
	return { name: "push: waiters stopped", figures: { stopped: times * ways.length }, wrong, slow: [] };
}

async function stopLeader({ moment, reach }: Stop): Promise<readonly string[]> {
	await using clones = await Clones.create(...names, "outsider");
	const turnstile = await Turnstile.install(clones, "alice");
	await clones.commit("outsider", "o.txt");
	await clones.run("outsider", "git push -q");
	for (const name of names) for (const n of [1, 2]) await clones.commit(name, `${name}${n}.txt`);
	await turnstile.close("fetch");
	const leader = clones.start("alice", [], true);
	using _ = endedAtLast(leader);
	const ended = codeOf(leader);
	await turnstile.untilReached("fetch");
	const others = names.slice(1).map((name) => clones.push(name, "--wait", "30s"));
	await clones.untilWaiting(2);
	if (moment !== "fetch") {
		await turnstile.close(moment);
		await turnstile.open("fetch");
		await turnstile.untilReached(moment);
	}
	signal(leader, reach, "SIGSTOP");
	await turnstile.open(moment);
	const wrong: string[] = [];
	for (const [index, { code, stdout, stderr }] of (await Promise.all(others)).entries()) {
		if (code !== 0 || !/^landed 2 commits .*\n$/.test(stdout))
			wrong.push(`${names[index + 1]}: ${code} ${stdout}${stderr}`);
	}
	signal(leader, reach, "SIGCONT");
	const code = await ended;
	if (code !== 0) wrong.push(`the one that was stopped ended with ${code}`);
	return [...wrong, ...(await faultsOf(clones, names, ["outsider o.txt", ...expected(names, 2)]))];
}

async function stopWaiter(words: readonly string[]): Promise<readonly string[]> {
	await using clones = await Clones.create(...names);
	const turnstile = await Turnstile.install(clones, "alice");
	for (const name of names) await clones.commit(name, `${name}1.txt`);
	await turnstile.close("fetch");
	const leader = clones.push("alice");
	await turnstile.untilReached("fetch");
	const waiter = clones.start("bob", words, true);
	using _ = endedAtLast(waiter);
	const ended = codeOf(waiter);
	await clones.untilWaiting(1);
	const last = clones.push("carol", "--no-batch", "--wait", "30s");
	await clones.untilWaiting(2);
	signal(waiter, "group", "SIGSTOP");
	await turnstile.open("fetch");
	const codes = [(await leader).code, (await last).code];
	signal(waiter, "group", "SIGCONT");
	codes.push(await ended);
	const wrong = codes.some((code) => code !== 0) ? [`exit codes ${codes}`] : [];
	return [...wrong, ...(await faultsOf(clones, names, expected(names, 1)))];
}

async function codeOf(child: ChildProcess): Promise<number> {
	const [code] = (await once(child, "exit")) as [number | null];
	return code ?? -1;
}

// Nobody else ends what a run that failed has left standing.
function endedAtLast(child: ChildProcess): Disposable {
	return {
		[Symbol.dispose]: () => {
			if (child.exitCode === null && child.signalCode === null) signal(child, "group", "SIGKILL");
		},
	};
}

function signal({ pid }: ChildProcess, reach: Reach, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
	if (pid === undefined) throw new Error("the push did not start");
	process.kill(reach === "group" ? -pid : pid, name);
}
