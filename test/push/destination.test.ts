import { expect, test } from "vitest";
import { Clones, Turnstile } from "./clones.ts";

test("a branch goes where git push would put it, and nowhere when git push would not know", async () => {
	await using clones = await Clones.create("alice");
	await clones.run("alice", "git switch -qc topic; git branch -q -u origin/main; git commit -q --allow-empty -m new");
	const dry = async (settings: string, words = "") => {
		const set = settings.split(" ").filter(Boolean);
		await clones.run(
			"alice",
			`git config remote.origin.push ''; git config --unset-all remote.origin.push; git config push.default simple`,
		);
		if (set.length > 0) await clones.run("alice", `git config '${set[0]}' '${set[1]}'`);
		const { stdout, stderr } = await clones.try("alice", `udo push --dry-run ${words}`);
		return stdout + stderr;
	};

	expect(await dry("")).toBe(
		"udo: where is topic to go on origin?\n  it follows main, and has another name.\n  next: udo push --to main origin topic, or udo push origin topic\n",
	);
	expect(await dry("", "origin topic")).toBe("would land 1 commit on origin topic\n");
	expect(await dry("", "--to main")).toBe("would land 1 commit on origin main\n");
	expect(await dry("push.default nothing")).toMatch(
		/^udo: where is topic to go on origin\?\n {2}push.default is nothing/,
	);
	expect(await dry("push.default upstream", "origin topic")).toBe("would land 1 commit on origin main\n");
	expect(await dry("remote.origin.push HEAD:refs/heads/review/x")).toBe("would land 1 commit on origin review/x\n");
	expect(await dry("remote.origin.push refs/heads/*:refs/for/*")).toMatch(
		/^udo: origin takes pushes to refs\/for\/topic\n.*\n {2}next: git push origin, or udo push --to topic\n$/,
	);
});

test("what git itself cannot do is told as that, and not as a remote out of reach", async () => {
	await using clones = await Clones.create("alice");
	await clones.run("alice", "git config remote.origin.mirror true; git commit -q --allow-empty -m new");

	expect(await clones.push("alice")).toMatchObject({
		code: 7,
		stderr: expect.stringMatching(
			/^udo: git could not push to origin main\n {2}.*--mirror.*\n {2}next: udo push again/,
		),
	});
});

test("what lands with others at a bare address leaves no ref behind in the clone", async () => {
	await using clones = await Clones.create("alice", "bob");
	const turnstile = await Turnstile.install(clones, "alice");
	for (const name of ["alice", "bob"]) await clones.commit(name, `${name}.txt`);
	await turnstile.close("fetch");
	const leading = clones.push("alice");
	await turnstile.untilReached("fetch");
	const waiting = clones.push("bob", clones.remote, "main");
	await clones.untilWaiting(1);
	await turnstile.open("fetch");
	await leading;

	expect((await waiting).stdout).toMatch(/^landed 1 commit /);
	expect(await clones.run("bob", "git for-each-ref refs/udo; git log -1 --format=%s")).toBe("bob bob.txt\n");
});
