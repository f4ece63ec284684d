import { rmSync } from "node:fs";
import { randomOf } from "../../helpers/random.ts";
import type { Sandbox } from "../../helpers/sandbox.ts";
import type { Report } from "../report.ts";
import { type Destruction, destructions } from "./destructions.ts";
import { template, work } from "./random-work.ts";
import { dirtyIn, git, isUnknownToGit, stagedIn, treeOf, write } from "./tree-state.ts";

// What depends on the work that a seed comes upon has harmed something by then.
const enoughRounds = 10;

/**
 * Does random work in a tree of its own, runs a command that destroys it, and looks whether `udo restore` brings back every
 * file, byte for byte, and everything that was staged. A command that git does not know is wrong, and one that harmed nothing in
 * many rounds; `harmless` counts those that harmed nothing, in however few. `only` chooses among the commands.
 */
export async function destroyTrees(
	seeds: number,
	seed: number,
	only: (index: number, round: number) => boolean = () => true,
): Promise<Report> {
	const wrong: string[] = [];
	const figures = { trees: 0, harmed: 0, snapshots: 0, files: 0 };
	const tried = new Map(destructions.map((each) => [each, { rounds: 0, harmed: 0 }]));
	for (let round = 0; round < seeds; round++) {
		await using sandbox = await template(seed + round);
		for (const [destruction, tally] of [...tried].filter((_, index) => only(index, round))) {
			const before = figures.harmed;
			const found = await destroy(sandbox, destruction, seed + round, figures).catch((error) => [String(error)]);
			wrong.push(...found.map((each) => `seed ${seed + round}, ${nameOf(destruction)}: ${each}`));
			tally.rounds += 1;
			tally.harmed += figures.harmed - before;
		}
	}
	const harmless = [...tried].filter(([, { rounds, harmed }]) => rounds > 0 && harmed === 0);
	for (const [destruction, { rounds }] of harmless) {
		if (rounds >= enoughRounds && destruction.isSeldomAllowed !== true)
			wrong.push(`${nameOf(destruction)}: harmed nothing in ${rounds} rounds`);
	}
	return { name: "trees destroyed and restored", figures: { ...figures, harmless: harmless.length }, wrong, slow: [] };
}

function nameOf({ before, command }: Destruction): string {
	return before === undefined ? command : `(${before}) ${command}`;
}

async function destroy(
	sandbox: Sandbox,
	{ command, before, isStaged }: Destruction,
	seed: number,
	figures: Record<"trees" | "harmed" | "snapshots" | "files", number>,
): Promise<readonly string[]> {
	const { repository } = sandbox;
	rmSync(repository, { recursive: true });
	await sandbox.run("sh", ["-c", "rm -rf own-index tree; cp -a template repo"], { directory: sandbox.directory });
	const shell = async (text: string, environment = {}) => {
		const { stderr } = await sandbox.run("sh", ["-c", text], { as: "alice", environment, directory: repository });
		if (isUnknownToGit(stderr)) throw new Error(`not tried: ${stderr.split("\n", 1)}`);
	};
	if (before !== undefined) await shell(before, { UDO: "0" });
	work(sandbox, randomOf(seed), seed);
	if (isStaged) await shell("git add -A --sparse", { UDO: "0" });
	await shell("git diff HEAD --binary >../work.patch; cp .git/index ../own-index", { UDO: "0" });
	const then = treeOf(repository);
	const dirty = dirtyIn(sandbox);
	// While paths are unmerged there is no tree of what is staged; then only the files are kept.
	const isUnmerged = git(sandbox, "ls-files", "-u", "-z") !== "";
	const stagedThen: ReadonlyMap<string, string> = isUnmerged ? new Map() : stagedIn(sandbox);
	const changedTwice = new Set(git(sandbox, "diff-files", "--name-only", "-z").split("\0"));

	await shell(command);
	const stagedNow = stagedIn(sandbox);
	const after = treeOf(repository);
	const refs = (await sandbox.git("for-each-ref", "--format=%(objectname)", "--sort=refname", "refs/udo/wip")).split(
		"\n",
	);
	const lost = [...dirty].filter((name) => after.get(name) !== then.get(name));
	const unstaged = [...stagedThen].filter(([name, id]) => stagedNow.get(name) !== id).map(([name]) => name);
	figures.trees += 1;
	figures.snapshots += refs.length - 1;
	if (lost.length === 0 && unstaged.length === 0) return [];
	figures.harmed += 1;
	figures.files += lost.length;
	const [oldest = ""] = refs;
	// What `git reset` unstages is as it is on disk still.
	if (oldest === "" && lost.length === 0 && !unstaged.some((name) => changedTwice.has(name))) return [];
	if (oldest === "") return [`nothing was kept of ${JSON.stringify([...lost, ...unstaged])}`];

	// What somebody does before anything is brought back must stay.
	const random = randomOf(seed + 1);
	const newer = lost.filter((name) => after.has(name) && random() < 0.2 && !after.get(name)?.startsWith("link"));
	for (const name of newer) write(repository, name, "newer\n");
	const answer = await sandbox.udo(["restore", oldest, "--staged", "--json"], { as: "alice" });
	const envelope = JSON.parse(answer.stdout) as { ok: boolean; data: Restored };
	if (!envelope.ok) return [`udo restore: ${answer.stdout}`];
	const { blocked, beside } = envelope.data;
	const now = treeOf(repository);
	const wrong: string[] = [];
	for (const name of lost) {
		const [was, is, readable] = [then.get(name), now.get(name), Buffer.from(name, "latin1").toString()];
		if (is === was || (was !== undefined && now.get(`${name}.udo-restored`) === was)) continue;
		if (blocked.includes(readable) || (was === undefined && beside.some(({ path }) => path === readable))) continue;
		wrong.push(`${JSON.stringify(name)} was ${show(was)}, is ${show(is)}`);
	}
	for (const name of newer) {
		if (now.get(name)?.endsWith("newer\n") !== true) wrong.push(`a newer ${JSON.stringify(name)} is gone`);
	}
	for (const [name, what] of after) {
		if (lost.includes(name) || newer.includes(name) || now.get(name) === what) continue;
		wrong.push(`${JSON.stringify(name)} was ${show(what)} before it was restored, is ${show(now.get(name))}`);
	}
	const kept = git(sandbox, "ls-tree", "-r", "-z", unstaged.length > 0 ? `${oldest}^2` : "HEAD");
	for (const name of unstaged) {
		const [mode, id] = stagedThen.get(name)?.split(" ") ?? [];
		if (!kept.includes(`${mode} blob ${id}\t${name}\0`))
			wrong.push(`what was staged of ${JSON.stringify(name)} is gone`);
	}
	return wrong;
}

interface Restored {
	readonly blocked: readonly string[];
	readonly beside: readonly { readonly path: string }[];
}

function show(what: string | undefined): string {
	return JSON.stringify(what?.slice(0, 60) ?? "not there");
}
