import { execFileSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { randomOf } from "../helpers/random.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import type { Report } from "./report.ts";

/** A way to lose what no commit has. `before` brings the repository into a state, before there is any work. */
interface Destruction {
	readonly command: string;
	readonly before?: string;
}

const inMerge = "git merge -q conflict";
const inRebase = "git rebase -q conflict";
const inCherryPick = "git cherry-pick conflict";
const inRevert = "git revert --no-edit HEAD~1";
const inAm = "git format-patch -q -1 --stdout conflict >../patch; git am -q -3 ../patch";
const inBisect = "git bisect start; git bisect bad HEAD; git bisect good HEAD~2";

export const destructions: readonly Destruction[] = [
	...[
		"git reset --hard",
		"git reset --hard topic",
		"git reset --merge topic",
		"git reset --keep topic",
		"git reset",
		"git reset topic",
		"git reset -- .",
		"git checkout -f",
		"git checkout -f topic",
		"git checkout -B main topic -f",
		"git checkout topic",
		"git checkout -m topic",
		"git checkout -- .",
		"git checkout topic -- .",
		"git checkout --no-overlay topic -- .",
		"git switch --discard-changes topic",
		"git switch -C fresh topic --discard-changes",
		"git switch -m topic",
		"git switch -f --orphan bare",
		"git restore .",
		"git restore --staged .",
		"git restore --staged --worktree .",
		"git restore --source topic --staged --worktree .",
		"git restore --source topic --no-overlay .",
		"git clean -fd",
		"git clean -fdx",
		"git clean -ffdX; git clean -fd; git reset --hard",
		"git stash; git stash drop",
		"git stash push -u; git stash drop",
		"git stash push -a; git stash clear",
		"git stash push -k; git stash clear",
		"git stash push --staged; git stash clear",
		"git stash -u; git stash pop; git reset --hard; git clean -fd",
		"git merge topic; git merge --abort; git reset --hard",
		"git merge --autostash topic; git reset --hard; git stash clear",
		"git rebase topic; git reset --hard",
		"git rebase --autostash topic; git reset --hard; git stash clear; git clean -fd",
		"git pull -q --rebase . topic; git reset --hard",
		"git pull -q --rebase --autostash . topic; git reset --hard; git stash clear",
		"git cherry-pick topic; git reset --hard",
		"git revert --no-edit HEAD; git reset --hard",
		"git rm -rf .",
		"git rm -rf --cached .",
		"git mv -f base/plain base/other",
		"git apply --index -R ../work.patch",
		"git read-tree --reset -u topic",
		"git read-tree --reset topic",
		"git read-tree -u --reset HEAD",
		"git checkout-index -f -a",
		"git sparse-checkout set base; git clean -fdq; git reset -q --hard",
		"git bisect start topic HEAD~2; git reset --hard; git bisect reset",
		"git worktree add -qf ../tree main; git reset --hard",
		"git filter-branch -f --tree-filter true HEAD~1..HEAD; git reset --hard",
		"git update-index --refresh; git checkout-index -fa",
		"git config alias.commit-undo 'reset --hard'; git commit-undo",
		"git config alias.status-all '!git reset --hard && git clean -fd'; git status-all",
		"GIT_INDEX_FILE=../own-index git read-tree -u --reset topic",
		"cd base; git checkout -f; git clean -fd ..",
		"git -C base -c a.b=c --literal-pathspecs reset --hard",
		'git --git-dir="$PWD/.git" --work-tree="$PWD" reset --hard',
		"git config status.showUntrackedFiles no; git clean -fd",
		"printf 'a\\n*\\n\\nq\\n' | git clean -i; git reset --hard",
		"yes | git checkout -p; yes | git restore -p; git reset --hard",
	].map((command) => ({ command })),
	{ before: inMerge, command: "git merge --abort" },
	{ before: inMerge, command: "git reset --hard" },
	{ before: inMerge, command: "git checkout --theirs -- ." },
	{ before: inMerge, command: "git checkout -f topic" },
	{ before: inRebase, command: "git rebase --abort" },
	{ before: inRebase, command: "git rebase --skip" },
	{ before: inRebase, command: "git rebase --quit; git reset --hard" },
	{ before: inCherryPick, command: "git cherry-pick --abort" },
	{ before: inCherryPick, command: "git cherry-pick --skip" },
	{ before: inRevert, command: "git revert --abort" },
	{ before: inAm, command: "git am --abort" },
	{ before: inAm, command: "git am --skip" },
	{ before: inBisect, command: "git bisect reset" },
	{ before: inBisect, command: "git bisect good; git reset --hard; git bisect reset" },
	{ before: "git sparse-checkout set --cone base", command: "git sparse-checkout disable; git reset --hard" },
	{ before: "git sparse-checkout set base", command: "git reset --hard topic; git clean -fd" },
	{ before: "git config index.sparse true; git sparse-checkout set base", command: "git reset --hard; git clean -fd" },
	{ before: "git config core.splitIndex true; git update-index --split-index", command: "git reset --hard" },
	{ before: "git config core.untrackedCache true; git status -s", command: "git clean -fd; git reset --hard" },
	{ before: "git config feature.manyFiles true; git update-index --index-version 4", command: "git reset --hard" },
	{
		before: "git init -q nested; git init -q other; git -C other commit -q --allow-empty -m x",
		command: "git reset --hard; git clean -fd",
	},
];

/**
 * Does random work in a tree of its own, runs a command that destroys it, and looks whether `udo restore` brings back every
 * file, byte for byte, and everything that was staged. `only` chooses among the commands.
 */
export async function destroyTrees(
	seeds: number,
	seed: number,
	only: (index: number, round: number) => boolean = () => true,
): Promise<Report> {
	const wrong: string[] = [];
	const figures = { trees: 0, harmed: 0, snapshots: 0, files: 0 };
	for (let round = 0; round < seeds; round++) {
		await using sandbox = await template(seed + round);
		for (const [index, destruction] of destructions.entries()) {
			if (!only(index, round)) continue;
			const found = await destroy(sandbox, destruction, seed + round, figures).catch((error) => [String(error)]);
			wrong.push(...found.map((each) => `seed ${seed + round}, ${destruction.command}: ${each}`));
		}
	}
	return { name: "trees destroyed and restored", figures, wrong, slow: [] };
}

// Latin1: names need not be UTF-8.
type Tree = ReadonlyMap<string, string>;

async function destroy(
	sandbox: Sandbox,
	{ command, before }: Destruction,
	seed: number,
	figures: Record<"trees" | "harmed" | "snapshots" | "files", number>,
): Promise<readonly string[]> {
	const { repository } = sandbox;
	rmSync(repository, { recursive: true });
	await sandbox.run("sh", ["-c", "rm -rf own-index tree; cp -a template repo"], { directory: sandbox.directory });
	const shell = (text: string, environment = {}) =>
		sandbox.run("sh", ["-c", text], { as: "alice", environment, directory: repository });
	if (before !== undefined) await shell(before, { UDO: "0" });
	work(sandbox, randomOf(seed), seed);
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

const names = [
	...["base/plain", "base/other", "base/crlf.txt", "base/auto.crlf", "base/run", "base/link", "base/dir/deep/file"],
	...[
		"base/with space",
		"base/it's *odd*",
		"-dash",
		'quote"d',
		"line\nbreak",
		"tab\tbed",
		"b\u00e4d\u00ff",
		"\u00fcnix",
	],
	...["out/a", "out/b", ":(top)magic", "back\\slash"],
];

async function template(seed: number): Promise<Sandbox> {
	const random = randomOf(seed * 7919);
	const sandbox = await Sandbox.create();
	const { repository } = sandbox;
	const crlf = pick(random, ["", "input", "true"]);
	if (crlf !== "") await sandbox.git("config", "core.autocrlf", crlf);
	await sandbox.git("config", "core.safecrlf", "false");
	write(repository, ".gitattributes", "*.txt text\n*.crlf text eol=crlf\n*.bin -text\n*.up filter=upper\n");
	await sandbox.git("config", "filter.upper.clean", "tr a-z A-Z");
	await sandbox.git("config", "filter.upper.smudge", "tr A-Z a-z");
	write(repository, ".gitignore", "*.ignored\n");
	write(repository, "base/x.up", "filtered\n");
	for (const name of names) write(repository, name, text(random));
	chmodSync(join(repository, "base/run"), 0o755);
	rmSync(join(repository, "base/link"));
	symlinkSync("plain", join(repository, "base/link"));
	for (const subject of ["one", "two"]) {
		write(repository, "base/plain", `${subject}\n`);
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", subject);
	}
	await sandbox.git("switch", "-qc", "topic");
	for (const name of names) if (random() < 0.2 && !name.endsWith("link")) write(repository, name, text(random));
	write(repository, "topic-only", "topic\n");
	await sandbox.git("add", "-A");
	await sandbox.git("commit", "-qm", "topic");
	await sandbox.git("switch", "-qc", "conflict", "main");
	write(repository, "base/plain", "conflict\n");
	await sandbox.git("commit", "-qam", "conflict");
	await sandbox.git("switch", "-q", "main");
	write(repository, "base/plain", "main\n");
	await sandbox.git("commit", "-qam", "main");
	const answer = await sandbox.udo(["init", "--yes", "--guard-tree"]);
	if (answer.code !== 0) throw new Error(answer.stderr);
	await sandbox.run("cp", ["-a", "repo", "template"], { directory: sandbox.directory });
	return sandbox;
}

/** Work that no commit has, of every kind that a seed comes upon. */
function work(sandbox: Sandbox, random: () => number, seed: number): void {
	const { repository, environment } = sandbox;
	const stage = (name: string) => {
		const input = Buffer.from(`${name}\0`, "latin1");
		const env = { ...environment, UDO: "0", GIT_LITERAL_PATHSPECS: "1" };
		execFileSync("git", ["add", "-A", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"], {
			cwd: repository,
			env,
			input,
			stdio: ["pipe", "pipe", "pipe"],
		});
	};
	const fresh = [
		"new",
		"new dir/new",
		"new dir/b\u00e9d",
		"base/new.txt",
		"base/new.crlf",
		"x.bin",
		"y.up",
		"line\nnew",
		"-n",
		"out/c",
	];
	for (const name of [...names, ...fresh]) {
		const full = place(repository, name);
		const isThere = existsSync(full);
		const isFresh = fresh.includes(name);
		const dice = random();
		try {
			if (dice < 0.25) continue;
			if (dice < 0.5 || isFresh) write(repository, name, text(random));
			else if (dice < 0.58 && isThere) rmSync(full);
			else if (dice < 0.64 && isThere) chmodSync(full, 0o755);
			else if (dice < 0.7) {
				rmSync(full, { force: true });
				symlinkSync(Buffer.from("nowh\u00e9re", "latin1"), full);
			} else if (dice < 0.75) {
				rmSync(full, { force: true });
				write(repository, `${name}/inside`, text(random));
			} else {
				write(repository, name, "staged!\n");
				stage(name);
				// As large, and within the second: only the age of the index tells.
				if (random() < 0.5) write(repository, name, "further\n");
				else if (random() < 0.3) rmSync(full);
				continue;
			}
			if (random() < 0.3) stage(name);
		} catch (error) {
			// The state the repository is in does not allow for it, such as a sparse one.
			if (!/Command failed|EISDIR|ENOTDIR|ENOENT|EEXIST/.test(String(error))) throw error;
		}
	}
	if (seed % 3 === 0 && existsSync(join(repository, "base/dir"))) {
		rmSync(join(repository, "base/dir"), { recursive: true });
		write(repository, "base/dir", "a file now\n");
	}
	if (seed % 4 === 1) {
		write(repository, "intended", "to add\n");
		git(sandbox, "add", "-N", "--sparse", "intended");
	}
	if (seed % 5 === 2 && existsSync(join(repository, "out/a"))) {
		git(sandbox, "mv", "-f", "out/a", "out/moved");
	}
	write(repository, "x.ignored", "ignored\n");
}

function text(random: () => number): string {
	const end = pick(random, ["\n", "\r\n"]);
	const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, () => `${Math.floor(random() * 1e6)}`);
	const mixed = random() < 0.15 ? "mixed\nline\r\nends\r" : "";
	const binary = random() < 0.1 ? "\0\u00ff\u0080" : "";
	return `${lines.join(end)}${end}${mixed}${binary}`;
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
	return items[Math.floor(random() * items.length)] as Item;
}

function place(directory: string, name: string): Buffer {
	return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, "latin1")]);
}

function write(directory: string, name: string, content: string): void {
	mkdirSync(place(directory, dirname(name)), { recursive: true });
	writeFileSync(place(directory, name), Buffer.from(content, "latin1"));
}

/** All files that are not ignored, with kind, whether they can be run, and content. */
function treeOf(directory: string): Tree {
	const found = new Map<string, string>();
	const visit = (under: string): void => {
		for (const entry of readdirSync(place(directory, under), { encoding: "buffer" })) {
			const name = `${under}${entry.toString("latin1")}`;
			if (name === ".git" || name.endsWith(".ignored") || name === "nested" || name === "other") continue;
			const full = place(directory, name);
			const stats = lstatSync(full);
			if (stats.isDirectory()) visit(`${name}/`);
			else if (stats.isSymbolicLink())
				found.set(name, `link ${readlinkSync(full, { encoding: "buffer" }).toString("latin1")}`);
			else found.set(name, `${stats.mode & 0o100 ? "run" : "file"} ${readFileSync(full, "latin1")}`);
		}
	};
	visit("");
	return found;
}

/** The files that git takes for changed, deleted or new. */
function dirtyIn(sandbox: Sandbox): ReadonlySet<string> {
	const status = git(sandbox, "status", "--porcelain", "-z", "--no-renames", "-uall", "--ignore-submodules=all");
	const names = status.split("\0").map((record) => record.slice(3));
	return new Set(names.filter((name) => name !== "" && !name.endsWith("/")));
}

// What git says of a file that is only announced.
const emptyFile = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/** The entries of the index that are not as in HEAD: mode and id by path. Without those that are unmerged. */
function stagedIn(sandbox: Sandbox): ReadonlyMap<string, string> {
	const fields = git(sandbox, "diff-index", "--cached", "--no-renames", "-z", "HEAD").split("\0");
	const staged = new Map<string, string>();
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const [, mode = "", , id = "", status] = (fields[i] ?? "").split(" ");
		if (status !== "D" && status !== "U" && !/^0+$/.test(id) && id !== emptyFile)
			staged.set(fields[i + 1] ?? "", `${mode} ${id}`);
	}
	return staged;
}

// In latin1; what fails says nothing, as before the first commit of a branch.
function git({ repository, environment }: Sandbox, ...args: readonly string[]): string {
	const quiet = ["-c", "core.fsmonitor=false", "--no-optional-locks", ...args];
	try {
		return execFileSync("git", quiet, { cwd: repository, env: environment, stdio: "pipe" }).toString("latin1");
	} catch {
		return "";
	}
}

function show(what: string | undefined): string {
	return JSON.stringify(what?.slice(0, 60) ?? "not there");
}
