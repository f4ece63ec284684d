import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { installHooks } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";

interface Report {
	readonly ok: boolean;
	readonly findings: readonly {
		readonly check: string;
		readonly level: string;
		readonly message: string;
		readonly next?: string;
	}[];
}

test("everything is well after udo init, and looking registers no session", async () => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	const alice = sandbox.terminal("alice");

	const report = JSON.parse((await alice.run("udo doctor --json")).stdout).data as Report;
	expect(report.ok).toBe(true);
	expect(report.findings.map(({ check, level }) => `${check} ${level}`)).toEqual([
		...["node ok", "configuration ok", "state ok", "permissions ok", "session ok", "git ok", "project ok", "hooks ok"],
	]);
	expect((await statusOf(sandbox)).sessions.map(({ id }) => id)).toEqual(["onlooker"]);
});

test("names the session that this terminal belongs to", async () => {
	await using sandbox = await Sandbox.create();
	const alice = sandbox.terminal("alice");
	await alice.run("udo status");

	expect((await alice.run("udo doctor")).stdout).toMatch(/session: alice \(term_\w+\), by process \d+/);
	expect((await alice.run("UDO_SESSION=other udo doctor")).stdout).toMatch(/session: none yet.*UDO_SESSION=other/);
});

test.each(
	[
		{
			what: "hooks that were never installed",
			damage: (sandbox: Sandbox) => sandbox.run("udo", ["init", "--remove", "--yes"]),
			finding: /FAIL {2}hooks: not in .*|FAIL {2}hooks: no pre-commit, .*post-checkout of udo's/,
			next: "udo init",
		},
		{
			what: "a hook that somebody overwrote",
			damage: (sandbox: Sandbox) => writeFile(join(sandbox.repository, ".git/hooks/pre-push"), "#!/bin/sh\n"),
			finding: /FAIL {2}hooks: no pre-push of udo's in /,
			next: "udo init",
		},
		{
			what: "a hook that git does not run because it is not executable",
			damage: (sandbox: Sandbox) => chmod(join(sandbox.repository, ".git/hooks/pre-commit"), 0o644),
			finding: /FAIL {2}hooks: no pre-commit of udo's in /,
			next: "udo init",
		},
		{
			what: "a gate that is gone",
			damage: (sandbox: Sandbox) => rm(join(sandbox.repository, ".git/udo/gate.sh")),
			finding: /FAIL {2}hooks: .*gate\.sh is missing/,
			next: "udo init",
		},
		{
			what: "a gate that starts a node which is gone",
			damage: (sandbox: Sandbox) =>
				sandbox.run("sed", ["-i", "s|^udo_node=.*|udo_node='/it'\\\\''s gone'|", ".git/udo/gate.sh"]),
			finding: /FAIL {2}hooks: they start \/it's gone, which is gone/,
			next: "udo init",
		},
		{
			what: "a state directory that others can read",
			damage: (sandbox: Sandbox) => chmod(stateOf(sandbox), 0o755),
			finding: /FAIL {2}state: others may read .*\/udo$/m,
			next: "chmod -R go=",
		},
		{
			what: "a store that is damaged",
			async damage(sandbox: Sandbox) {
				for (const name of ["udo.db-wal", "udo.db-shm"]) await rm(join(stateOf(sandbox), name), { force: true });
				await writeFile(join(stateOf(sandbox), "udo.db"), "no database, but some text ".repeat(100));
			},
			finding: /FAIL {2}state: .*udo\.db is damaged/,
			next: "mv ",
		},
		{
			what: "a store that cannot be made",
			async damage(sandbox: Sandbox) {
				await rm(stateOf(sandbox), { recursive: true });
				await writeFile(stateOf(sandbox), "in the way");
			},
			finding: /FAIL {2}state: cannot write to /,
			next: "ls -ld ",
		},
		{
			what: "a configuration that makes no sense",
			damage: (sandbox: Sandbox) => writeFile(join(sandbox.repository, "udo.config.json"), '{"lock": {"ttl": "soon"}}'),
			finding: /FAIL {2}configuration: lock\.ttl in udo\.config\.json is "soon"/,
			next: `\${EDITOR:-vi} `,
		},
	].map((damaged) => [damaged.what, damaged] as const),
)("finds %s, and ends with 1", async (_, { damage, finding, next }) => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	await sandbox.terminal("bob").run("udo status");
	await damage(sandbox);

	const answer = await sandbox.udo(["doctor"]);
	expect(answer.code).toBe(1);
	expect(answer.stdout).toMatch(finding);
	expect(answer.stdout).toContain(`next: ${next}`);
	expect(answer.stderr).toBe("");
});

test("an installation that an older udo made is mended by the command that doctor names", async () => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	const hooks = join(sandbox.repository, ".git", "hooks");
	const before = await readdir(hooks);
	for (const name of ["pre-rebase", "reference-transaction", "post-checkout"]) await rm(join(hooks, name));

	const found = await sandbox.udo(["doctor"]);
	expect(found.code).toBe(1);
	expect(found.stdout).toMatch(
		/FAIL {2}hooks: no pre-rebase, reference-transaction, post-checkout of udo's in .*\n +next: udo init\n/,
	);
	expect((await sandbox.udo(["init", "--yes"])).code).toBe(0);
	expect(await readdir(hooks)).toEqual(before);
	expect((await sandbox.udo(["doctor"])).code).toBe(0);
});

test("warns about a shallow clone, where the project cannot be told from the first commit", async () => {
	await using sandbox = await Sandbox.create();
	await sandbox.git("commit", "-q", "--allow-empty", "-m", "second");
	const clone = join(sandbox.directory, "clone");
	await sandbox.git("clone", "-q", "--depth", "1", `file://${sandbox.repository}`, clone);
	await installHooks(sandbox, clone);

	const answer = await sandbox.udo(["doctor"], { directory: clone });
	expect(answer.code).toBe(0);
	expect(answer.stdout).toMatch(/warn {2}project: this clone is shallow.*\n +next: commit a udo\.config\.json/);
});

test("works outside a repository, and says that this is none", async () => {
	await using sandbox = await Sandbox.create();
	const outside = join(sandbox.directory, "outside");
	await mkdir(outside);

	const answer = await sandbox.udo(["doctor"], { directory: outside });
	expect(answer.code).toBe(1);
	expect(answer.stdout).toMatch(/FAIL {2}repository: .*is not in a git repository/);
	expect(answer.stdout).toMatch(/ok {4}state: /);
});

function stateOf(sandbox: Sandbox): string {
	return join(sandbox.directory, "home", "state", "udo");
}
