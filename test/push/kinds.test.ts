import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Clones } from "./clones.ts";

interface Kind {
	readonly what: string;
	/** Makes alice's clone into one of this kind; she is on main, behind the remote. */
	readonly make: (clones: Clones) => Promise<void>;
	/** What git says of her working tree, before and after. */
	readonly status: string;
}

const kinds: readonly Kind[] = [
	{ what: "a shallow clone", make: (clones) => cloneAgain(clones, "--depth 1"), status: "" },
	{
		what: "a partial clone with a sparse checkout",
		make: async (clones) => {
			await clones.sandbox.git("--git-dir", clones.remote, "config", "uploadpack.allowFilter", "true");
			await cloneAgain(clones, "--filter=blob:none --sparse");
			await clones.run("alice", "git sparse-checkout set src");
		},
		status: "",
	},
	{
		what: "a clone with a submodule that is further on, and changed",
		make: async (clones) => {
			await clones.run("alice", "git init -q ../lib; cd ../lib; echo 1 >l; git add l; git commit -qm one");
			await clones.run(
				"alice",
				"git -c protocol.file.allow=always submodule --quiet add ../lib lib; git commit -qm sub",
			);
			await clones.run("alice", "git push -q; cd lib; git commit -q --allow-empty -m two; echo 2 >l");
			await clones.run("bob", "git pull -q");
		},
		status: " M lib\n",
	},
	{
		what: "a linked worktree",
		make: async (clones) => {
			await clones.run("alice", "git switch -qc aside; git worktree add -q ../tree main");
			await clones.run(
				"alice",
				"mv ../alice ../main-tree; mv ../tree ../alice; git -C ../main-tree worktree repair ../alice",
			);
		},
		status: "",
	},
];

test.each(kinds)("$what lands behind what others pushed, and is what it was", async ({ make, status }) => {
	await using clones = await Clones.create("alice", "bob");
	await make(clones);
	await clones.commit("bob", "b.txt");
	await clones.commit("bob", "src/b.ts", "bob\n", "bob src");
	await clones.run("bob", "git push -q");
	await clones.commit("alice", "src/a.ts", "alice\n", "alice src");

	expect((await clones.push("alice")).stdout).toMatch(/^landed 1 commit \(\w+, replayed\) on origin main\n$/);
	expect((await clones.landed()).slice(-3)).toEqual(["bob b.txt", "bob src", "alice src"]);
	expect(await clones.run("alice", "git status -s")).toBe(status);
	expect(await readFile(clones.path("alice", "src/b.ts"), "utf8")).toBe("bob\n");
	await clones.check("alice");
});

test("a repository with SHA-256 is pushed like any other", async () => {
	await using clones = await Clones.create("alice");
	await clones.run("alice", "git init -q --bare --object-format=sha256 ../long.git");
	for (const name of ["carol", "dave"]) {
		await clones.run(
			"alice",
			`git init -q --object-format=sha256 ../${name}; git -C ../${name} remote add origin ../long.git`,
		);
	}
	await clones.commit("carol", "first.txt");
	await clones.push("carol");
	await clones.run("dave", "git pull -q origin main");
	for (const name of ["carol", "dave"]) await clones.commit(name, `${name}.txt`);
	await clones.push("dave");

	expect((await clones.push("carol")).code).toBe(0);
	expect(await clones.run("carol", "git --git-dir ../long.git log --reverse --format=%s main")).toBe(
		"carol first.txt\ndave dave.txt\ncarol carol.txt\n",
	);
	expect(await clones.run("carol", "git fsck --strict --no-dangling; git status -s")).toBe("");
});

test("a new branch is told by what is new on it, and made when nothing is", async () => {
	await using clones = await Clones.create("alice");
	await clones.run("alice", "git switch -qc topic");
	const made = await clones.push("alice");
	await clones.commit("alice", "a.txt");
	const grown = await clones.push("alice", "--to", "other");

	expect(made.stdout).toMatch(/^made origin topic \(\w{12}\), whose commits are elsewhere on origin\n$/);
	expect(grown.stdout).toMatch(/^landed 1 commit \(\w{12}\) on origin other\n$/);
	expect(await clones.landed("topic")).toEqual([]);
	expect(await clones.landed("other")).toEqual(["alice a.txt"]);
});

test("a remote that is pushed to elsewhere is fetched from there as well, and remembered under its name", async () => {
	await using clones = await Clones.create("alice", "bob");
	await clones.run("alice", "git clone -q --bare ../remote.git ../elsewhere.git");
	for (const name of ["alice", "bob"]) {
		await clones.run(name, `git config url."$(realpath ..)/elsewhere".pushInsteadOf "$(realpath ..)/remote"`);
		await clones.commit(name, `${name}.txt`);
	}
	await clones.push("alice");

	expect((await clones.push("bob")).code).toBe(0);
	expect(await clones.landed()).toEqual([]);
	expect(await clones.run("bob", "git --git-dir ../elsewhere.git log -2 --format=%s main")).toBe(
		"bob bob.txt\nalice alice.txt\n",
	);
	expect(await clones.run("bob", "git status -sb")).toBe("## main...origin/main\n");
});

test("a tag has no line, and the push that does it is named", async () => {
	await using clones = await Clones.create("alice");
	await clones.run("alice", "git tag v1");

	expect((await clones.push("alice", "origin", "v1")).stderr).toBe(
		"udo: there is no branch v1\n  there is a tag of that name, for which nobody stands in line.\n  next: git push origin v1\n",
	);
	expect((await clones.push("alice", "--to", "refs/tags/v1")).stderr).toMatch(/^udo: refs\/tags\/v1 is a tag\n/);
});

test("notes go along where the settings say that a rebase takes them along", async () => {
	await using clones = await Clones.create("alice", "bob");
	await clones.run("alice", "git config notes.rewriteRef refs/notes/commits");
	await clones.commit("alice", "a.txt");
	await clones.run("alice", "git notes add -m remember");
	await clones.commit("bob", "b.txt");
	await clones.push("bob");

	expect((await clones.push("alice")).code).toBe(0);
	expect(await clones.run("alice", "git notes show HEAD")).toBe("remember\n");
});

test("commits that cannot be signed again stay where they are, and it is said why", async () => {
	await using clones = await Clones.create("alice", "bob");
	const tip = await clones.commit("alice", "a.txt");
	await clones.run("alice", "git config commit.gpgSign true; git config gpg.program false");
	await clones.commit("bob", "b.txt");
	await clones.push("bob");

	const answer = await clones.push("alice");
	expect(answer.code).toBe(1);
	expect(answer.stderr).toMatch(
		/^udo: your commits could not be signed again, and nothing was pushed\n.*gpg.*\n {2}next: /,
	);
	expect((await clones.run("alice", "git rev-parse HEAD")).trim()).toBe(tip);
	expect(await clones.landed()).toEqual(["bob b.txt"]);
});

async function cloneAgain(clones: Clones, options: string): Promise<void> {
	await clones.run("bob", `rm -rf ../alice; git clone -q ${options} "file://$(realpath ../remote.git)" ../alice`);
}
