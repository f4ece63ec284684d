import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { destructions } from "../campaign/tree/destructions.ts";
import { destroyTrees } from "../campaign/tree/tree.ts";
import { writeScript } from "../helpers/hooks.ts";
import { randomOf, seedOfThisRun } from "../helpers/random.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { snapshotOf } from "../helpers/snapshot.ts";

interface Listed {
	readonly count: number;
	readonly snapshots: readonly {
		readonly number: number;
		readonly before: string;
		readonly session: string;
		readonly files: number;
		readonly differs: readonly string[];
	}[];
}

/** Work that no commit has: changed, staged, changed after staging, new, new in a directory, executable, a link, odd names. */
async function work(sandbox: Sandbox): Promise<void> {
	const { repository } = sandbox;
	await writeFile(join(repository, "README.md"), "changed\n");
	await writeFile(join(repository, "src/a.ts"), "staged\n");
	await sandbox.git("add", "src/a.ts");
	await mkdir(join(repository, "new dir"));
	await writeFile(join(repository, "new dir", "it's *new*\n"), "new\r\n\0binary");
	await writeFile(join(repository, "-option"), "option\n");
	await writeScript(join(repository, "run"), "#!/bin/sh\n");
	await symlink("nowhere", join(repository, "link"));
}

async function treeOf(sandbox: Sandbox): Promise<Record<string, string>> {
	const all = await snapshotOf(sandbox.repository);
	return Object.fromEntries(
		Object.entries(all).filter(([name, what]) => !name.startsWith(".git") && !what.startsWith("directory")),
	);
}

describe("everything is recoverable after", () => {
	test.each([
		["reset --hard", "git reset -q --hard"],
		["reset --hard, cut short", "git reset -q --har"],
		["reset --hard to another commit", "git reset -q --hard topic"],
		["checkout -f", "git checkout -qf topic"],
		["switch --discard-changes", "git switch -q --discard-changes topic"],
		["checkout of files", "git checkout -q -- ."],
		["checkout of files from a commit", "git checkout -q topic -- ."],
		["restore", "git restore -q ."],
		["restore of staged files", "git restore -q --staged --worktree ."],
		["clean", "git clean -qfd"],
		["clean and reset", "git clean -qfd; git reset -q --hard"],
		["stash and drop", "git stash push -q; git stash drop -q"],
		["stash of untracked files and drop", "git stash push -qu; git stash drop -q"],
		["a merge that is aborted", "git merge -q topic; git merge --abort; git reset -q --hard"],
		["a rebase with autostash", "git rebase -q --autostash topic; git reset -q --hard; git clean -qfd"],
		["rm -f", "git rm -qrf ."],
		["read-tree", "git read-tree -u --reset topic"],
		["an alias", "git config alias.nuke 'reset --hard'; git nuke"],
		["options before the command", "git -c core.quotePath=false -C . --no-pager reset -q --hard"],
		["a command in a subdirectory", "cd src; git reset -q --hard; git clean -qfd ..; cd .."],
	])("%s", async (_, command) => {
		await using sandbox = await guarded();
		await work(sandbox);
		const before = await treeOf(sandbox);
		const alice = sandbox.terminal("alice");

		await alice.run(command);
		expect(await treeOf(sandbox)).not.toEqual(before);
		const { snapshots } = await sandbox.data<Listed>(["restore"]);
		const first = snapshots.at(-1);
		const answer = await alice.run(`udo restore ${first?.number}`);
		expect(answer).toMatchObject({ code: 0, stderr: "" });
		const after = await treeOf(sandbox);
		// What nobody changed is in HEAD, and is not brought back from another branch's version.
		delete before["src/b.ts"];
		for (const [name, what] of Object.entries(before)) expect(after[name], name).toBe(what);
	});

	test("any of the commands in the campaign, in a tree of random work", async () => {
		const seed = seedOfThisRun();
		const random = randomOf(seed);
		const chosen = new Set(Array.from({ length: 6 }, () => Math.floor(random() * destructions.length)));

		const { wrong } = await destroyTrees(1, seed, (index) => chosen.has(index));
		expect(wrong, `UDO_SEED=${seed}`).toEqual([]);
	});

	test("a change as large as what was committed, within the second", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		// git compares seconds, and looks into a file that is not older than its index. As if all of this were one second.
		await sandbox.git("config", "core.trustctime", "false");
		const second = "touch -d @1700000000 src/a.ts";
		await alice.run(`echo before >src/a.ts; ${second}; git commit -qam x; echo after! >src/a.ts; ${second} .git/index`);
		await alice.run("echo more >>README.md; git reset -q --hard; udo restore 1");

		expect(await readFile(join(sandbox.repository, "src/a.ts"), "utf8")).toBe("after!\n");
	});

	test("a deletion, and names and line endings that git would change", async () => {
		await using sandbox = await guarded();
		const name = Buffer.concat([Buffer.from(`${sandbox.repository}/`), Buffer.from([0x66, 0xff])]);
		await sandbox.git("config", "core.autocrlf", "input");
		await writeFile(name, "not UTF-8\r\n");
		await writeFile(join(sandbox.repository, "README.md"), "mixed\r\nends\n");
		await sandbox.terminal("alice").run("rm src/a.ts; git add README.md; git clean -qfd; git reset -q --hard");

		const answer = await sandbox.udo(["restore", "2"]);
		expect(answer).toMatchObject({ code: 0, stderr: "" });
		expect(answer.stdout).toContain("removed src/a.ts, which was deleted then\n");
		expect(await readdir(join(sandbox.repository, "src"))).toEqual(["b.ts"]);
		expect(await readFile(name, "utf8")).toBe("not UTF-8\r\n");
		expect(await read(sandbox, "README.md")).toBe("mixed\r\nends\n");
	});

	test("what a filter of the user's would lose, and what it may keep from others", async () => {
		await using sandbox = await guarded();
		const { repository } = sandbox;
		await writeFile(join(repository, ".gitattributes"), "*.secret filter=rot\n*.noisy filter=quiet\n");
		await sandbox.git("config", "filter.rot.clean", "tr a-z b-za");
		await sandbox.git("config", "filter.rot.smudge", "tr b-za a-z");
		await sandbox.git("config", "filter.quiet.clean", "sed /noise/d");
		await writeFile(join(repository, "a.secret"), "abc\n");
		await writeFile(join(repository, "a.noisy"), "noise\nabc\n");
		await sandbox.terminal("alice").run("git clean -qfd");

		expect(await sandbox.git("grep", "-h", "abc", (await snapshotIds(sandbox))[0] ?? "")).toBe("abc\n");
		expect((await sandbox.udo(["restore", "1"])).code).toBe(0);
		expect(await read(sandbox, "a.secret")).toBe("abc\n");
		expect(await read(sandbox, "a.noisy")).toBe("noise\nabc\n");
	});

	test("reset --hard in a linked worktree, whose snapshots are its own", async () => {
		await using sandbox = await guarded();
		const tree = join(sandbox.directory, "linked 'tree'");
		await sandbox.git("worktree", "add", "-q", "--detach", tree);
		const alice = sandbox.terminal("alice", tree);
		await alice.run("echo mine >mine; echo more >>README.md; git reset -q --hard; git clean -qfd");

		expect((await alice.run("udo restore 2; cat mine README.md")).stdout).toContain("mine\nREADME.md\nmore\n");
		expect((await sandbox.data<Listed>(["restore"])).count).toBe(0);
	});

	test("what was staged and then changed on disk is staged again", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("echo staged >src/a.ts; git add src/a.ts; echo later >src/a.ts; git reset -q --hard");

		await alice.run("udo restore --staged 1");
		expect(await sandbox.git("show", ":src/a.ts")).toBe("staged\n");
		expect(await readFile(join(sandbox.repository, "src/a.ts"), "utf8")).toBe("later\n");
	});

	test("before the first commit", async () => {
		await using sandbox = await Sandbox.create();
		const fresh = join(sandbox.directory, "fresh");
		await sandbox.git("init", "-q", fresh);
		await sandbox.udo(["init", "--yes", "--guard-tree"], { directory: fresh });
		const alice = sandbox.terminal("alice", fresh);
		await alice.run("echo one >one; git add one; echo two >two; git clean -qfd; git rm -qf one");

		expect((await alice.run("udo restore 2; cat one two")).stdout).toContain("one\ntwo\n");
	});
});

describe("udo restore", () => {
	test("keeps a file that was changed since, and puts the old one beside it", async () => {
		await using sandbox = await guarded();
		await work(sandbox);
		const alice = sandbox.terminal("alice");
		await alice.run(
			"git reset -q --hard; echo newer >README.md; rm -r 'new dir' link; echo file >'new dir'; mkdir link",
		);

		const answer = await alice.run("udo restore 1");
		expect(answer.code).toBe(5);
		expect(answer.stdout).toContain("kept README.md, which changed since; the old one: README.md.udo-restored\n");
		expect(answer.stdout).toContain("something else is where new dir/");
		expect(answer.stdout).toContain("something else is where link was");
		expect(await read(sandbox, "README.md")).toBe("newer\n");
		expect(await read(sandbox, "README.md.udo-restored")).toBe("changed\n");
		await alice.run("udo restore 1");
		expect(await readdir(sandbox.repository)).not.toContain("README.md.udo-restored-2");
	});

	test("does not overwrite what is ignored now, nor follow a link out of the tree", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("echo old >secret; mkdir dir; echo old >dir/file; git reset -q --hard; git clean -qfd");
		await alice.run(
			"git reset -q --hard; mkdir ../outside; ln -s ../outside dir; echo secret >.gitignore; echo new >secret",
		);

		await alice.run("udo restore 1");
		expect(await read(sandbox, "secret")).toBe("new\n");
		expect(await read(sandbox, "secret.udo-restored")).toBe("old\n");
		expect(await readdir(join(sandbox.directory, "outside"))).toEqual([]);
		expect(await readlink(join(sandbox.repository, "dir"))).toBe("../outside");
	});

	test("brings back only what is named, typed from anywhere", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("echo more >>README.md; echo more >>src/a.ts; echo more >>src/b.ts; git reset -q --hard; cd src");

		expect((await alice.run("udo restore 1 a.ts")).stdout).toBe("restored src/a.ts\n");
		expect((await alice.run("cd ..; udo restore 1 src")).stdout).toBe("restored src/b.ts\n");
		expect(await sandbox.git("status", "--short")).toBe(" M src/a.ts\n M src/b.ts\n");
		expect((await alice.run("udo restore 1 ../elsewhere")).code).toBe(1);
		expect((await alice.run("udo restore 99")).code).toBe(64);
	});

	test("keeps what was committed since, and puts the old one beside it", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("echo draft >README.md; git reset -q --hard; echo final >README.md; git commit -qam final");

		const { stdout } = await alice.run("udo restore 1");
		expect(stdout).toBe("kept README.md, which changed since; the old one: README.md.udo-restored\n");
		expect(await read(sandbox, "README.md")).toBe("final\n");
		expect(await read(sandbox, "README.md.udo-restored")).toBe("draft\n");
	});

	test("gives what git does not know the permissions it had, in a tree that was moved since", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("umask 022; mkdir keys; echo 1 >keys/one; echo 2 >two; chmod 600 keys/one; chmod 500 keys; cd ..");
		await alice.run(
			"chmod 666 repo/two; git -C repo reset -q --hard; rm -rf repo/keys repo/two; mv repo moved; cd moved",
		);

		expect(await alice.run("udo restore 1; stat -c %a keys keys/one two; chmod 700 keys")).toMatchObject({
			stdout: "restored keys/one\nrestored two\n500\n600\n666\n",
		});
	});

	test("names what cannot be written, and brings back the rest", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		// There is no room for what would go beside it.
		const long = "n".repeat(250);
		await alice.run(`echo old >${long}; mkdir shut; echo 1 >shut/1; echo 2 >two; git clean -qfd; echo new >${long}`);
		await alice.run("mkdir shut; chmod 500 shut");

		const { code, stdout } = await alice.run("udo restore 1; code=$?; chmod 700 shut; (exit $code)");
		expect(code).toBe(5);
		expect(stdout).toContain("restored two\n");
		expect(stdout).toContain(`not restored: ${long} (ENAMETOOLONG)\n`);
		// Whoever is root writes everywhere.
		if (process.getuid?.() !== 0) expect(stdout).toContain("not restored: shut/1 (EACCES)\n");
	});

	test("lists what there is, whose, before what, and what differs now", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		expect((await alice.run("udo restore")).stdout).toContain("no snapshots");
		await alice.run("echo more >>README.md; touch new; git reset -q --hard");

		expect((await alice.run("udo restore")).stdout).toMatch(
			/^1 {2}[0-9a-f]{8} {2}\d+ m?s ago {2}alice \(term_\w+\) {2}before git reset -q --hard {2}2 files {2}differs now: README\.md\n$/,
		);
		await alice.run("udo restore 1");
		expect((await sandbox.data<Listed>(["restore"])).snapshots).toMatchObject([{ files: 2, differs: [] }]);
	});
});

describe("the guard of a tree", () => {
	test.each([
		"git status",
		"git diff",
		"git add -A",
		"git log -1",
		"git reset -q",
		"git -c a.b=c status",
		"git commit -qam x",
	])("keeps nothing for %s", async (command) => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");

		await alice.run(`echo more >>README.md; ${command}`);
		expect((await sandbox.data<Listed>(["restore"])).count).toBe(0);
	});

	test("keeps nothing twice, nothing where nothing is, and nothing under UDO=0", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("git checkout -q topic; echo more >>README.md; UDO=0 git checkout -q main");
		expect((await sandbox.data<Listed>(["restore"])).count).toBe(0);

		await alice.run("git checkout -q topic; git checkout -q topic; git checkout -q topic");
		expect((await sandbox.data<Listed>(["restore"])).count).toBe(2);
	});

	test("keeps at most fifty snapshots of a session, and none for more than fourteen days", async () => {
		await using sandbox = await guarded();
		const id = (await sandbox.git("rev-parse", "HEAD")).trim();
		const old = Date.now() - 15 * 86_400_000;
		await sandbox.run("git", ["update-ref", "--stdin"], {
			input:
				Array.from({ length: 60 }, (_, i) => `create refs/udo/wip/me/${Date.now() - i} ${id}\n`).join("") +
				`create refs/udo/wip/you/${old} ${id}\n`,
		});
		const body = JSON.stringify({ session: "me", actor: "me", worktree: "x", before: "x" });
		const made = (await sandbox.git("commit-tree", "-m", "udo: x", "-m", body, "HEAD^{tree}")).trim();
		const refs = (await sandbox.git("for-each-ref", "--format=%(refname)", "refs/udo")).split("\n").filter(Boolean);
		for (const ref of refs) await sandbox.git("update-ref", ref, made);

		await sandbox.run("sh", ["-c", "echo more >>README.md; git reset -q --hard"], { as: "me" });
		const left = (await sandbox.git("for-each-ref", "--format=%(refname)", "refs/udo")).split("\n").filter(Boolean);
		expect(left).toHaveLength(50);
		expect(left.some((ref) => ref.includes("you"))).toBe(false);
	});

	test("keeps files though the store cannot be used", async () => {
		await using sandbox = await guarded();
		await writeFile(join(sandbox.repository, "udo.config.json"), "{");
		await sandbox.run("sh", ["-c", "echo more >>README.md; git reset -q --hard"]);

		await rm(join(sandbox.repository, "udo.config.json"));
		expect((await sandbox.data<Listed>(["restore"])).snapshots).toMatchObject([{ session: "unknown" }]);
	});

	test("asks the monitor that was there before, and gives it back when removed, byte for byte", async () => {
		await using sandbox = await Sandbox.create();
		const monitor = join(sandbox.directory, "my monitor");
		await writeScript(monitor, `#!/bin/sh\necho "$*" >>'${sandbox.directory}/asked'\nprintf 'token\\0/\\0'\n`);
		await sandbox.git("config", "core.fsmonitor", `'${monitor}'`);
		const before = await snapshotOf(sandbox.repository);
		await sandbox.udo(["init", "--yes", "--guard-tree"]);
		const installed = await snapshotOf(sandbox.repository);
		await sandbox.udo(["init", "--yes"]);
		expect(await snapshotOf(sandbox.repository)).toEqual(installed);

		await sandbox.run("sh", ["-c", "echo more >>README.md; git reset -q --hard"]);
		expect(await readFile(join(sandbox.directory, "asked"), "utf8")).toMatch(/^2 /);
		expect((await sandbox.data<Listed>(["restore"])).count).toBe(1);
		await sandbox.git("for-each-ref", "--format=delete %(refname)", "refs/udo");
		await sandbox.git(
			"update-ref",
			"-d",
			(await sandbox.git("for-each-ref", "--format=%(refname)", "refs/udo")).trim(),
		);
		await sandbox.udo(["init", "--remove", "--yes"]);
		const after = await snapshotOf(sandbox.repository);
		for (const [name, what] of Object.entries(before)) expect(after[name], name).toBe(what);
		expect(await sandbox.git("config", "core.fsmonitor")).toBe(`'${monitor}'\n`);
	});

	test.each([
		["plain hooks", [] as string[]],
		["core.hooksPath", ["config", "core.hooksPath", "mine"]],
	])("is installed once and removed byte for byte beside %s", async (_, configure) => {
		await using sandbox = await Sandbox.create();
		if (configure.length > 0) await sandbox.git(...configure);
		const before = await snapshotOf(sandbox.repository);

		for (let round = 0; round < 2; round += 1) {
			expect((await sandbox.udo(["init", "--yes", "--guard-tree"])).code).toBe(0);
			expect(await sandbox.git("config", "core.fsmonitor")).toContain("fsmonitor");
			expect((await sandbox.udo(["init", "--yes", "--guard-tree"])).stdout).toContain("nothing to do");
			expect((await sandbox.udo(["doctor"])).code).toBe(0);
			expect((await sandbox.udo(["init", "--remove", "--yes"])).code).toBe(0);
			expect(await snapshotOf(sandbox.repository)).toEqual(before);
		}
	});

	test("is not fooled by an alias whose name begins like a harmless command", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("git config alias.diff-all 'reset --hard'; git config alias.commit-undo 'reset --hard HEAD'");
		await alice.run("echo one >>README.md; git diff-all; echo two >>README.md; git commit-undo");

		expect(await snapshotIds(sandbox)).toHaveLength(2);
	});

	test("is taken out again alone", async () => {
		await using sandbox = await guarded();
		await sandbox.udo(["init", "--yes", "--no-guard-tree"]);

		expect((await sandbox.run("git", ["config", "core.fsmonitor"])).code).toBe(1);
		expect((await sandbox.udo(["doctor"])).stdout).toContain("hooks: installed");
	});

	test("keeps what is staged, before git reset takes it out, where the file has changed since", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("echo staged >src/a.ts; git add src/a.ts; echo later >src/a.ts; git reset -q");

		expect((await alice.run("udo restore --staged 1")).stdout).toBe("staged src/a.ts\n");
		expect(await sandbox.git("show", ":src/a.ts")).toBe("staged\n");
	});

	test("sees new files though git status shows none, and keeps nothing of a working tree that is made", async () => {
		await using sandbox = await guarded();
		const alice = sandbox.terminal("alice");
		await alice.run("git worktree add -q ../tree; cd ../tree; git status; cd ../repo");
		expect(await snapshotIds(sandbox)).toEqual([]);
		await sandbox.git("config", "status.showUntrackedFiles", "no");
		await alice.run("echo new >new; git clean -qfd");

		expect(await snapshotIds(sandbox)).toHaveLength(1);
	});

	test("refuses to stand in for git's own monitor", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("config", "core.fsmonitor", "true");

		const answer = await sandbox.udo(["init", "--yes", "--guard-tree"]);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(
			/git's own file system monitor is on here\n.*\n {2}next: git config core\.fsmonitor false/,
		);
		expect((await sandbox.udo(["init", "--yes"])).code).toBe(0);
	});
});

async function guarded(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	await sandbox.git("switch", "-qc", "topic");
	await writeFile(join(sandbox.repository, "src/b.ts"), "topic\n");
	await sandbox.git("commit", "-qam", "topic");
	await sandbox.git("switch", "-q", "main");
	const answer = await sandbox.udo(["init", "--yes", "--guard-tree"]);
	if (answer.code !== 0) throw new Error(answer.stderr);
	return sandbox;
}

async function snapshotIds(sandbox: Sandbox): Promise<readonly string[]> {
	return (await sandbox.git("for-each-ref", "--format=%(objectname)", "refs/udo/wip")).split("\n").filter(Boolean);
}

function read(sandbox: Sandbox, path: string): Promise<string> {
	return readFile(join(sandbox.repository, path), "utf8");
}
