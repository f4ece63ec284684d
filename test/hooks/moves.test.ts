import { access, constants, mkdir, readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks } from "../helpers/hooks.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";
import { createTeamSandbox } from "../helpers/team-sandbox.ts";
import { until } from "../helpers/until.ts";

const unverified = "git commit -q --allow-empty --no-verify -m x";

describe("while no branch is locked", () => {
	test("git has no reference-transaction hook to start, whatever files are locked", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await alice.run("udo lock README.md");
		await bob.run("udo lock src/a.ts --database users");

		expect(await isThere(sandbox)).toBe(false);
		expect((await alice.run("git commit -q --allow-empty -m x")).code).toBe(0);
		expect(await isThere(sandbox)).toBe(false);
	});

	test("a hook of somebody's own that is written by way of udo's link is refused, not lost", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await sandbox.terminal("bob").run("udo status");

		const answer = await sandbox.terminal("alice").run("echo mine >.git/hooks/reference-transaction");
		expect(answer.code).not.toBe(0);
		expect(await sandbox.git("status", "--short")).toBe("");
	});
});

describe("a lock that reaches branches", () => {
	test.each(["--branch main", "--project", "--exclusive"])(
		"(%s) guards every clone and working tree of the machine from the moment it is granted",
		async (what) => {
			await using sandbox = await Sandbox.create();
			const [clone, tree] = [join(sandbox.directory, "clone"), join(sandbox.directory, "tree")];
			await sandbox.git("clone", "-q", ".", clone);
			for (const directory of [sandbox.repository, clone]) await installHooks(sandbox, directory);
			await sandbox.git("worktree", "add", "-q", "-b", "other", tree);
			const bob = sandbox.terminal("bob");
			await bob.run("udo status");
			expect((await sandbox.terminal("alice").run(unverified)).code).toBe(0);
			await bob.run(`udo lock ${what} ${what === "--branch main" ? "--branch other" : ""}`);

			for (const directory of [sandbox.repository, clone, tree]) {
				const answer = await sandbox.terminal("alice", directory).run(unverified);
				expect(answer.code, directory).not.toBe(0);
				expect(answer.stderr, directory).toMatch(/udo: move refused: branch (main|other) is locked by somebody else/);
			}
		},
	);

	test("leaves the hook behind when its holder is killed, and the next udo removes it after a while", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo lock --branch main");
		await bob.kill();

		expect(await isThere(sandbox)).toBe(true);
		expect((await alice.run(unverified)).code).toBe(0);
		await makeOld(sandbox);
		await alice.run("udo status");
		expect(await isThere(sandbox)).toBe(false);
		expect(await readdir(stateOf(sandbox))).not.toContain("moves");
	});

	test("keeps the hook however old it is, for who waits for the branch as well", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo lock --branch main");
		await makeOld(sandbox);
		await bob.run("udo status");
		expect(await isThere(sandbox)).toBe(true);

		const waiting = alice.run("udo lock --wait 20s --branch main");
		await until(
			() => statusOf(sandbox),
			({ waiters }) => waiters.length > 0,
		);
		await bob.run("udo unlock --all");
		await waiting;
		await makeOld(sandbox);
		await bob.run("udo status");
		expect((await bob.run(unverified)).stderr).toContain("udo: move refused: branch main");
	});
});

describe.skipIf(!hasRedis)("with a team's Redis", () => {
	test("a branch that is locked on another machine is guarded, also against the first git command ever", async () => {
		await using server = await RedisServer.start();
		await using here = await createTeamSandbox(server);
		await using there = await createTeamSandbox(server);
		await installHooks(here);
		await there.terminal("bob").run("udo lock --branch main");

		const answer = await here.terminal("alice").run(unverified);
		expect(answer.code).not.toBe(0);
		expect(answer.stderr).toContain("udo: move refused: branch main is locked by somebody else");
	});

	test("the hook stays, since others lock branches without telling this machine", async () => {
		await using server = await RedisServer.start();
		await using here = await createTeamSandbox(server);
		await using there = await createTeamSandbox(server);
		await installHooks(here);
		const alice = here.terminal("alice");
		await alice.run("udo status");
		await makeOld(here);
		await alice.run("udo status");
		expect((await alice.run(unverified)).code).toBe(0);
		await there.terminal("bob").run("udo lock --branch main");

		expect((await alice.run(unverified)).stderr).toContain("udo: move refused: branch main");
	});
});

test("an installation whose link leads to another store is one that doctor finds, and init mends", async () => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	const elsewhere = { environment: { XDG_STATE_HOME: join(sandbox.directory, "elsewhere") } };
	await mkdir(elsewhere.environment.XDG_STATE_HOME);

	const answer = await sandbox.udo(["doctor"], elsewhere);
	expect(answer.code).toBe(1);
	expect(answer.stdout).toMatch(/FAIL {2}hooks: no reference-transaction of udo's in .*\n +next: udo init/);
	expect((await sandbox.udo(["init", "--yes"], elsewhere)).code).toBe(0);
	expect((await sandbox.udo(["doctor"], elsewhere)).stdout).toContain("ok    hooks: installed in the working tree");
	expect((await sandbox.udo(["init", "--remove", "--yes"])).code).toBe(0);
	expect(await readdir(join(sandbox.repository, ".git", "hooks"))).not.toContain("reference-transaction");
});

function stateOf(sandbox: Sandbox): string {
	return join(sandbox.directory, "home", "state", "udo");
}

function isThere({ repository }: Sandbox): Promise<boolean> {
	return access(join(repository, ".git", "hooks", "reference-transaction"), constants.X_OK).then(
		() => true,
		() => false,
	);
}

/** As if the last lock on a branch had been taken an hour ago. */
async function makeOld(sandbox: Sandbox): Promise<void> {
	const hook = join(stateOf(sandbox), "moves", "reference-transaction");
	expect(await readFile(hook, "utf8")).toContain("udo_hook=reference-transaction");
	const then = new Date(Date.now() - 3_600_000);
	await utimes(hook, then, then);
}
