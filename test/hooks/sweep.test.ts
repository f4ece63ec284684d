import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Workspace } from "../../server/workspace.ts";
import { installHooks, openEditor, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";

describe("a staged file that only another session of this tree wrote", () => {
	test("by its editor is warned about, and committed all the same", async () => {
		await using sandbox = await withHooks();
		await using bob = await openEditor(sandbox, "bob");
		const alice = sandbox.terminal("alice");
		await save(sandbox, bob, "src/b.ts");
		await save(sandbox, bob, "new.ts");
		await alice.run("echo more >>src/a.ts");

		const answer = await alice.run("git add -A; git commit -qm x");
		expect(answer).toMatchObject({ code: 0, stdout: "" });
		expect(answer.stderr).toBe(
			"udo: warning: new.ts, src/b.ts were written by bob (bob) in this tree, not by you (only yours: udo commit --mine)\n",
		);
	});

	test("under a lock that is free again is warned about", async () => {
		await using sandbox = await withHooks();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo run src/b.ts -- sh -c 'echo more >>src/b.ts'");

		const answer = await alice.run("git commit -qam x");
		expect(answer.code).toBe(0);
		expect(answer.stderr).toMatch(/^udo: warning: src\/b\.ts was written by bob \(term_\w+\) in this tree/);
	});

	test("and is still writing is refused", async () => {
		await using sandbox = await withHooks();
		await using bob = await openEditor(sandbox, "bob");
		await save(sandbox, bob, "src/b.ts");
		await bob.store.setPresence(bob.project, bob.coordinator.session.id, [
			{ path: "src/b.ts", unsaved: true, line: 1 },
		]);

		const answer = await sandbox.terminal("alice").run("git commit -qam x");
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(
			/^udo: commit refused: src\/b\.ts is unfinished work of somebody else\n {2}bob .*\n {2}next: udo commit --mine\n$/,
		);
	});

	test("is said nothing about once it is locked: that is refused already", async () => {
		await using sandbox = await withHooks();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo lock src/b.ts; echo more >>src/b.ts");

		const { stderr } = await alice.run("git commit -qam x");
		expect(stderr).toContain("commit refused: src/b.ts is locked");
		expect(stderr).not.toContain("written by");
	});
});

describe("nothing is said about a staged file", () => {
	test.each([
		["nobody is known to have written", async () => {}],
		[
			"this session wrote as well",
			async (sandbox: Sandbox, bob: Workspace) => {
				await using alice = await openEditor(sandbox, "alice");
				await save(sandbox, alice, "src/b.ts");
				await save(sandbox, bob, "src/b.ts");
			},
		],
		[
			"somebody wrote after the other, with whatever program",
			async (sandbox: Sandbox, bob: Workspace) => {
				await save(sandbox, bob, "src/b.ts");
				await change(sandbox, "src/b.ts");
				const later = Date.now() / 1000 + 10;
				await utimes(join(sandbox.repository, "src/b.ts"), later, later);
			},
		],
		[
			"the other wrote in another tree",
			async (sandbox: Sandbox, bob: Workspace) => {
				await change(sandbox, "src/b.ts");
				await bob.coordinator.log({ type: "file_change", path: "src/b.ts", change: "save", worktree: "/elsewhere" });
			},
		],
		[
			"the other only typed, without saving",
			async (sandbox: Sandbox, bob: Workspace) => {
				await change(sandbox, "src/b.ts");
				const { worktree } = bob.repository;
				await bob.coordinator.log({ type: "file_change", path: "src/b.ts", change: "edit", worktree });
			},
		],
	])("that %s", async (_, happen) => {
		await using sandbox = await withHooks();
		await using bob = await openEditor(sandbox, "bob");
		const alice = sandbox.terminal("alice");
		await alice.run("export UDO_SESSION=alice; udo status; echo more >>src/b.ts");
		await happen(sandbox, bob);

		expect(await alice.run("git commit -qam x")).toMatchObject({ code: 0, stderr: "" });
	});

	test("of an agent whose session is gone", async () => {
		await using sandbox = await withHooks();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await sandbox.terminal("carol").run("udo status");
		await bob.run("udo run src/b.ts -- sh -c 'echo more >>src/b.ts'");
		await bob.kill();

		expect(await alice.run("git commit -qam x")).toMatchObject({ code: 0, stderr: "" });
	});
});

describe("udo commit --mine", () => {
	test("commits what this session wrote, new, changed and deleted, and leaves everything else as it was", async () => {
		await using sandbox = await withHooks();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await sandbox.run("sh", ["-c", "for f in gone two; do echo $f >$f; done; git add -A; git commit -qm more"]);
		await bob.run("udo lock src/b.ts; echo staged >src/b.ts; git add src/b.ts; echo later >src/b.ts");
		await alice.run("udo lock --new README.md gone 'odd *name' mine/");
		await alice.run(
			"echo mine >README.md; rm gone; echo new >'odd *name'; mkdir mine; echo x >mine/x; echo who >>src/a.ts",
		);
		await alice.run("echo staged >two; git add two");
		const staged = await sandbox.git("ls-files", "-s", "src/b.ts", "two");

		const answer = await alice.run("udo commit --mine -qm 'only mine'");
		expect(answer).toMatchObject({ code: 0, stdout: "" });
		expect(answer.stderr).toContain("left out src/b.ts, written by others here\n");
		expect(answer.stderr).toContain("left out src/a.ts, two, written by nobody that udo knows");
		expect(await sandbox.git("show", "--format=%s", "--name-status", "HEAD")).toBe(
			"only mine\n\nM\tREADME.md\nD\tgone\nA\tmine/x\nA\todd *name\n",
		);
		expect(await sandbox.git("ls-files", "-s", "src/b.ts", "two")).toBe(staged);
		expect(await sandbox.git("status", "--porcelain")).toBe(" M src/a.ts\nMM src/b.ts\nM  two\n");
	});

	test("commits a file that was renamed, whole", async () => {
		await using sandbox = await withHooks();
		await sandbox.terminal("bob").run("udo status");
		const alice = sandbox.terminal("alice");
		await alice.run("touch -d '2 days ago' src/b.ts; udo lock --new src/b.ts src/c.ts; git mv src/b.ts src/c.ts");

		expect(await alice.run("udo commit --mine -qm x")).toMatchObject({ code: 0, stderr: "" });
		expect(await sandbox.git("show", "--format=", "--name-status", "--no-renames")).toBe("D\tsrc/b.ts\nA\tsrc/c.ts\n");
	});

	test("leaves staged what a pre-commit hook made of the files", async () => {
		await using sandbox = await Sandbox.create();
		const hook = "#!/bin/sh\nsed -i s/mine/formatted/ README.md new; git add README.md new\n";
		await writeScript(join(sandbox.repository, ".git", "hooks", "pre-commit"), hook);
		await installHooks(sandbox);
		await sandbox.terminal("bob").run("udo status; echo theirs >src/b.ts; git add src/b.ts");
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock --new README.md new; echo mine >README.md; echo mine >new");

		expect(await alice.run("udo commit --mine -qm x")).toMatchObject({ code: 0 });
		expect(await sandbox.git("show", "HEAD:README.md", "HEAD:new")).toBe("formatted\nformatted\n");
		expect(await sandbox.git("status", "--porcelain")).toBe("M  src/b.ts\n");
	});

	test("announces nothing when git only says what it would do", async () => {
		await using sandbox = await withHooks();
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock --new new; echo mine >new");

		await alice.run("udo commit --mine --dry-run");
		expect(await sandbox.git("status", "--porcelain")).toBe("?? new\n");
	});

	test("leaves no trace when the commit is refused", async () => {
		await using sandbox = await withHooks();
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await alice.run("udo lock --new new.ts; echo new >new.ts");
		await bob.run("udo lock --branch main");
		const before = await readFile(join(sandbox.repository, ".git", "index"));
		const status = await sandbox.git("status", "--porcelain");

		expect((await alice.run("udo commit --mine -qm x")).code).toBe(1);
		expect(await sandbox.git("status", "--porcelain")).toBe(status);
		expect((await sandbox.git("ls-files")).includes("new.ts")).toBe(false);
		expect(before.length).toBeGreaterThan(0);
	});

	test("leaves out a file that a directory took the place of, and takes nothing out of the index for it", async () => {
		await using sandbox = await withHooks();
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock --new README.md src/ src/b.ts/in; echo more >>README.md; rm src/b.ts");
		await alice.run("mkdir src/b.ts; echo in >src/b.ts/in");

		const answer = await alice.run("udo commit --mine -qm x");
		expect(answer.code).toBe(0);
		expect(answer.stderr).toContain("left out src/b.ts, src/b.ts/in, where a directory took the place of a file");
		expect(await sandbox.git("show", "--format=", "--name-only")).toBe("README.md\n");
		expect(await sandbox.git("diff", "--cached", "--name-only")).toBe("");
	});

	test("announces nothing any more when it is told to end while the message is written", async () => {
		await using sandbox = await withHooks();
		const alice = sandbox.terminal("alice");
		const editor = join(sandbox.directory, "bin", "editor");
		await writeScript(editor, "#!/bin/sh\nkill -TERM $(cat ../pid)\nexec sleep 5\n");
		await alice.run("udo lock --new new; echo mine >new");

		const answer = await alice.run("GIT_EDITOR=editor sh -c 'echo $$ >../pid; exec udo commit --mine'");
		expect(answer.code).toBe(143);
		expect(await sandbox.git("status", "--porcelain")).toBe("?? new\n");
	});

	test("takes what one's own editor saved", async () => {
		await using sandbox = await withHooks();
		await sandbox.terminal("bob").run("udo status");
		await using editor = await openEditor(sandbox, "alice");
		const alice = sandbox.terminal("alice");
		await save(sandbox, editor, "src/b.ts");

		expect(await alice.run("UDO_SESSION=alice udo commit --mine -qm x")).toMatchObject({ code: 0, stderr: "" });
		expect(await sandbox.git("show", "--format=", "--name-only")).toBe("src/b.ts\n");
	});

	test.each([
		["without --mine", "udo commit -m x", 64],
		["with paths of all", "udo commit --mine -a", 64],
		["with nothing of one's own", "udo commit --mine -m x", 1],
	])("says what to type %s", async (_, command, code) => {
		await using sandbox = await withHooks();

		const answer = await sandbox.terminal("alice").run(command);
		expect(answer.code).toBe(code);
		expect(answer.stderr).toContain("next: ");
	});
});

async function withHooks(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	await installHooks(sandbox);
	return sandbox;
}

async function change(sandbox: Sandbox, path: string): Promise<void> {
	const full = join(sandbox.repository, path);
	await writeFile(full, `${await readFile(full, "utf8").catch(() => "")}more\n`);
}

/** As an editor saves. */
async function save(sandbox: Sandbox, { coordinator, repository }: Workspace, path: string): Promise<void> {
	const isNew = (await stat(join(sandbox.repository, path)).catch(() => undefined)) === undefined;
	await change(sandbox, path);
	const { worktree } = repository;
	await coordinator.log({ type: "file_change", path, change: isNew ? "create" : "save", worktree });
}
