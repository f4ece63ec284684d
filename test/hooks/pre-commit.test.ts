import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, openEditor } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";
import type { Terminal } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

describe("a commit with a file that another session has locked is refused", () => {
	test.each([
		["staged", "git add src/a.ts; git commit -qm x"],
		["with -a", "git commit -qam x"],
		["by path", "git commit -qm x src/a.ts"],
		["by path beside staged ones", "echo y >>README.md; git add README.md; git commit -qm x -i src/a.ts"],
		["with -p", "yes | git commit -qpm x >../out"],
		["by --amend", "git add src/a.ts; git commit -q --amend -m x"],
		["from a subdirectory", "cd src; git commit -qam x"],
		["by deletion", "git rm -qf src/a.ts; git commit -qm x"],
		["by renaming it away", "git checkout -q src/a.ts; git mv src/a.ts src/c.ts; git commit -qm x"],
		["by renaming onto it", "git rm -q --cached src/a.ts; git mv -f README.md src/a.ts; git commit -qm x"],
		["with the index elsewhere", "GIT_INDEX_FILE=../index; export GIT_INDEX_FILE; git add -A; git commit -qm x"],
		["with --work-tree and --git-dir", 'cd ..; git --git-dir="$PWD/repo/.git" --work-tree="$PWD/repo" commit -qam x'],
	])("%s", async (_, command) => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/a.ts");
		await alice.run("echo more >>src/a.ts");

		const answer = await alice.run(`(${command})`);
		expect(answer).toMatchObject({ code: 1, stdout: "" });
		expect(answer.stderr).toMatch(
			/^udo: commit refused: src\/a\.ts is locked.*\n.*bob.*lease ends in.*\n {2}next: udo /,
		);
		expect(await sandbox.git("log", "--format=%s")).toBe("first\n");
	});

	test.each([
		["the staged part of it is not locked", "git add README.md; git commit -qm x"],
		["the path given is not locked", "git add -A; git commit -qm x README.md"],
		["only a message is amended", "git commit -q --amend -m x"],
	])("and goes through when %s", async (_, command) => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/a.ts");
		await alice.run("echo more >>src/a.ts; echo more >>README.md");

		expect(await alice.run(`(${command})`)).toMatchObject({ code: 0, stderr: "" });
		expect(await sandbox.git("log", "-1", "--format=%s")).toBe("x\n");
	});

	test("before there is any commit", async () => {
		await using sandbox = await Sandbox.create();
		const fresh = join(sandbox.directory, "fresh");
		await sandbox.git("init", "-q", fresh);
		await installHooks(sandbox, fresh);
		const [alice, bob] = [sandbox.terminal("alice", fresh), sandbox.terminal("bob", fresh)];
		await bob.run("touch a; udo lock a");

		expect((await alice.run("git add a; git commit -qm x")).stderr).toContain("commit refused: a is locked");
	});

	test("whatever its name is", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		const names = ["with space", "it's", "ünïcode", '"quoted"', "-dash", "line\nbreak", "\u001b[31mred"];
		for (const name of names) await writeFile(join(sandbox.repository, name), "x");
		await bob.run('for f in ./*; do udo lock "$f" >/dev/null; done');

		const answer = await alice.run("git add -A; git commit -qm x");
		expect(answer.code).toBe(1);
		expect(answer.stderr).toContain("and 2 more are locked");
		expect(answer.stderr).not.toContain("\u001b");
		expect(answer.stderr.trimEnd().split("\n")).toHaveLength(3);
	});

	test.each([
		["at the top", ".", "'sub/it'\\''s *here'", "':(top,literal)sub/it'\\''s *here'"],
		["in the directory of the file", "sub", "'it'\\''s *here'", "':(top,literal)sub/it'\\''s *here'"],
		["in another directory", "src", "'../sub/it'\\''s *here'", "':(top,literal)sub/it'\\''s *here'"],
	])("with commands that mean it when typed %s", async (_, directory, path, fromTop) => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await mkdir(join(sandbox.repository, "sub"));
		await writeFile(join(sandbox.repository, "sub", "it's *here"), "x");
		await bob.run("udo lock sub/it*");

		const answer = await alice.run(`git add -A; cd ${directory}; git commit -qm x`);
		const next = `udo run --wait ${path} -- git commit, or leave it out: git restore --staged ${fromTop}`;
		expect(answer.stderr).toContain(`\n  next: ${next}\n`);
		expect(await alice.run(`git restore --staged ${fromTop}; git diff --cached --name-only`)).toMatchObject({
			stdout: "",
			stderr: "",
		});
		await bob.run("udo unlock --all");
		expect(await alice.run(`udo run --wait ${path} -- true`)).toMatchObject({ code: 0 });
	});

	test("in a linked worktree on the same paths as in the main one", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const tree = join(sandbox.directory, "linked tree");
		await sandbox.git("worktree", "add", "-q", "-b", "topic", tree);
		const [alice, bob] = [sandbox.terminal("alice", tree), sandbox.terminal("bob", tree)];
		await bob.run("udo lock src/");
		await alice.run("echo more >>src/a.ts; echo more >>src/b.ts");

		const answer = await alice.run("cd src; git commit -qam x");
		expect(answer.stderr).toContain("src/a.ts, src/b.ts are locked");
		expect(await sandbox.git("log", "--all", "--format=%s")).toBe("first\n");
	});

	test("once for each holder, with three lines each", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/a.ts");
		await sandbox.terminal("carol").run("udo lock README.md");
		await alice.run("echo more >>src/a.ts; echo more >>README.md; echo more >>src/b.ts");

		const { stderr } = await alice.run("git commit -qam x");
		expect(stderr.match(/commit refused/g)).toHaveLength(2);
		expect(stderr.trimEnd().split("\n")).toHaveLength(6);
		expect(stderr).not.toContain("src/b.ts");
	});
});

describe("who is stopped depends on where the holder works", () => {
	test("a claim on another branch warns, and blocks a file that cannot be merged", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, ".gitattributes"), "*.psd lockable\n");
		await writeFile(join(sandbox.repository, "logo.psd"), "x");
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", "logo");
		await installHooks(sandbox);
		const tree = join(sandbox.directory, "tree");
		await sandbox.git("worktree", "add", "-q", "-b", "topic", tree);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", tree)];
		await bob.run("udo lock src/a.ts logo.psd");
		await alice.run("echo more >>src/a.ts; echo more >>logo.psd");

		const mergeable = await alice.run("git commit -qm x src/a.ts");
		expect(mergeable.code).toBe(0);
		expect(mergeable.stderr).toMatch(/^udo: warning: src\/a\.ts is locked .*bob.*on branch topic in .*\n$/);
		const binary = await alice.run("git commit -qm x logo.psd");
		expect(binary.code).toBe(1);
		expect(binary.stderr).toContain("logo.psd is locked");
	});

	test("the holder's branch is the one its tree is on now, not the one it once said", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const clone = join(sandbox.directory, "clone");
		await sandbox.git("clone", "-q", sandbox.repository, clone);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git switch -qc topic; udo lock src/a.ts");
		await alice.run("echo more >>src/a.ts");

		expect((await alice.run("git commit -qam x")).stderr).toContain("warning: src/a.ts");
		await bob.run("git switch -q main");
		await alice.run("echo more >>src/a.ts");
		expect((await alice.run("git commit -qam x")).stderr).toContain("commit refused: src/a.ts");
	});

	test("somebody's edit blocks in the same tree and is silent on another branch", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const tree = join(sandbox.directory, "tree");
		await sandbox.git("worktree", "add", "-q", "-b", "topic", tree);
		await using editor = await openEditor(sandbox, "bob");
		await editor.coordinator.acquire([{ kind: "file", id: "src/a.ts" }], { origin: "edit" });

		const here = await sandbox.terminal("alice").run("echo more >>src/a.ts; git commit -qam x");
		expect(here.code).toBe(1);
		expect(here.stderr).toContain("src/a.ts is being edited");
		const there = await sandbox.terminal("carol", tree).run("echo more >>src/a.ts; git commit -qam x");
		expect(there).toMatchObject({ code: 0, stderr: "" });
	});

	test("one's own editor warns about unsaved text and is silent without", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await using editor = await openEditor(sandbox, "alice");
		const { project, session } = editor.coordinator;
		await editor.coordinator.acquire([{ kind: "file", id: "src/a.ts" }], { origin: "edit" });
		const alice = sandbox.terminal("alice");

		await editor.store.setPresence(project, session.id, [{ path: "src/a.ts", unsaved: true, line: 1 }]);
		const unsaved = await alice.run("echo more >>src/a.ts; git commit -qam x");
		expect(unsaved.code).toBe(0);
		expect(unsaved.stderr).toContain("warning: src/a.ts is being edited");
		await editor.store.setPresence(project, session.id, [{ path: "src/a.ts", unsaved: false, line: 1 }]);
		expect(await alice.run("echo more >>src/a.ts; git commit -qam x")).toMatchObject({ code: 0, stderr: "" });
	});

	test.each([
		["the whole project", "udo lock --project"],
		["everything", "udo lock --exclusive"],
	])("a lock on %s blocks in any tree", async (_, command) => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const tree = join(sandbox.directory, "tree");
		await sandbox.git("worktree", "add", "-q", "-b", "topic", tree);
		await sandbox.terminal("bob", tree).run(command);

		const answer = await sandbox.terminal("alice").run("echo more >>src/a.ts; git commit -qam x");
		expect(answer.code).toBe(1);
		expect(answer.stderr).toContain("bob");
	});

	test("a dead session stops nobody", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await sandbox.terminal("carol").run("udo status");
		await bob.run("udo lock src/a.ts");
		await bob.kill();

		expect(await alice.run("echo more >>src/a.ts; git commit -qam x")).toMatchObject({ code: 0, stderr: "" });
	});
});

describe("the branch", () => {
	test("that somebody claimed cannot be committed to, by whoever it is", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock --branch main");
		await alice.run("echo more >>README.md");

		const answer = await alice.run("git commit -qam x");
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(
			/commit refused: branch main is not free\n.*bob.*\n {2}next: udo run --wait --branch main/,
		);
		expect(await alice.run("git switch -q --detach; git commit -qam x")).toMatchObject({ code: 0 });
	});

	test("belongs to a git commit whose message is being written, until that git ends", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo status");
		await alice.run("udo status; mkfifo ../pipe; echo more >>README.md; git add README.md");
		const committing = alice.run("GIT_EDITOR='cat ../pipe >' git commit -q");
		const held = await until(
			() => statusOf(sandbox),
			({ locks }) => locks.length === 1,
		);

		expect(held.locks[0]?.resource).toBe("git:main");
		const refused = await bob.run("git commit -q --allow-empty -m empty");
		expect(refused.code).toBe(1);
		expect(refused.stderr).toMatch(
			/branch main is not free\n {2}git of alice .* is committing here for \d+ s \(pid \d+\)/,
		);
		await sandbox.run("sh", ["-c", "echo message >pipe"], { directory: sandbox.directory });
		expect((await committing).code).toBe(0);
		expect((await bob.run("git commit -q --allow-empty -m empty")).code).toBe(0);
		expect(await sandbox.git("log", "--format=%s")).toBe("empty\nmessage\nfirst\n");
	});

	test("of a clone that commits stops no commit in another clone", async () => {
		await using sandbox = await Sandbox.create();
		const clone = join(sandbox.directory, "clone");
		await sandbox.git("clone", "-q", sandbox.repository, clone);
		await installHooks(sandbox);
		await installHooks(sandbox, clone);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("udo status");
		await alice.run("udo status; mkfifo ../pipe");
		const committing = alice.run("GIT_EDITOR='cat ../pipe >' git commit -q --allow-empty");
		await until(
			() => statusOf(sandbox),
			({ locks }) => locks.length === 1,
		);

		expect(await bob.run("git commit -q --allow-empty -m empty")).toMatchObject({ code: 0, stderr: "" });
		await sandbox.run("sh", ["-c", "echo message >pipe"], { directory: sandbox.directory });
		await committing;
	});
});

describe("a merge", () => {
	test("may bring in what others have committed to a locked file, and nothing else", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.run("sh", [
			"-c",
			`git switch -qc theirs; echo theirs >>src/a.ts; echo theirs >>src/b.ts; git commit -qam theirs
			git switch -q main; echo ours >>README.md; git commit -qam ours
			git switch -qc conflicting; echo ours >>src/b.ts; git commit -qam conflict; git switch -q main`,
		]);
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/");

		expect(await alice.run("git merge -q --no-edit theirs")).toMatchObject({ code: 0, stderr: "" });
		await alice.run("git reset -q --hard HEAD^; git switch -q conflicting; git merge -q theirs");
		await alice.run("printf 'both\\n' >src/b.ts; git add -A");
		const resolved = await alice.run("git commit -q --no-edit");
		expect(resolved.code).toBe(1);
		expect(resolved.stderr).toContain("commit refused: src/b.ts is locked");
	});

	test("of branches with changes of its own in a locked file is refused by pre-merge-commit", async () => {
		await using sandbox = await Sandbox.create();
		const lines = Array.from({ length: 30 }, (_, i) => `${i}\n`);
		await writeFile(join(sandbox.repository, "src/a.ts"), lines.join(""));
		await sandbox.git("commit", "-qam", "long");
		await sandbox.run("sh", [
			"-c",
			`git switch -qc theirs; sed -i 's/^3$/theirs/' src/a.ts; git commit -qam theirs
			git switch -q main; sed -i 's/^27$/ours/' src/a.ts; git commit -qam ours`,
		]);
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/a.ts");

		const answer = await alice.run("git merge -q --no-edit theirs");
		expect(answer.code).not.toBe(0);
		expect(answer.stderr).toContain("commit refused: src/a.ts is locked");
	});
});

describe("what stays behind", () => {
	test("is an entry in the log for each refusal and each skip", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo lock src/a.ts");
		await alice.run("echo more >>src/a.ts");

		expect((await alice.run("git commit -qam x")).code).toBe(1);
		expect(await alice.run("(UDO=0; export UDO; git commit -qam x)")).toMatchObject({ code: 0, stderr: "" });
		await alice.run("echo more >>src/a.ts");
		expect(await alice.run("(UDO_SKIP=1; export UDO_SKIP; git commit -qam x)")).toMatchObject({ code: 0, stderr: "" });
		await using onlooker = await openEditor(sandbox, "onlooker");
		const { project, store } = onlooker;
		const types = ["guard_refused", "guard_skipped"] as const;
		expect(await store.events({ project, after: 0, limit: 10, types })).toMatchObject([
			{ type: "guard_refused", hook: "pre-commit", paths: ["src/a.ts"], actor: "alice" },
			{ type: "guard_skipped", variable: "UDO=0", actor: "alice" },
			{ type: "guard_skipped", variable: "UDO_SKIP=1", actor: "alice" },
		]);
		expect(await store.counters()).toMatchObject({
			udo_hook_runs_total: 3,
			udo_hook_refusals_total: 1,
			udo_hook_skips_total: 2,
		});
	});

	test("is no lock, once git is done", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("udo status");

		await alice.run("echo more >>src/a.ts; git commit -qam x");
		expect((await statusOf(sandbox)).locks).toEqual([]);
		expect(await readFile(join(sandbox.repository, "src/a.ts"), "utf8")).toBe("src/a.ts\nmore\n");
	});
});

async function twoTerminals(sandbox: Sandbox): Promise<{ readonly alice: Terminal; readonly bob: Terminal }> {
	return { alice: sandbox.terminal("alice"), bob: sandbox.terminal("bob") };
}
