import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, spyOnNode } from "../helpers/hooks.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import type { Sandbox } from "../helpers/sandbox.ts";
import type { Status } from "../helpers/status.ts";
import { createTeamSandbox } from "../helpers/team-sandbox.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("udo on the machines of a team", () => {
	test("refuses what is locked on another machine, and hands it over to who waits there", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await east.udo(["lock", "src/a.ts"], { as: "ann" });

		const refused = await west.udo(["lock", "src/a.ts"], { as: "bob" });
		expect(refused.code).toBe(4);
		expect(refused.stderr).toContain("src/a.ts is locked by ann (ann)");
		const waiting = west.udo(["lock", "--wait", "60s", "src/a.ts"], { as: "bob" });
		await until(
			() => statusOf(east, "ann"),
			({ waiters }) => waiters.some(({ session }) => session === "bob"),
		);
		expect((await east.udo(["unlock", "src/a.ts"], { as: "ann" })).code).toBe(0);
		expect((await waiting).code).toBe(0);
		expect((await statusOf(east, "ann")).locks).toMatchObject([{ resource: "file:src/a.ts", session: "bob" }]);
	});

	test("shows one primary for all machines, the next one when that has left", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await statusOf(east, "ann");
		await statusOf(west, "bob");

		expect((await statusOf(west, "bob")).sessions).toMatchObject([
			{ id: "ann", role: "primary" },
			{ id: "bob", role: "secondary" },
		]);
		await mkdir(join(east.directory, "other"));
		await east.run("git", ["init", "-q"], { directory: join(east.directory, "other") });
		await east.udo(["switch", "../other"], { as: "ann" });
		expect((await statusOf(west, "bob")).sessions).toMatchObject([{ id: "bob", role: "primary" }]);
	});

	test("restores on another machine what its actor left behind on this one", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		for (const { directory, run } of [east, west].map((each) => ({
			directory: each.directory,
			run: each.run.bind(each),
		}))) {
			await mkdir(join(directory, "other"));
			await run("git", ["init", "-q"], { directory: join(directory, "other") });
		}
		const actor = { environment: { UDO_ACTOR: "ann" } };
		await east.udo(["lock", "src/a.ts", "src/b.ts"], { as: "ann", ...actor });
		await east.udo(["switch", "../other"], { as: "ann", ...actor });
		await west.udo(["lock", "src/b.ts"], { as: "bob" });

		const back = await west.udo(["switch", west.repository], {
			as: "ann_2",
			...actor,
			directory: join(west.directory, "other"),
		});
		expect(back.stdout).toContain("locked again: src/a.ts");
		expect(back.stdout).toContain("not free any more: src/b.ts; src/b.ts is locked by bob");
		expect((await statusOf(east, "eve")).locks.map(({ session }) => session).sort()).toEqual(["ann_2", "bob"]);
	});

	test("does not let two machines be one session", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await using shell = east.terminal("ann");
		await shell.run("UDO_SESSION=ci udo lock src/a.ts");

		const other = await west.udo(["lock", "src/a.ts"], { as: "ci" });
		expect(other.code).toBe(1);
		expect(other.stderr).toContain("ci is a session of another machine");
	});

	test("stops a commit of what is locked on another machine, though nobody else is on this one", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		// Not in the environment, where the gate would see it.
		const { REDIS_URL: url } = east.environment;
		delete east.environment["REDIS_URL"];
		await mkdir(join(east.directory, "home", ".config", "udo"), { recursive: true });
		await writeFile(join(east.directory, "home", ".config", "udo", "config.json"), JSON.stringify({ redis: { url } }));
		await installHooks(east);
		const starts = await spyOnNode(east);
		await west.udo(["lock", "README.md"], { as: "bob" });
		const alice = east.terminal("alice");
		await alice.run("udo status");

		const { code, stderr } = await alice.run("echo more >>README.md; git commit -qam more");
		expect(code).toBe(1);
		expect(stderr).toContain("commit refused: README.md is locked by somebody else");
		expect(await starts()).toBe(1);
	});
});

describe.skipIf(!hasRedis)("udo while the team's Redis is away", () => {
	test("locks files on this machine, refuses branches in words, and shows how it stands", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await statusOf(east, "ann");
		await server.kill();

		const locked = await east.udo(["lock", "src/a.ts"], { as: "ann" });
		expect(locked).toMatchObject({ code: 0, stdout: expect.stringContaining("on this machine only") });
		expect((await east.udo(["lock", "src/a.ts"], { as: "amy" })).code).toBe(4);
		const refused = await east.udo(["lock", "--branch", "main"], { as: "ann" });
		expect(refused.code).toBe(6);
		expect(refused.stderr.trimEnd().split("\n")).toHaveLength(3);
		expect(refused.stderr).toMatch(/branch main cannot be locked .*\n.* is away .*\n.*UDO_LOCAL=1/);
		const { stdout } = await east.udo(["status"], { as: "ann" });
		expect(stdout.split("\n")[0]).toMatch(/^Redis .* is away for .* local mode: .* this machine only/);
		expect(stdout).toContain("locked (this machine only)");
		expect(await statusOf(east, "ann")).toMatchObject({ link: { state: "local", why: expect.any(String) } });
	});

	test("takes a branch on this machine when told so, and keeps that in the log", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await statusOf(east, "ann");
		await server.kill();
		const environment = { UDO_LOCAL: "1" };

		expect((await east.udo(["lock", "--branch", "main"], { as: "ann", environment })).code).toBe(0);
		const { stdout } = await east.udo(["log"], { as: "ann" });
		expect(stdout).toContain("took branch main on this machine only (UDO_LOCAL=1)");
		expect(stdout).toContain("lost touch with");
	});

	test("lets a commit pass with one line, and stops it all the same for a lock on this machine", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await installHooks(east);
		await east.udo(["lock", "src/a.ts"], { as: "amy" });
		await server.kill();
		const alice = east.terminal("alice");

		const passed = await alice.run("echo more >>README.md; git commit -qam more");
		expect(passed.code).toBe(0);
		expect(passed.stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(/^udo: Redis .* is away/)]);
		const stopped = await alice.run("echo more >>src/a.ts; git commit -qam more");
		expect(stopped.code).toBe(1);
		expect(stopped.stderr).toContain("commit refused: src/a.ts is locked by somebody else");
	});

	test("answers every command while Redis is stopped, and is the team's again when it goes on", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await east.udo(["lock", "src/a.ts"], { as: "ann" });
		await statusOf(west, "bob");
		server.stop();

		expect((await west.udo(["lock", "src/b.ts"], { as: "bob" })).stdout).toContain("this machine only");
		expect((await west.udo(["lock", "src/a.ts"], { as: "bob" })).stdout).toContain("this machine only");
		for (const command of ["status", "log", "config"]) expect((await west.udo([command], { as: "bob" })).code).toBe(0);
		expect((await west.udo(["unlock", "src/b.ts"], { as: "bob" })).code).toBe(0);
		server.resume();
		const status = await until(
			() => statusOf(west, "bob"),
			({ link }) => link?.state === "connected",
		);
		expect(status.locks).toMatchObject([{ resource: "file:src/a.ts", session: "ann", isLocalOnly: false }]);
		expect(status.conflicts).toMatchObject([{ type: "state_divergence", resource: "file:src/a.ts" }]);
	});

	test("tells a person at the next command that a lock was lost to the team", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await writeFile(join(west.repository, "src", "a.ts"), "mine\n");
		await east.udo(["lock", "src/a.ts"], { as: "ann" });
		await statusOf(west, "bob");
		server.stop();
		await west.udo(["lock", "src/a.ts"], { as: "bob" });
		server.resume();

		const told = await until(
			() => west.udo(["status"], { as: "bob" }),
			({ stderr }) => stderr !== "",
		);
		expect(told.stderr).toMatch(/^udo: you lost src\/a\.ts: the team had given it to ann \(ann\)/);
	});
});

interface TeamStatus extends Omit<Status, "sessions" | "locks"> {
	readonly link?: { readonly state: string; readonly why?: string };
	readonly sessions: readonly { readonly id: string; readonly role: string }[];
	readonly locks: readonly { readonly resource: string; readonly session: string; readonly isLocalOnly: boolean }[];
	readonly conflicts: readonly { readonly type: string; readonly resource: string }[];
}

function statusOf(sandbox: Sandbox, as: string): Promise<TeamStatus> {
	return sandbox.data<TeamStatus>(["status"], { as });
}
