import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, openEditor, spyOnNode, writeScript } from "../helpers/hooks.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import type { Status } from "../helpers/status.ts";
import type { Terminal } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

interface Recorded {
	readonly conflicts: readonly { readonly type: string; readonly summary: string; readonly next: string }[];
}

describe("on a branch that another session has locked", () => {
	test.each([
		["a commit without the pre-commit hook", "git commit -q --allow-empty --no-verify -m x"],
		["a branch that is moved by force", "git switch -q --detach; git branch -qf main $OTHER"],
		["a branch that is reset", "git update-ref refs/heads/main $OTHER"],
		["a branch that is deleted", "git switch -q --detach; git branch -qD main"],
		["a stash", "git stash push -q"],
		["a stash with untracked files", "touch new; git stash push -qu"],
		["a merge", "git merge -q --no-edit topic"],
		["a merge with autostash", "git merge -q --no-edit --autostash topic"],
		["a merge that would only move the branch", "git merge -q --autostash ahead"],
		["a pull that would only move the branch", "git pull -q --rebase --autostash . ahead"],
		["a rebase", "git switch -q topic; git rebase -q --autostash main topic"],
	])("%s is refused, and nothing is lost", async (_, command) => {
		await using sandbox = await withTopic();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", await otherTree(sandbox))];
		await bob.run("udo lock --branch main --branch topic");
		await alice.run("OTHER=$(git commit-tree -m other HEAD^{tree}); export OTHER; echo more >>README.md");
		const before = await sandbox.git("rev-parse", "main", "topic");

		const answer = await alice.run(`(${command})`);
		expect(answer.code).not.toBe(0);
		expect(answer.stderr).toMatch(
			/udo: (move|stash|rebase|merge) refused: branch (main|topic) is locked by somebody else\n {2}bob .* has it for .*, lease ends in .*\.\n {2}next: udo run --wait --branch (main|topic) -- git /,
		);
		expect(await sandbox.git("rev-parse", "main", "topic")).toBe(before);
		expect(await sandbox.git("stash", "list")).toBe("");
		expect(await readFile(join(sandbox.repository, "README.md"), "utf8")).toBe("README.md\nmore\n");
	});

	test("its holder may do all of that", async () => {
		await using sandbox = await withTopic();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", await otherTree(sandbox))];
		await alice.run("udo lock --branch main --branch topic");
		await bob.run("udo status");

		for (const command of [
			"git commit -q --allow-empty --no-verify -m x",
			"echo more >>README.md; git stash push -q; git stash pop -q; git checkout -q README.md",
			"git switch -q topic; git rebase -q main",
			"git switch -q --detach; git branch -qf topic main; git branch -qD topic",
		])
			expect(await alice.run(`(${command})`), command).toMatchObject({ code: 0, stderr: "" });
	});

	test("a merge that moves no branch is nobody's business", async () => {
		await using sandbox = await withTopic();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", await otherTree(sandbox))];
		await bob.run("udo lock --branch main");

		for (const command of ["git merge -q HEAD^", "git pull -q . main", "git merge -q --squash topic", "git reset -q"])
			expect(await alice.run(command), command).toMatchObject({ code: 0 });
	});

	test("other branches, tags and what a fetch brings are nobody's business", async () => {
		await using sandbox = await withTopic();
		const starts = await spyOnNode(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo lock --branch main");
		await alice.run("git switch -q topic");
		const before = await starts();

		expect(await alice.run("git tag one; git fetch -q . main:refs/remotes/origin/main")).toMatchObject({
			code: 0,
			stderr: "",
		});
		expect(await starts()).toBe(before);
		expect(await alice.run("git commit -q --allow-empty --no-verify -m x; git branch new")).toMatchObject({
			code: 0,
			stderr: "",
		});
	});

	test("a reference-transaction hook of one's own still sees every line", async () => {
		await using sandbox = await Sandbox.create();
		const hook = join(sandbox.repository, ".git", "hooks", "reference-transaction");
		await writeScript(hook, '#!/bin/sh\necho "$1" >>ran\ncat >>ran\n');
		await installHooks(sandbox);
		await sandbox.terminal("bob").run("udo status");
		const { stdout: id } = await sandbox.terminal("alice").run("git branch new; git rev-parse HEAD");

		const zero = "0".repeat(40);
		const line = `${zero} ${id.trim()} refs/heads/new\n`;
		expect(await readFile(join(sandbox.repository, "ran"), "utf8")).toBe(`prepared\n${line}committed\n${line}`);
	});
});

test("a commit that pre-commit let pass is not asked about again", async () => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	const starts = await spyOnNode(sandbox);
	await sandbox.terminal("bob").run("udo status");

	expect((await sandbox.terminal("alice").run("git commit -q --allow-empty -m x")).code).toBe(0);
	expect(await starts()).toBe(1);
});

describe("a rebase that is refused under --autostash", () => {
	test.each([
		["staged and unstaged changes", "echo staged >>src/a.ts; git add src/a.ts; echo more >>README.md"],
		["a new file that is staged", "echo new >new; git add new"],
	])("leaves %s as they were, and no rebase under way", async (_, change) => {
		await using sandbox = await withTopic();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", await otherTree(sandbox))];
		await bob.run("udo lock --branch topic");
		await alice.run(`git switch -q topic; ${change}`);
		const before = await sandbox.git("status", "--porcelain");

		const answer = await alice.run("git rebase -q --autostash main");
		expect(answer.code).not.toBe(0);
		expect(answer.stderr).toContain("udo: rebase refused: branch topic is locked");
		expect(await sandbox.git("status", "--porcelain")).toBe(before);
		expect(await sandbox.git("stash", "list")).toBe("");
		expect((await alice.run("test ! -e .git/rebase-merge")).code).toBe(0);
	});
});

describe("a branch switch in a tree where somebody else works", () => {
	test("is recorded as a conflict, told to both, and settled by going back", async () => {
		await using sandbox = await withTopic();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo status");

		const answer = await alice.run("git switch -q topic");
		expect(answer.code).toBe(0);
		expect(answer.stderr).toMatch(
			/^udo: warning: bob \(term_\w+\) works in this tree as well, which was on main \(back: git switch main\)\n$/,
		);
		expect((await recorded(sandbox)).conflicts).toMatchObject([
			{
				type: "context_switch",
				summary: expect.stringMatching(/^alice switched .* from main to topic, where bob works as well$/),
				next: "git switch main",
			},
		]);
		expect((await bob.run("udo status")).stdout).toContain("alice switched");
		await alice.run("git switch -qc another");
		expect((await recorded(sandbox)).conflicts).toMatchObject([
			{ summary: expect.stringMatching(/^alice switched .* from main to another/), next: "git switch main" },
		]);
		expect(await bob.run("git switch -q main")).toMatchObject({ code: 0, stderr: "" });
		expect((await recorded(sandbox)).conflicts).toEqual([]);
	});

	test("is one again for those who came after the first switch", async () => {
		await using sandbox = await withTopic();
		const [alice, bob, carol] = [sandbox.terminal("alice"), sandbox.terminal("bob"), sandbox.terminal("carol")];
		await bob.run("udo status");
		await alice.run("git switch -q topic");
		await carol.run("udo status");

		expect((await alice.run("git switch -q main")).stderr).toMatch(/^udo: warning: carol \(term_\w+\) works/);
		expect((await recorded(sandbox)).conflicts).toMatchObject([{ next: "git switch topic" }]);
	});

	test("is shown in the other's editor", async () => {
		await using sandbox = await withTopic();
		await using client = await LspClient.start(sandbox, { actor: "bob" });
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await until(
			() => sandbox.data<Status>(["status"], { as: "onlooker" }),
			({ locks }) => locks.length === 1,
		);
		await sandbox.terminal("alice").run("git switch -q topic");

		await until(() => client.messages("window/showMessage").length > 0);
		expect(client.messages("window/showMessage")).toEqual([
			expect.stringMatching(/alice switched .* from main to topic, where bob.* as well \(back: git switch main\)$/),
		]);
	});

	test.each([
		["files are checked out", "echo x >>README.md; git checkout -q README.md; git restore src/a.ts"],
		["the branch is the same", "git switch -q main"],
		["a rebase goes over the commits", "git rebase -q topic"],
		["a working tree is added", "git worktree add -q ../another topic"],
		["HEAD is checked out", "git checkout -q HEAD"],
		["a clone is made", "git clone -q . ../clone"],
	])("is none when %s", async (_, command) => {
		await using sandbox = await withTopic();
		await sandbox.terminal("bob").run("udo status");

		expect(await sandbox.terminal("alice").run(command)).toMatchObject({ code: 0, stderr: "" });
		expect((await recorded(sandbox)).conflicts).toEqual([]);
	});

	test("is none when the other works in another tree, or is one's own editor", async () => {
		await using sandbox = await withTopic();
		await sandbox.terminal("bob", await otherTree(sandbox)).run("udo status");
		const alice: Terminal = sandbox.terminal("alice");
		await writeFile(join(sandbox.directory, "editor"), "");
		await using editor = await openEditor(sandbox, "alice");
		await editor.coordinator.log({
			type: "file_change",
			path: "README.md",
			change: "save",
			worktree: sandbox.repository,
		});

		expect((await alice.run("git switch -q topic")).code).toBe(0);
		expect((await recorded(sandbox)).conflicts.filter(({ summary }) => !summary.includes("where alice"))).toEqual([]);
	});
});

async function withTopic(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	await sandbox.git("switch", "-qc", "topic");
	await sandbox.git("commit", "-q", "--allow-empty", "-m", "topic");
	await sandbox.git("switch", "-q", "main");
	await sandbox.git("commit", "-q", "--allow-empty", "-m", "second");
	await sandbox.git(
		"branch",
		"-q",
		"ahead",
		(await sandbox.git("commit-tree", "-p", "HEAD", "-m", "ahead", "HEAD^{tree}")).trim(),
	);
	await installHooks(sandbox);
	return sandbox;
}

async function otherTree(sandbox: Sandbox): Promise<string> {
	const tree = join(sandbox.directory, "other tree");
	await sandbox.git("worktree", "add", "-q", "--detach", tree);
	return tree;
}

function recorded(sandbox: Sandbox): Promise<Recorded> {
	return sandbox.data<Recorded>(["status"], { as: "onlooker" });
}
