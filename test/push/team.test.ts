import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RequestId } from "../../server/coordination/lock.ts";
import { openEditor, writeScript } from "../helpers/hooks.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { udoScript } from "../helpers/sandbox.ts";
import type { Answer } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";
import { Clones, Turnstile } from "./clones.ts";

// Another machine is a process with another host name, which only root can have.
const canRename = process.getuid?.() === 0 && spawnSync("unshare", ["--uts", "true"]).status === 0;

describe.skipIf(!hasRedis || !canRename)("machines that share a Redis and a remote", () => {
	test("land together: commits of the other machine travel through the remote, which keeps nothing of it", async () => {
		await using server = await RedisServer.start();
		await using clones = await teamClones(server);
		const turnstile = await Turnstile.install(clones, "alice");
		const leading = await leadAtFetch(clones, turnstile);
		const waiting = pushFrom("west", clones, "bob");
		await until(
			() => parked(clones),
			(refs) => refs !== "",
		);
		await clones.untilWaiting(1);
		await until(() => isTold(clones));
		await turnstile.open("fetch");

		expect(JSON.parse((await leading.answer).stdout)).toMatchObject({ data: { state: "landed", batch: 2 } });
		expect(JSON.parse((await waiting).stdout)).toMatchObject({ data: { state: "landed", batch: 2 } });
		expect(await clones.landed()).toEqual(["alice a.txt", "bob b.txt"]);
		expect(await parked(clones)).toBe("");
		expect(await clones.run("bob", "git status -sb")).toBe("## main...origin/main\n");
		await clones.check("alice", "bob");
	});

	test("leave nothing on the remote of one that was killed, or that died long ago", async () => {
		await using server = await RedisServer.start();
		await using clones = await teamClones(server);
		const old = `refs/udo/queue/18c00000000-${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`;
		await clones.sandbox.git("--git-dir", clones.remote, "update-ref", old, "main");
		const turnstile = await Turnstile.install(clones, "alice");
		await turnstile.close("push");
		const leading = clones.push("alice", "--json");
		await turnstile.untilReached("push");
		const waiter = startFrom("west", clones, "bob");
		await until(() => isTold(clones));
		await until(
			() => parked(clones),
			(refs) => refs !== "" && !refs.includes(old),
		);
		waiter.kill("SIGKILL");
		await turnstile.open("push");
		await leading;
		await clones.commit("alice", "more.txt");

		expect((await clones.push("alice")).code).toBe(0);
		expect(await parked(clones)).toBe("");
	});

	test("take turns where the remote refuses to keep commits for others", async () => {
		await using server = await RedisServer.start();
		await using clones = await teamClones(server);
		await clones.sandbox.git("--git-dir", clones.remote, "config", "receive.hideRefs", "refs/udo");
		const turnstile = await Turnstile.install(clones, "alice");
		const leading = await leadAtFetch(clones, turnstile);
		const waiting = pushFrom("west", clones, "bob");
		await clones.untilWaiting(1);
		await turnstile.open("fetch");

		expect(JSON.parse((await leading.answer).stdout)).toMatchObject({ data: { batch: 1 } });
		expect(JSON.parse((await waiting).stdout)).toMatchObject({ data: { batch: 1 } });
		expect(await clones.landed()).toEqual(["alice a.txt", "bob b.txt"]);
	});
});

async function teamClones(server: RedisServer): Promise<Clones> {
	const clones = await Clones.create("alice", "bob");
	clones.sandbox.environment["REDIS_URL"] = `unix://${server.socket}`;
	const ssh = join(clones.sandbox.directory, "bin", "ssh-here");
	await writeScript(ssh, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
	for (const name of ["alice", "bob"]) {
		// A path would mean another repository on another machine.
		await clones.run(name, `git remote set-url origin 'ssh://git@remote.example${clones.remote}'`);
		await clones.run(name, `git config core.sshCommand "'${ssh}'"; git config ssh.variant ssh`);
		await clones.commit(name, `${name[0]}.txt`);
	}
	return clones;
}

/** A push that stands still before it looks at the remote. */
async function leadAtFetch(clones: Clones, turnstile: Turnstile): Promise<{ readonly answer: Promise<Answer> }> {
	await turnstile.close("fetch");
	const answer = clones.push("alice", "--json");
	await turnstile.untilReached("fetch");
	return { answer };
}

/** A machine has a name and a state directory of its own; its commits are not where others could read them. */
function pushFrom(host: string, clones: Clones, name: string): Promise<Answer> {
	const script = `hostname ${host}; exec '${process.execPath}' '${udoScript}' push --json`;
	return clones.sandbox.run("unshare", ["--uts", "sh", "-c", script], {
		directory: clones.path(name),
		as: name,
		environment: { XDG_STATE_HOME: join(clones.sandbox.directory, host) },
	});
}

function startFrom(host: string, { sandbox }: Clones, name: string): ChildProcess {
	const script = `hostname ${host}; exec '${process.execPath}' '${udoScript}' push`;
	return spawn("unshare", ["--uts", "sh", "-c", script], {
		cwd: join(sandbox.directory, name),
		env: { ...sandbox.environment, UDO_SESSION: name, UDO_ACTOR: name, XDG_STATE_HOME: join(sandbox.directory, host) },
		stdio: "ignore",
	});
}

function parked(clones: Clones): Promise<string> {
	return clones.sandbox.git("--git-dir", clones.remote, "for-each-ref", "refs/udo/queue");
}

/** Whether the one who waits has said where its commits are. */
async function isTold(clones: Clones): Promise<boolean> {
	await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("alice"));
	const [waiter] = await onlooker.store.waiters(onlooker.project);
	const ticket = await onlooker.store.loadState(onlooker.project, `push-ticket:${waiter?.request as RequestId}`);
	return ticket?.includes("refs/udo/queue/") === true;
}
