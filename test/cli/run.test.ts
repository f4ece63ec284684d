import { describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

interface Status {
	readonly locks: readonly { readonly resource: string; readonly token: number; readonly session: string }[];
}

const status = (sandbox: Sandbox) => sandbox.data<Status>(["status"], { as: "eve" });

describe("udo run", () => {
	test("holds the lock while the command runs, tells it the token, and passes its exit code on", async () => {
		await using sandbox = await Sandbox.create();

		const running = sandbox.udo(["run", "src/", "--", "sh", "-c", "read line; echo token=$UDO_FENCING_TOKEN; exit 7"], {
			as: "alice",
			input: "",
		});
		const answer = await running;
		expect(answer).toMatchObject({ code: 7, stdout: expect.stringMatching(/^token=\d+\n$/) });
		expect((await status(sandbox)).locks).toEqual([]);
	});

	test("keeps others out until the command ends", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		const running = alice.run(
			"udo run src/ -- sh -c 'i=0; until [ -e ../go ] || [ $((i+=1)) -gt 1000 ]; do sleep 0.05; done'",
		);
		await until(
			() => status(sandbox),
			({ locks }) => locks.length === 1,
		);

		expect((await sandbox.udo(["lock", "src/a.ts"], { as: "bob" })).code).toBe(4);
		await sandbox.run("touch", ["../go"]);
		expect((await running).code).toBe(0);
		expect((await sandbox.udo(["lock", "src/a.ts"], { as: "bob" })).code).toBe(0);
	});

	test("stops the command when the lock is stolen, and says so with 4", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		const running = alice.run("udo run src/ -- sleep 60");
		await until(
			() => status(sandbox),
			({ locks }) => locks.length === 1,
		);

		await sandbox.udo(["lock", "--steal", "--reason", "urgent", "src/"], { as: "bob" });
		const answer = await running;
		expect(answer.code).toBe(4);
		expect(answer.stderr).toContain("the lock was lost");
	});

	test("leaves the lock with the command when udo itself is killed, until the command ends", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		await alice.run(
			"(udo run src/ -- sh -c 'echo $PPID > ../udo-pid; i=0; until [ -e ../go ] || [ $((i+=1)) -gt 1000 ]; do sleep 0.05; done' >/dev/null 2>&1 &)",
		);
		await until(
			async () => (await sandbox.run("cat", ["../udo-pid"])).stdout,
			(text) => text.endsWith("\n"),
		);
		// The first lock, udo's own, is given back once the command has one.
		await until(
			() => sandbox.udo(["log", "--type", "lock_released"], { as: "eve" }),
			({ stdout }) => stdout.includes("unlocked src/"),
		);
		await sandbox.run("sh", ["-c", "kill -9 $(cat ../udo-pid)"]);

		expect((await sandbox.udo(["lock", "src/a.ts"], { as: "bob" })).code).toBe(4);
		await sandbox.run("touch", ["../go"]);
		await until(
			() => sandbox.udo(["lock", "src/a.ts"], { as: "bob" }),
			({ code }) => code === 0,
		);
	});

	test("gives the lock back when the command cannot be started", async () => {
		await using sandbox = await Sandbox.create();

		const answer = await sandbox.udo(["run", "src/", "--", "no-such-command"], { as: "alice" });
		expect(answer.code).toBe(127);
		expect((await status(sandbox)).locks).toEqual([]);
	});

	test("a lock of the same session outlives the command that also took it", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/"], { as: "alice" });
		const before = (await status(sandbox)).locks[0];

		const answer = await sandbox.udo(["run", "src/", "--", "sh", "-c", "echo $UDO_FENCING_TOKEN"], { as: "alice" });
		expect(answer.stdout.trim()).toBe(String(before?.token));
		expect((await status(sandbox)).locks).toMatchObject([
			{ resource: "file:src/", session: "alice", token: before?.token },
		]);
	});
});
