import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { writeScript } from "../helpers/hooks.ts";
import { Clones, Turnstile } from "./clones.ts";

const since: readonly { readonly what: string; readonly command: string; readonly subjects: readonly string[] }[] = [
	{ what: "reverted", command: "git revert --no-edit HEAD~1", subjects: ['Revert "alice file.txt"'] },
	{
		what: "improved, and merged",
		command:
			"git switch -qc x; echo better >file.txt; git commit -qam better; git switch -q main; git merge --no-ff -m m x",
		subjects: ["better", "m"],
	},
];

test.each(since)("what landed unseen does not land again when it is $what since", async ({ command, subjects }) => {
	await using clones = await Clones.create("alice", "bob");
	await clones.commit("bob", "new.txt");
	await clones.push("bob");
	await clones.commit("alice", "file.txt");
	await clones.run("alice", "git commit -q --allow-empty -m deploy");
	// In the way, so that the branch here stays behind what landed.
	await writeFile(clones.path("alice", "new.txt"), "mine\n");
	await clones.push("alice");
	await clones.run("bob", `git pull -q && ${command} && git push -q`);
	const before = await clones.landed();

	const answer = await clones.push("alice");
	expect(answer.stdout).toMatch(/^nothing to land: origin main has every change\n/);
	expect(answer.code).toBe(0);
	expect(await clones.landed()).toEqual(before);
	expect(new Set(before)).toEqual(new Set(["bob new.txt", "alice file.txt", "deploy", ...subjects]));
	expect(before.length).toBe(3 + subjects.length);
	await clones.run("alice", "rm new.txt");
	await clones.push("alice");
	expect(await clones.run("alice", "git status -sb")).toBe("## main...origin/main\n");
});

test.each([
	["killed", "SIGKILL", null],
	["interrupted", "SIGINT", 130],
] as const)(
	"what landed by a push that was %s lands once, also where lines around it had changed",
	async (_, signal, code) => {
		await using clones = await Clones.create("alice", "bob");
		const turnstile = await Turnstile.install(clones, "alice");
		await clones.run("bob", "sed -i 's/^line 7$/seven/' file.txt; git commit -qam seven; git push -q");
		await clones.run("alice", "sed -i 's/^line 10$/ten/' file.txt; git commit -qam ten");
		await turnstile.close("post-receive");
		const killed = clones.start("alice", [], true);
		await turnstile.untilReached("post-receive");
		const ended = once(killed, "exit");
		process.kill(-(killed.pid ?? Number.NaN), signal);
		expect((await ended)[0]).toBe(code);
		await turnstile.open("post-receive");
		await clones.run("bob", "git pull -q; sed -i 's/^ten$/better/' file.txt; git commit -qam better; git push -q");

		expect((await clones.push("alice")).code).toBe(0);
		expect(await clones.landed()).toEqual(["seven", "ten", "better"]);
		expect(await readFile(clones.path("alice", "file.txt"), "utf8")).toMatch(/\nseven\n.*\nbetter\n/s);
	},
);

test("the same change by somebody else is no conflict when that has been changed since", async () => {
	await using clones = await Clones.create("alice", "bob");
	await clones.commit("alice", "file.txt", "same\n", "alice same");
	await clones.commit("bob", "file.txt", "same\n", "bob same");
	await clones.commit("bob", "file.txt", "better\n", "bob better");
	await clones.push("bob");
	await clones.commit("alice", "a.txt");

	expect((await clones.push("alice")).stdout).toMatch(
		/^landed 1 commit .*\n {2}left out \w+: its change was there already\n$/,
	);
	expect(await clones.landed()).toEqual(["bob same", "bob better", "alice a.txt"]);
});

describe("commits that were taken back from the remote by force", () => {
	test.each(["", "git fetch -q; "])("are left out, and named (%o)", async (fetched) => {
		await using clones = await Clones.create("alice", "bob");
		const secret = await clones.commit("bob", "secret.txt");
		await clones.run("bob", "git push -q");
		await clones.run("alice", "git pull -q");
		await clones.commit("alice", "a.txt");
		await clones.run("bob", "git reset -q --hard HEAD~1; git push -qf");
		await clones.run("alice", `${fetched}true`);

		const answer = await clones.push("alice");
		expect(answer.stdout).toMatch(
			new RegExp(`^landed 1 commit .*\\n {2}left out ${secret.slice(0, 12)}: it was taken back from there by force; `),
		);
		expect(await clones.landed()).toEqual(["alice a.txt"]);
		expect(await clones.run("alice", "ls")).not.toContain("secret.txt");
	});

	test("are nothing to land by themselves", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("bob", "secret.txt");
		await clones.run("bob", "git push -q");
		await clones.run("alice", "git pull -q");
		await clones.run("bob", "git reset -q --hard HEAD~1; git push -qf");

		expect((await clones.push("alice")).stdout).toMatch(
			/^nothing to land on origin main\n {2}left out \w{12}: it was taken/,
		);
		expect(await clones.landed()).toEqual([]);
	});
});

describe("a pre-push hook of one's own", () => {
	test("sees every push from its clone, which therefore goes alone", async () => {
		const names = ["alice", "bob", "carol"];
		await using clones = await Clones.create(...names);
		const turnstile = await Turnstile.install(clones, "alice");
		await writeScript(clones.path("bob", ".git/hooks/pre-push"), "#!/bin/sh\n! git log --format=%s -1 | grep secret\n");
		for (const name of names) await clones.commit(name, `${name}.txt`, `${name}\n`, `${name} secret`);
		await turnstile.close("fetch");
		const pushing = [clones.push("alice")];
		await turnstile.untilReached("fetch");
		for (const [waiting, name] of ["bob", "carol"].entries()) {
			pushing.push(clones.push(name));
			await clones.untilWaiting(waiting + 1);
		}
		await turnstile.open("fetch");
		const [, bob] = await Promise.all(pushing);

		expect(bob?.stderr).toMatch(/^udo: origin main was refused\n {2}by the pre-push hook here: /);
		expect(await clones.landed()).toEqual(["alice secret", "carol secret"]);
	});
});
