import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { median, notMeasured, type Part, type Row } from "./row.ts";
import { Scratch } from "./scratch.ts";

const commitsEach = 5;

/** How a clone brings one commit to the branch that all push to. */
interface Way {
	readonly what: string;
	readonly command: string;
}

const flock: Way = {
	what: "flock around fetch, rebase, push",
	command: 'flock "$HOME/push.lock" sh -c "git pull -q --rebase && git push -q"',
};
const naive: Way = {
	what: "pull --rebase && push, until it works",
	command: "until git pull -q --rebase && git push -q; do :; done",
};
const udo: Way = { what: "udo push", command: "udo push --wait 10m" };

/** For clones and delay: what `udo push` may take of what the flock takes, and of what the loop takes. */
const goalsOf: ReadonlyMap<string, readonly string[]> = new Map([
	["8 0", ["≤ 1.15"]],
	["16 200", ["≤ 0.5", "≤ 0.3"]],
]);

/** What one way took, from the first commit to the last push. Times in seconds. */
interface Race {
	readonly wall: number;
	readonly landed: number;
	readonly tried: number;
	readonly longest: number;
	readonly first: number;
}

/** Several clones of one remote, each of which commits and pushes five times, all at once. */
export function measurePushes(clones: number, delayMs: number, rounds = 1): () => Promise<Part> {
	const title = `${clones} clones, ${commitsEach} commits each, all to one branch of a remote ${delayMs} ms away`;
	const goals = goalsOf.get(`${clones} ${delayMs}`) ?? [];
	return async () => {
		const races = new Map<Way, Race[]>([naive, flock, udo].map((way) => [way, []]));
		try {
			for (let round = 0; round < rounds; round++) {
				for (const [way, its] of races) its.push(await race(way, clones, delayMs));
			}
		} catch (failure) {
			return { title, rows: [notMeasured("udo push", failure)] };
		}
		const wallOf = (way: Way): number => median((races.get(way) ?? []).map(({ wall }) => wall));
		const rows = [...races].map(([way, its]) => ({ what: way.what, measured: describe(its) }));
		return {
			title,
			rows: [
				...rows,
				ratio("udo push / flock", wallOf(udo) / wallOf(flock), goals[0]),
				ratio("udo push / pull && push", wallOf(udo) / wallOf(naive), goals[1]),
			],
		};
	};
}

function ratio(what: string, value: number, goal: string | undefined): Row {
	return { what, measured: value.toFixed(2), ...(goal !== undefined && { goal }) };
}

function describe(races: readonly Race[]): string {
	const of = (value: (race: Race) => number): string => median(races.map(value)).toFixed(1);
	const count = (value: (race: Race) => number): string => median(races.map(value)).toFixed(0);
	return (
		`${of(({ wall }) => wall)} s, ${count(({ landed }) => landed)} pushes, ${count(({ tried, landed }) => tried - landed)} wasted, ` +
		`longest wait ${of(({ longest }) => longest)} s, first done after ${of(({ first }) => first)} s`
	);
}

async function race({ command }: Way, clones: number, delayMs: number): Promise<Race> {
	await using scratch = await Scratch.create();
	const remote = join(scratch.home, "remote.git");
	await scratch.run(`git clone -q --bare . '${remote}' && git -C '${remote}' config core.logAllRefUpdates true`);
	await delayed(scratch, "upload-pack", delayMs);
	await delayed(scratch, "receive-pack", delayMs);
	await writeFile(join(scratch.home, "one.sh"), oneClone(command), { mode: 0o755 });
	await mkdir(join(scratch.home, "times"));
	for (let clone = 0; clone < clones; clone++) {
		await scratch.run(`git clone -q '${remote}' ../clone${clone} && cd ../clone${clone} &&
			git config remote.origin.uploadpack "$HOME/upload-pack" && git config remote.origin.receivepack "$HOME/receive-pack"`);
	}
	await rm(join(scratch.home, "tried"), { force: true });
	const started = performance.now();
	const finished = await Promise.all(
		Array.from({ length: clones }, async (_, clone) => {
			const options = { cwd: join(scratch.home, `clone${clone}`), env: scratch.environment, maxBuffer: 1e8 };
			await promisify(execFile)("setsid", ["bash", join(scratch.home, "one.sh"), String(clone)], options);
			return (performance.now() - started) / 1000;
		}),
	);
	await checkAllThere(scratch, remote, clones);
	const waits = await Promise.all(
		finished.map((_, clone) => readFile(join(scratch.home, "times", `${clone}`), "utf8")),
	);
	const lines = async (path: string): Promise<number> => (await readFile(path, "utf8")).split("\n").length - 1;
	return {
		wall: Math.max(...finished),
		first: Math.min(...finished),
		longest: Math.max(...waits.flatMap((text) => text.split("\n").filter(Boolean).map(Number))) / 1000,
		landed: await lines(join(remote, "logs", "refs", "heads", "main")),
		tried: await lines(join(scratch.home, "tried")),
	};
}

function oneClone(command: string): string {
	return `for i in $(seq ${commitsEach}); do
	echo "$i" >>"file$1.txt"; git add "file$1.txt"; git commit -qm "$1 $i"
	from=$(date +%s%3N)
	{ ${command}; } >/dev/null 2>"$HOME/times/$1.err" || { cat "$HOME/times/$1.err" >&2; exit 1; }
	echo $(($(date +%s%3N) - from)) >>"$HOME/times/$1"
done
`;
}

// The far end of a line that is so long; what is received is counted.
async function delayed(scratch: Scratch, program: "upload-pack" | "receive-pack", delayMs: number): Promise<void> {
	const count = program === "receive-pack" ? 'echo >>"$HOME/tried"\n' : "";
	const text = `#!/bin/sh\n${count}sleep ${delayMs / 1000}\nexec git ${program} "$@"\n`;
	await writeFile(join(scratch.home, program), text, { mode: 0o755 });
}

async function checkAllThere(scratch: Scratch, remote: string, clones: number): Promise<void> {
	const subjects = (await scratch.run(`git -C '${remote}' log --format=%s main`)).trim().split("\n");
	const expected = clones * commitsEach + 1;
	if (subjects.length !== expected || new Set(subjects).size !== expected) {
		throw new Error(`${subjects.length} commits are there, ${new Set(subjects).size} different ones, not ${expected}`);
	}
}
