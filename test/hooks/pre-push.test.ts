import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, openEditor, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";
import type { Terminal } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

describe("a push", () => {
	test.each([
		["of a branch", "git push -q origin main", "git push origin main"],
		["of what is here to it", "git push -q origin HEAD:refs/heads/main", "git push origin HEAD:refs/heads/main"],
		["of a branch under another name", "git branch b; git push -q origin b:main", "git push origin b:main"],
		["that deletes the branch", "git push -q origin :main", "git push origin :main"],
		["of everything", "git branch b; git tag v1; git push -q --all origin", "git push origin main b"],
		[
			"of many things",
			"git branch b; git branch c; git tag v1; git push -q origin main~:refs/heads/a b c v1 main",
			"git push origin main 'main~:refs/heads/a' b c refs/tags/v1",
		],
		[
			"of what a name with spaces in it means",
			"git push -q origin 'main@{0 days ago}:refs/heads/main'",
			"git push origin 'main@{0 days ago}:refs/heads/main'",
		],
		["by force without need", "git push -q --force origin main", "git push origin main"],
		[
			"by force",
			"UDO=0 git reset -q --hard HEAD~; UDO=0 git commit -q --amend -m x; git push -qf origin main",
			undefined,
		],
	])("%s waits two seconds for who claimed it, and is refused with the holder", async (_, command, again) => {
		await using sandbox = await withRemote();
		const { alice, bob } = twoTerminals(sandbox);
		await bob.run("udo lock --branch main");
		await alice.run("UDO=0 git commit -q --allow-empty -m more");

		const answer = await alice.run(command);
		expect(answer.code).toBe(1);
		const next = /^udo: push refused: branch main is not free\n.*locked by bob .*lease ends in.*\n {2}next: (.*)\n/;
		expect(next.exec(answer.stderr)?.[1], answer.stderr).toBe(
			again === undefined ? "udo status" : `udo run --wait --branch main -- ${again}`,
		);
		expect(await remoteLog(sandbox)).toBe("first\n");
	});

	test("of more branches than a session may lock is still refused for the one that is claimed", async () => {
		await using sandbox = await withRemote();
		const { alice, bob } = twoTerminals(sandbox);
		await bob.run("udo lock --branch main");
		const many = 'for i in $(seq 250); do echo "create refs/heads/b$i HEAD"; done | UDO=0 git update-ref --stdin';
		await alice.run(`UDO=0 git commit -q --allow-empty -m more; (${many})`);

		expect((await alice.run("git push -q --all origin")).code).toBe(1);
		expect(await remoteLog(sandbox)).toBe("first\n");
	});

	test("goes through when the claim is given back meanwhile", async () => {
		await using sandbox = await withRemote();
		const { alice, bob } = twoTerminals(sandbox);
		await alice.run("git commit -q --allow-empty -m more");
		await bob.run("udo lock --branch main");
		const pushing = alice.run("git push -q origin main");
		await until(
			() => statusOf(sandbox),
			({ waiters }) => waiters.length === 1,
		);

		await bob.run("udo unlock --all");
		expect(await pushing).toMatchObject({ code: 0, stderr: "" });
		expect(await remoteLog(sandbox)).toBe("more\nfirst\n");
	});

	test("of a branch nobody claimed, of a tag, or of nothing is let through", async () => {
		await using sandbox = await withRemote();
		const { alice, bob } = twoTerminals(sandbox);
		await bob.run("udo lock --branch main");
		await alice.run("git switch -qc topic; git commit -q --allow-empty -m more; git tag v1");

		expect(await alice.run("git push -q origin topic v1")).toMatchObject({ code: 0, stderr: "" });
		expect(await alice.run("git push -q origin main topic v1")).toMatchObject({ code: 0, stderr: "" });
		expect(await alice.run("git push -q origin :v1")).toMatchObject({ code: 0, stderr: "" });
		expect(await alice.run("git push -q origin :topic")).toMatchObject({ code: 0, stderr: "" });
	});

	test("holds the branch until git is done, and another push of it does not get in between", async () => {
		await using sandbox = await withRemote();
		const clone = await cloneOf(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git commit -q --allow-empty -m bobs; udo status");
		await alice.run("git commit -q --allow-empty -m more; udo status; mkfifo ../pipe");
		await writeScript(join(sandbox.directory, "remote.git", "hooks", "pre-receive"), "#!/bin/sh\ncat ../pipe\n");
		const pushing = alice.run("git push -q origin main");
		const held = await until(
			() => statusOf(sandbox),
			({ locks }) => locks.length === 1,
		);

		expect(held.locks[0]?.resource).toBe("git:main");
		const refused = await bob.run("git push -q origin main");
		expect(refused.code).toBe(1);
		expect(refused.stderr).toMatch(/git of alice .* is pushing it for \d+ s \(pid \d+\)/);
		expect(await bob.run("git commit -q --allow-empty -m meanwhile")).toMatchObject({ code: 0, stderr: "" });
		await sandbox.run("sh", ["-c", "echo >pipe"], { directory: sandbox.directory });
		expect((await pushing).code).toBe(0);
		expect((await statusOf(sandbox)).locks).toEqual([]);
	});

	test("is not held up by a commit whose message is being written elsewhere", async () => {
		await using sandbox = await withRemote();
		const clone = await cloneOf(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git commit -q --allow-empty -m bobs; udo status");
		await alice.run("udo status; mkfifo ../pipe");
		const committing = alice.run("GIT_EDITOR='cat ../pipe >' git commit -q --allow-empty");
		await until(
			() => statusOf(sandbox),
			({ locks }) => locks.length === 1,
		);

		expect(await bob.run("git push -q origin main")).toMatchObject({ code: 0, stderr: "" });
		await sandbox.run("sh", ["-c", "echo message >pipe"], { directory: sandbox.directory });
		await committing;
	});
});

describe("a push that is behind", () => {
	test.each([
		["is told so with what to do", "git push -q origin main"],
		["is stopped by force too, since it would drop commits that nobody here has seen", "git push -qf origin main"],
		["is told so for the branch that is", "git push -q origin topic main"],
	])("%s", async (_, command) => {
		await using sandbox = await withRemote();
		const clone = await cloneOf(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git commit -q --allow-empty -m bobs; git push -q origin main; udo status");
		await alice.run("git commit -q --allow-empty -m alices; git branch topic");

		const answer = await alice.run(command);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(
			/^udo: push refused: main is behind origin\n.*never fetched here\.\n {2}next: udo push origin main\n/,
		);
		expect(await alice.run("git pull -q --rebase origin main && git push -q origin main")).toMatchObject({ code: 0 });
		expect(await remoteLog(sandbox)).toBe("alices\nbobs\nfirst\n");
	});

	test("is told what to do for the branch that it pushes, whichever it is on", async () => {
		await using sandbox = await withRemote();
		const clone = await cloneOf(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git commit -q --allow-empty -m bobs; git push -q origin main; udo status");

		const answer = await alice.run("git switch -qc topic; git push -q origin main");
		expect(answer.stderr).toContain("\n  next: udo push origin main\n");
	});

	test("and only deletes or replaces what is known goes through", async () => {
		await using sandbox = await withRemote();
		const clone = await cloneOf(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", clone)];
		await bob.run("git push -q origin main:gone; git commit -q --allow-empty -m bobs; git push -q origin main:gone");
		await bob.run("udo status");

		expect(await alice.run("git push -q origin :gone")).toMatchObject({ code: 0, stderr: "" });
		await alice.run("git commit -q --amend -m rewritten");
		expect(await alice.run("git push -qf origin main")).toMatchObject({ code: 0, stderr: "" });
		expect(await remoteLog(sandbox)).toBe("rewritten\n");
	});
});

test("a hook of the user's own gets the same lines and arguments after udo's check", async () => {
	await using sandbox = await withRemote();
	const hook = join(sandbox.repository, ".git", "hooks", "pre-push");
	const check =
		'n=0; while read -r a b c d; do n=$((n + 1)); [ "$n" = 1 ] && first=$c; done; echo "$n lines, $first to $1" >>../seen; exit 3';
	await sandbox.udo(["init", "--remove", "--yes"]);
	await writeScript(hook, `#!/bin/sh\n${check}\n`);
	await installHooks(sandbox);
	const { alice, bob } = twoTerminals(sandbox);
	await alice.run("git switch -qc topic");

	expect((await alice.run("git push -q origin topic:refs/heads/$(printf '%0100d' 1) topic")).code).toBe(1);
	await bob.run("udo status");
	expect((await alice.run("git push -q origin topic:refs/heads/$(printf '%0100d' 1) topic")).code).toBe(1);
	const [alone, withPeer] = (await sandbox.run("cat", ["../seen"])).stdout.trimEnd().split("\n");
	expect(alone).toMatch(/^2 lines, refs\/heads\/\w+ to origin$/);
	expect(withPeer).toBe(alone);
});

test("the log keeps which branches were refused", async () => {
	await using sandbox = await withRemote();
	const { alice, bob } = twoTerminals(sandbox);
	await bob.run("udo lock --branch main");
	await alice.run("UDO=0 git commit -q --allow-empty -m more; git push -q origin main");

	await using onlooker = await openEditor(sandbox, "onlooker");
	const { project, store } = onlooker;
	const refusals = await store.events({ project, after: 0, limit: 10, types: ["guard_refused"] });
	expect(refusals).toMatchObject([{ hook: "pre-push", paths: ["branch main"], actor: "alice" }]);
});

async function withRemote(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	const remote = join(sandbox.directory, "remote.git");
	await sandbox.git("init", "-q", "--bare", remote);
	await sandbox.git("remote", "add", "origin", remote);
	await sandbox.git("push", "-q", "origin", "main");
	await installHooks(sandbox);
	return sandbox;
}

async function cloneOf(sandbox: Sandbox): Promise<string> {
	const clone = join(sandbox.directory, "clone");
	await sandbox.git("clone", "-q", join(sandbox.directory, "remote.git"), clone);
	await installHooks(sandbox, clone);
	return clone;
}

function twoTerminals(sandbox: Sandbox): { readonly alice: Terminal; readonly bob: Terminal } {
	return { alice: sandbox.terminal("alice"), bob: sandbox.terminal("bob") };
}

function remoteLog(sandbox: Sandbox): Promise<string> {
	return sandbox.git("--git-dir", join(sandbox.directory, "remote.git"), "log", "--format=%s", "main");
}
