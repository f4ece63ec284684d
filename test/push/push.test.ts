import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Clones, Turnstile } from "./clones.ts";

describe("udo push", () => {
	test("lands what git push would land, as it is", async () => {
		await using clones = await Clones.create("alice");
		const tip = await clones.commit("alice", "a.txt");

		const answer = await clones.push("alice");
		expect(answer).toMatchObject({ code: 0, stderr: "" });
		expect(answer.stdout).toBe(`landed 1 commit (${tip.slice(0, 12)}) on origin main\n`);
		expect(await clones.landed()).toEqual(["alice a.txt"]);
		expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n");
		expect((await clones.push("alice")).stdout).toBe("nothing to push: origin main has it all\n");
	});

	test("lands everybody who is in line with one push, in the order of the line", async () => {
		const names = ["alice", "bob", "carol", "dave"];
		await using clones = await Clones.create(...names);
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of names) for (const file of ["1", "2"]) await clones.commit(name, `${name}${file}.txt`);
		await turnstile.close("fetch");
		const pushing = [clones.push("alice", "--json")];
		await turnstile.untilReached("fetch");
		for (const [waiting, name] of names.slice(1).entries()) {
			pushing.push(clones.push(name, "--json"));
			await clones.untilWaiting(waiting + 1);
		}
		await turnstile.open("fetch");

		const answers = await Promise.all(pushing);
		expect(answers.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
		for (const { stdout } of answers) expect(JSON.parse(stdout)).toMatchObject({ data: { state: "landed", batch: 4 } });
		expect(await clones.landed()).toEqual(names.flatMap((name) => ["1", "2"].map((n) => `${name} ${name}${n}.txt`)));
		for (const name of names) expect(await clones.run(name, "git status --porcelain")).toBe("");
		for (const name of names) expect(await clones.run(name, "git log -1 --format=%s")).toBe(`${name} ${name}2.txt\n`);
		await clones.check(...names);
	});

	test("keeps author, dates, message and encoding of what it replays byte for byte; the committer is who pushed", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "b.txt");
		await clones.run("bob", "git push -q");
		await writeFile(clones.path("alice", "message"), Buffer.from("caf\xe9 \n\n\n  two  \n# no comment\n", "latin1"));
		await clones.run("alice", "echo a >a.txt; git add a.txt");
		const author = "GIT_AUTHOR_NAME='Zo\u00eb' GIT_AUTHOR_EMAIL=zoe@example.org GIT_AUTHOR_DATE='1234567890 -0330'";
		await clones.run(
			"alice",
			`${author} git -c i18n.commitEncoding=ISO-8859-1 commit -q --cleanup=verbatim -F message`,
		);
		const format = "git cat-file commit HEAD | grep -av -e ^tree -e ^parent -e ^committer | od -c";
		const before = await clones.run("alice", format);

		expect((await clones.push("alice")).code).toBe(0);
		expect(await clones.run("alice", format)).toBe(before);
		expect(await clones.run("alice", "git log -1 --format='%cn <%ce>'")).toBe("Test <test@example.org>\n");
		expect(await clones.run("alice", "git log -1 --format=%P")).toBe(await clones.run("bob", "git log -1 --format=%H"));
	});

	test("leaves out a commit whose change is there already, keeps one that was meant to be empty, and says so", async () => {
		await using clones = await Clones.create("alice", "bob");
		for (const name of ["alice", "bob"]) await clones.commit(name, "same.txt", "same\n");
		await clones.run("alice", "git commit -q --allow-empty -m nothing");
		await clones.push("bob");

		const { stdout } = await clones.push("alice");
		expect(stdout).toMatch(
			/^landed 1 commit \(\w+, replayed\) on origin main\n {2}left out \w{12}: its change was there already\n$/,
		);
		expect(await clones.landed()).toEqual(["bob same.txt", "nothing"]);
	});

	test("of nothing but changes that are there already lands nothing and brings the branch up to date", async () => {
		await using clones = await Clones.create("alice", "bob");
		for (const name of ["alice", "bob"]) await clones.commit(name, "same.txt", "same\n");
		await clones.push("bob");

		const { stdout } = await clones.push("alice");
		expect(stdout).toMatch(/^nothing to land: origin main has every change\n {2}left out \w{12}: /);
		expect(await clones.landed()).toEqual(["bob same.txt"]);
		expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n");
	});

	test("refuses merge commits that it would have to replay, and merges instead when asked", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.run("alice", "git switch -qc side");
		await clones.commit("alice", "side.txt");
		await clones.run("alice", "git switch -q main");
		await clones.commit("alice", "main.txt");
		await clones.run("alice", "git merge -q --no-edit side");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");

		const refused = await clones.push("alice");
		expect(refused.code).toBe(1);
		expect(refused.stderr).toMatch(
			/^udo: main has a merge commit, \w{12}\n.*\n {2}next: udo push --merge, or git rebase first\n$/,
		);
		expect(await clones.landed()).toEqual(["bob b.txt"]);
		expect((await clones.push("alice", "--merge")).code).toBe(0);
		expect(await clones.run("alice", "git log -1 --format=%s")).toBe(
			"Merge remote-tracking branch 'origin/main' into main\n",
		);
		expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n");
	});

	test("makes a new branch on the remote, also under another name", async () => {
		await using clones = await Clones.create("alice");
		await clones.run("alice", "git switch -qc topic");
		await clones.commit("alice", "a.txt");

		expect((await clones.push("alice")).code).toBe(0);
		expect((await clones.push("alice", "origin", "topic", "--to", "other/name")).code).toBe(0);
		expect(await clones.landed("topic")).toEqual(["alice a.txt"]);
		expect(await clones.landed("other/name")).toEqual(["alice a.txt"]);
	});

	test("with --dry-run shows what would land and moves nothing", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		const tip = await clones.commit("alice", "a.txt");

		const answer = await clones.push("alice", "--dry-run");
		expect(answer).toMatchObject({ code: 0, stdout: "would land 1 commit on origin main\n" });
		expect(await clones.landed()).toEqual(["bob b.txt"]);
		expect((await clones.run("alice", "git rev-parse HEAD")).trim()).toBe(tip);
	});

	test("signs what it replays when commits are to be signed, alone", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.run("alice", "ssh-keygen -q -t ed25519 -N '' -f ../key");
		await clones.run("alice", 'git config gpg.format ssh; git config user.signingKey "$PWD/../key.pub"');
		await clones.run("alice", "git config commit.gpgSign true");
		await clones.commit("alice", "a.txt");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");

		expect((await clones.push("alice")).code).toBe(0);
		expect(await clones.run("alice", "git cat-file commit HEAD")).toContain("gpgsig -----BEGIN SSH SIGNATURE-----");
		expect(await clones.landed()).toEqual(["bob b.txt", "alice a.txt"]);
	});
});

describe("after landing, the working tree", () => {
	test("has what was staged, changed and untracked as before, and files that did not change untouched", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		await clones.commit("alice", "a.txt");
		await writeFile(clones.path("alice", "README.md"), "changed\n");
		await writeFile(clones.path("alice", "src/a.ts"), "staged\n");
		await clones.run("alice", "git add src/a.ts");
		await writeFile(clones.path("alice", "src/a.ts"), "staged, then changed\n");
		await writeFile(clones.path("alice", "untracked"), "untracked\n");
		const files = ["README.md", "src/a.ts", "src/b.ts", "file.txt", "untracked", "a.txt"];
		for (const file of files) await utimes(clones.path("alice", file), 1_000_000, 1_000_000 + files.indexOf(file));
		const before = await snapshot(clones, "alice", files);

		expect((await clones.push("alice")).stdout).toMatch(/^landed 1 commit/);
		expect(await snapshot(clones, "alice", files)).toEqual(before);
		expect(await readFile(clones.path("alice", "b.txt"), "utf8")).toBe("bob\n");
		expect(await clones.run("alice", "git reflog -1 --format=%gs")).toBe(
			"udo push: landed on origin refs/heads/main\n",
		);
	});

	test.each([
		["a changed file", "echo changed >>shared.txt", /shared\.txt.*\n {2}next: git stash && udo push origin main && /],
		[
			"a staged file",
			"echo changed >>shared.txt; git add shared.txt",
			/shared\.txt.*\n {2}next: git stash && udo push /,
		],
		["an untracked file", "echo mine >b.txt", /b\.txt.*\n {2}next: mv -n b\.txt b\.txt\.mine && udo push origin main/],
		["an ignored file", "echo b.txt >.git/info/exclude; echo mine >b.txt", /b\.txt.*\n {2}next: mv -n b\.txt /],
		[
			"a cherry-pick under way",
			"git rev-parse HEAD >.git/CHERRY_PICK_HEAD",
			/under way here\n {2}next: udo push origin/,
		],
	])("is left alone when %s is in the way, and it is said what to type", async (_, command, why) => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "shared.txt", "old\n");
		await clones.push("bob");
		await clones.run("alice", "git pull -q");
		await clones.commit("bob", "shared.txt", "new\n", "bob again");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		const tip = await clones.commit("alice", "a.txt");
		await clones.run("alice", command);
		const files = ["shared.txt", "a.txt", ...(/b\.txt/.test(command) ? ["b.txt"] : [])];
		const before = await snapshot(clones, "alice", files);

		const { code, stdout } = await clones.push("alice");
		expect(code).toBe(0);
		expect(stdout).toMatch(/^landed 1 commit .*\n {2}local update deferred: .*\n {2}next: /);
		expect(stdout).toMatch(why);
		expect(await clones.landed()).toHaveLength(4);
		expect((await clones.run("alice", "git rev-parse HEAD")).trim()).toBe(tip);
		expect(await snapshot(clones, "alice", files)).toEqual(before);
	});

	test("is brought up to date by what is said to type", async () => {
		await using clones = await Clones.create("alice", "bob");
		const lines = (await readFile(clones.path("bob", "file.txt"), "utf8")).split("\n");
		await clones.commit("bob", "file.txt", ["bob", ...lines.slice(1)].join("\n"));
		await clones.push("bob");
		await clones.commit("alice", "a.txt");
		await writeFile(clones.path("alice", "file.txt"), [...lines.slice(0, -2), "alice", ""].join("\n"));
		const { stdout } = await clones.push("alice");

		await clones.run("alice", /next: (.*)/.exec(stdout)?.[1] ?? "false");
		expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n M file.txt\n");
		expect(await readFile(clones.path("alice", "file.txt"), "utf8")).toBe(
			["bob", ...lines.slice(1, -2), "alice", ""].join("\n"),
		);
	});

	test("is moved along with a file that became a directory, and a directory that became a file", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.run("bob", "mkdir d; echo in >d/in; git add d; git commit -qm d; git push -q");
		await clones.run("alice", "git pull -q; git commit -q --allow-empty -m mine");
		await clones.run(
			"bob",
			"git rm -qr d file.txt; mkdir file.txt; echo 1 >file.txt/in; echo 1 >d; git add -A; git commit -qm swap",
		);
		await clones.run("bob", "git push -q");

		expect((await clones.push("alice")).stdout).toMatch(/^landed 1 commit .*\n$/);
		expect(await clones.run("alice", "git status -sb; cat d file.txt/in")).toBe("## main...origin/main\n1\n1\n");
	});

	test("is moved with its files when another name stands for it", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.run("alice", "git symbolic-ref refs/heads/alias refs/heads/main");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		await clones.commit("alice", "a.txt");
		await clones.push("alice", "origin", "alias", "--to", "main");

		expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n");
	});

	test("stays where it is while somebody else has it locked, though its commits land under another name", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		await clones.run("alice", "git switch -qc topic");
		const tip = await clones.commit("alice", "a.txt");
		await clones.run("bob", "udo lock --branch topic");

		expect((await clones.push("alice", "origin", "topic", "--to", "main")).stdout).toMatch(
			/^landed 1 commit .*\n {2}local update deferred: branch topic is locked by bob \(bob\)\n {2}next: udo run --wait --branch topic -- udo push --to main origin topic\n$/,
		);
		expect((await clones.run("alice", "git rev-parse topic")).trim()).toBe(tip);
	});

	test("of another worktree, where the branch is checked out, is not touched", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.run("alice", "git worktree add -q -b topic ../tree");
		await clones.commit("bob", "b.txt");
		await clones.push("bob");
		await clones.commit("alice", "a.txt");
		await clones.run("alice", "git -C ../tree reset -q --hard main");

		const { stdout } = await clones.push("alice", "origin", "topic", "--to", "main");
		expect(stdout).toMatch(/deferred: topic is checked out in .*tree/);
		expect(await clones.run("alice", "git -C ../tree status -s")).toBe("");
		expect(await clones.landed()).toEqual(["bob b.txt", "alice a.txt"]);
	});
});

/** The bytes and the times of files, and what is in the index for them. */
async function snapshot(clones: Clones, name: string, files: readonly string[]): Promise<object> {
	const index = await clones.run(name, `git ls-files -s -- ${files.join(" ")}`);
	const seen = files.map(async (file) => {
		const { mtimeMs } = await stat(clones.path(name, file));
		return [file, mtimeMs, await readFile(clones.path(name, file), "utf8")];
	});
	return { index, files: await Promise.all(seen) };
}
