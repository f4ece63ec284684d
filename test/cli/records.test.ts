import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

describe("udo log", () => {
	test("says who did what, newest last, and filters", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });
		await sandbox.udo(["lock", "--branch", "main"], { as: "bob" });
		await sandbox.udo(["unlock", "--all"], { as: "alice" });

		const all = (await sandbox.udo(["log"], { as: "eve" })).stdout.split("\n");
		expect(all.findIndex((line) => /alice +locked src\/a\.ts/.test(line))).toBeLessThan(
			all.findIndex((line) => /alice +unlocked src\/a\.ts/.test(line)),
		);
		expect((await sandbox.udo(["log", "--session", "bob", "--type", "lock_acquired"], { as: "eve" })).stdout).toMatch(
			/^.*locked branch main[^\n]*\n$/,
		);
		expect((await sandbox.udo(["log", "--path", "a.ts", "-n", "1"], { as: "eve" })).stdout).toMatch(
			/^.*unlocked src\/a\.ts\n$/,
		);
		expect((await sandbox.udo(["log", "--type", "nonsense"], { as: "eve" })).code).toBe(64);
	});
});

describe("udo watch", () => {
	test("prints what happens as one JSON object a line, and ends on a signal", async () => {
		await using sandbox = await Sandbox.create();
		const terminal = sandbox.terminal("watcher");
		const watching = terminal.run("udo watch --json > ../events & echo $! > ../pid; wait $!");
		await until(
			() => sandbox.data<{ sessions: unknown[] }>(["status"], { as: "alice" }),
			({ sessions }) => sessions.length === 2,
		);

		await until(
			async () => {
				await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });
				await sandbox.udo(["unlock", "src/a.ts"], { as: "alice" });
				return (await sandbox.run("cat", ["../events"])).stdout;
			},
			(text) => text.includes("lock_released"),
		);
		await sandbox.run("sh", ["-c", "kill -TERM $(cat ../pid)"]);
		await watching;
		const events = (await sandbox.run("cat", ["../events"])).stdout
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(events.filter(({ type }) => type === "lock_acquired")[0]).toMatchObject({
			session: "alice",
			resources: ["file:src/a.ts"],
			origin: "claim",
		});
	});
});

describe("udo switch", () => {
	test("gives locks back when leaving, takes them again on return, and names what is not free any more", async () => {
		await using sandbox = await Sandbox.create();
		const other = join(sandbox.directory, "other");
		await mkdir(other);
		await sandbox.run("git", ["init", "-q"], { directory: other });
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock src/a.ts src/b.ts");

		expect((await alice.run("udo switch ../other")).stdout).toContain("gave back 2 locks");
		expect((await sandbox.udo(["lock", "src/b.ts"], { as: "bob" })).code).toBe(0);
		const back = await alice.run("cd ../other && udo switch ../repo");
		expect(back.stdout).toContain("locked again: src/a.ts");
		expect(back.stdout).toMatch(/not free any more: src\/b\.ts; src\/b\.ts is locked by bob/);
	});
});

describe("udo config", () => {
	test("takes the environment before the repository's file, and names a wrong value", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, "udo.config.json"), '{"lock": {"ttl": 600, "wait": 5}}');

		const shown = await sandbox.data<{ settings: { key: string; value: number; source: string }[] }>(["config"], {
			environment: { LOCK_WAIT_TIMEOUT: "7" },
		});
		expect(shown.settings.find(({ key }) => key === "lock.ttl")).toMatchObject({
			value: 600,
			source: "udo.config.json",
		});
		expect(shown.settings.find(({ key }) => key === "lock.wait")).toMatchObject({ value: 7, source: "environment" });
		expect((await sandbox.udo(["lock", "README.md"], { as: "alice" })).stdout).toContain("for 10 min");
		const wrong = await sandbox.udo(["status"], { environment: { SESSION_TTL: "soon" } });
		expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('SESSION_TTL is "soon"') });
	});
});

describe("udo", () => {
	test("outside a repository says so in one clear error", async () => {
		await using sandbox = await Sandbox.create();

		const answer = await sandbox.udo(["status"], { directory: sandbox.directory });
		expect(answer).toMatchObject({
			code: 1,
			stdout: "",
			stderr: expect.stringContaining("is not in a git repository"),
		});
		const json = JSON.parse((await sandbox.udo(["status", "--json"], { directory: sandbox.directory })).stdout);
		expect(json).toMatchObject({ ok: false, error: { code: "not_a_repository", retryable: false } });
	});

	test("suggests the command that was meant", async () => {
		await using sandbox = await Sandbox.create();

		expect(await sandbox.udo(["statsu"])).toMatchObject({ code: 64, stderr: expect.stringContaining("status") });
	});

	test.each(["bash", "zsh", "fish"])("prints completion for %s that names its commands", async (shell) => {
		await using sandbox = await Sandbox.create();

		const { code, stdout } = await sandbox.udo(["completion", shell]);
		expect(code).toBe(0);
		expect(stdout).toMatch(/status lock unlock run/);
		expect(stdout).not.toContain("lsp");
	});
});
