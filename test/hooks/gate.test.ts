import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, spyOnNode, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

const change = "echo more >>README.md; git commit -qam more";

describe("the gate", () => {
	test("starts no node when nobody has used udo", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);

		expect((await sandbox.terminal("alice").run(change)).code).toBe(0);
		expect(await starts()).toBe(0);
	});

	test("starts no node when only this terminal is here", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock README.md");

		expect((await alice.run(change)).code).toBe(0);
		expect((await alice.run(`sh -c '${change}; true'`)).code).toBe(0);
		expect(await starts()).toBe(0);
	});

	test("starts node for another terminal, and no longer when that one is gone", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo status");

		expect((await alice.run(change)).code).toBe(0);
		expect(await starts()).toBe(1);
		await bob.kill();
		expect((await alice.run(change)).code).toBe(0);
		expect(await starts()).toBe(1);
	});

	test("tells sessions apart that share a process and have names of their own", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const shell = sandbox.terminal("agent");
		await shell.run("UDO_SESSION=first udo status");

		expect((await shell.run(`(export UDO_SESSION=first; ${change})`)).code).toBe(0);
		expect(await starts()).toBe(0);
		expect((await shell.run(`(export UDO_SESSION=second; ${change})`)).code).toBe(0);
		expect(await starts()).toBe(1);
		expect((await shell.run(change)).code).toBe(0);
		expect(await starts()).toBe(2);
	});

	test("takes an agent in a terminal for somebody else than the terminal", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const alice = sandbox.terminal("alice");
		await alice.run("udo lock README.md");
		await copyFile("/bin/sh", join(sandbox.directory, "bin", "codex"));

		const answer = await alice.run(`chmod +x ../bin/codex; ../bin/codex -c '${change}; echo $?'`);
		expect(await starts()).toBe(1);
		expect(answer.stderr).toContain("commit refused: README.md");
	});

	test("finds its terminal behind a process whose name has spaces and parentheses", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const alice = sandbox.terminal("alice");
		await alice.run("udo status");
		const odd = join(sandbox.directory, "bin", "x) S 1 (y");
		await copyFile("/bin/sh", odd);

		await alice.run(`chmod +x '${odd}'; '${odd}' -c '${change}; true'`);
		expect(await sandbox.git("log", "-1", "--format=%s")).toBe("more\n");
		expect(await starts()).toBe(0);
	});

	test("ignores sessions of other projects, unless one of them locked everything", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		const other = join(sandbox.directory, "other");
		await sandbox.git("init", "-q", other);
		await sandbox.run("git", ["commit", "-q", "--allow-empty", "-m", "other"], { directory: other });
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob", other)];
		await bob.run("udo status");

		expect((await alice.run(change)).code).toBe(0);
		expect(await starts()).toBe(0);
		await bob.run("udo lock --exclusive");
		const answer = await alice.run(change);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toContain("bob");
	});

	test("knows the project that udo.config.json names", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const starts = await spyOnNode(sandbox);
		await writeFile(
			join(sandbox.repository, "udo.config.json"),
			'{\n\t"lock": {"ttl": 60},\n\t"project" : "ours"\n}\n',
		);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		await bob.run("udo lock README.md");

		expect((await alice.run(change)).code).toBe(1);
		expect(await starts()).toBe(1);
		expect(await readdir(join(sandbox.directory, "home", "state", "udo", "live"))).toContain("ours");
	});

	test.each([
		["a project that is none", `echo '{"project": null, "lock": {"ttl": 300}}' >udo.config.json`],
		["a project behind what is no JSON", `echo 'x {"project": "ours"}' >udo.config.json`],
		["a pipe", "mkfifo udo.config.json"],
		["a device", "ln -s /dev/zero udo.config.json"],
	])("leaves %s in udo.config.json to node, which neither hangs nor passes over it", async (_, write) => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await sandbox.terminal("bob").run("udo lock README.md");

		const answer = await sandbox.terminal("alice").run(`${write}; export UDO_STRICT=1; timeout 30 sh -c '${change}'`);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/udo\.config\.json .*UDO_STRICT=1 stops git/);
	});

	test("uses $XDG_STATE_HOME of the moment, not of the installation", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
		const elsewhere = `export XDG_STATE_HOME='${join(sandbox.directory, "elsewhere")}'`;
		await bob.run(elsewhere);
		await bob.run("udo lock README.md");

		expect((await alice.run(change)).code).toBe(0);
		await alice.run(elsewhere);
		expect((await alice.run(change)).code).toBe(1);
	});

	test.each(["dash", "bash"])("works in %s under set -eu, and leaves the hook behind it as it was", async (shell) => {
		await using sandbox = await Sandbox.create();
		const hook = join(sandbox.repository, ".git", "hooks", "pre-commit");
		await writeScript(hook, `#!/usr/bin/${shell} -eu\necho "mine $# \${XDG_STATE_HOME##*/}" >>ran\n`);
		await installHooks(sandbox);
		const bob = sandbox.terminal("bob");

		await sandbox.terminal("alice").run(change);
		await bob.run("udo lock src/");
		expect((await sandbox.terminal("carol").run(change)).stderr).toBe("");
		expect(await readFile(join(sandbox.repository, "ran"), "utf8")).toBe("mine 0 state\nmine 0 state\n");
		await sandbox.terminal("dave").run("echo more >>src/a.ts; git commit -qam more; true");
		expect(await sandbox.git("status", "--short", "src")).toBe(" M src/a.ts\n");
	});
});

describe("when node or udo was moved", () => {
	test("the gate finds node in PATH", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await setInGate(sandbox, "udo_node", "/nowhere/node");
		await sandbox.terminal("bob").run("udo lock README.md");

		expect((await sandbox.terminal("alice").run(change)).stderr).toContain("commit refused");
	});

	test("the gate finds udo in PATH", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await setInGate(sandbox, "udo_program", "/nowhere/udo.js");
		await sandbox.terminal("bob").run("udo lock README.md");

		expect((await sandbox.terminal("alice").run(change)).stderr).toContain("commit refused");
	});

	test("git goes on with one line when there is none at all, and stops under UDO_STRICT=1", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await setInGate(sandbox, "udo_program", "/nowhere/udo.js");
		await sandbox.terminal("bob").run("udo lock README.md");
		await rm(join(sandbox.directory, "bin", "udo"));
		const alice = sandbox.terminal("alice");

		const open = await alice.run(change);
		expect(open.code).toBe(0);
		expect(open.stderr).toMatch(/^udo: .*goes on unguarded.*\n$/);
		expect((await alice.run(`UDO_STRICT=1; export UDO_STRICT; ${change}`)).code).toBe(1);
	});

	test("a program that crashes is no refusal", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const crash = join(sandbox.directory, "crash.js");
		await writeFile(crash, "syntax error");
		await setInGate(sandbox, "udo_program", crash);
		await sandbox.terminal("bob").run("udo lock README.md");

		const answer = await sandbox.terminal("alice").run(change);
		expect(answer.code).toBe(0);
		expect(answer.stderr).toContain("goes on unguarded");
	});
});

test("two terminals that start at the same moment see each other", async () => {
	await using sandbox = await Sandbox.create();
	await installHooks(sandbox);
	await mkdir(join(sandbox.repository, "dir"));
	const names = ["alice", "bob", "carol", "dave"];
	const terminals = names.map((name) => sandbox.terminal(name));

	await Promise.all(terminals.map((terminal, i) => terminal.run(`udo lock --new ${names[i]}.txt`)));
	const live = join(sandbox.directory, "home", "state", "udo", "live");
	const [project = ""] = (await readdir(live)).filter((name) => name.startsWith("proj_"));
	await until(
		() => readdir(join(live, project)),
		(files) => terminals.every(({ pid }) => files.some((file) => file.startsWith(`${pid}.`))),
	);
	const answer = await terminals[0]?.run("echo x >bob.txt; git add bob.txt; git commit -qm x");
	expect(answer?.stderr).toContain("bob");
});

async function setInGate(sandbox: Sandbox, name: string, value: string): Promise<void> {
	const gate = join(sandbox.repository, ".git", "udo", "gate.sh");
	await writeFile(gate, (await readFile(gate, "utf8")).replace(new RegExp(`^${name}=.*$`, "m"), `${name}='${value}'`));
}
