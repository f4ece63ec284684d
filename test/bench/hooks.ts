import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import { median, ms, notMeasured, type Part, type Row } from "./row.ts";
import { Scratch } from "./scratch.ts";

const rounds = 15;

interface Setup {
	readonly what: string;
	readonly goal?: string;
	prepare(scratch: Scratch): Promise<void>;
}

const setups: readonly Setup[] = [
	{ what: "no hook", async prepare() {} },
	{ what: "an empty sh script", prepare: (scratch) => script(scratch, "#!/bin/sh\n") },
	{ what: "node -e 0", prepare: (scratch) => script(scratch, `#!/bin/sh\nexec '${process.execPath}' -e 0\n`) },
	{
		what: "lefthook, nothing matches",
		async prepare(scratch) {
			const config = "pre-commit:\n  commands:\n    lint:\n      glob: '*.js'\n      run: 'false'\n";
			await writeFile(join(scratch.repository, "lefthook.yml"), config);
			await scratch.run("lefthook install && grep -q lefthook .git/hooks/pre-commit");
		},
	},
	{
		what: "husky + lint-staged, nothing matches",
		async prepare(scratch) {
			await writeFile(join(scratch.repository, "package.json"), '{"lint-staged": {"*.js": "false"}}\n');
			await scratch.run(`'${process.execPath}' '${resolve("node_modules/husky/bin.js")}'`);
			await writeFile(join(scratch.repository, ".husky", "pre-commit"), "lint-staged\n");
		},
	},
	{ what: "udo, alone", goal: "≤ 2 ms more than no hook", prepare: (scratch) => installUdo(scratch) },
	{
		what: "udo, beside another session",
		goal: "≤ 110 ms more than no hook",
		async prepare(scratch) {
			await installUdo(scratch);
			const project = (await scratch.run("cat .git/udo/project")).trim();
			const directory = join(scratch.home, ".local", "state", "udo");
			const options = { directory, project, session: "another", resources: ["file:elsewhere.txt"] };
			const other = scratch.use(new Worker(await bundleWorker(), "hold", options));
			await other.says("held");
		},
	},
];

/** What a pre-commit hook adds to `git commit`. */
export async function measureHooks(): Promise<Part> {
	const candidates: Candidate[] = [];
	try {
		for (const setup of setups) candidates.push(await prepare(setup));
		// In turns, so that whatever else the machine does meanwhile hits all alike.
		for (let round = 0; round < rounds; round++) {
			for (const { scratch, took, failure } of candidates) {
				if (failure === undefined) took.push((await scratch.time(commit)).cpu);
			}
		}
	} finally {
		for (const { scratch } of candidates) await scratch[Symbol.asyncDispose]();
	}
	const base = median(candidates[0]?.took ?? []);
	const rows = candidates.map(({ setup: { what, goal }, took, failure }): Row => {
		if (failure !== undefined) return notMeasured(what, failure);
		const measured = `${ms(median(took))} CPU, ${ms(median(took) - base)} more than no hook`;
		return { what, measured, ...(goal !== undefined && { goal }) };
	});
	return { title: "git commit with a pre-commit hook", rows };
}

interface Candidate {
	readonly setup: Setup;
	readonly scratch: Scratch;
	readonly took: number[];
	readonly failure: unknown;
}

async function prepare(setup: Setup): Promise<Candidate> {
	const scratch = await Scratch.create();
	try {
		await setup.prepare(scratch);
		await scratch.time(commit);
		return { setup, scratch, took: [], failure: undefined };
	} catch (failure) {
		return { setup, scratch, took: [], failure };
	}
}

/** What it takes to start udo at all. */
export async function measureStart(): Promise<Part> {
	await using scratch = await Scratch.create();
	const commands = {
		"node -e 0": `'${process.execPath}' -e 0`,
		"udo --version": "udo --version",
		"udo status": "udo status",
	};
	const took = new Map(Object.keys(commands).map((what) => [what, { cpu: [] as number[], wall: [] as number[] }]));
	for (let round = 0; round < rounds; round++) {
		for (const [what, command] of Object.entries(commands)) {
			const { cpu, wall } = await scratch.time(command);
			took.get(what)?.cpu.push(cpu);
			took.get(what)?.wall.push(wall);
		}
	}
	const rows = [...took].map(([what, { cpu, wall }]) => ({
		what,
		measured: `${ms(median(cpu))} CPU, ${ms(median(wall))} wall`,
	}));
	return { title: "starting a command", rows };
}

const commit = "git commit -q --allow-empty -m bench";

async function script(scratch: Scratch, text: string): Promise<void> {
	await writeFile(join(scratch.repository, ".git", "hooks", "pre-commit"), text, { mode: 0o755 });
}

async function installUdo(scratch: Scratch): Promise<void> {
	await scratch.run("udo init --yes");
}
