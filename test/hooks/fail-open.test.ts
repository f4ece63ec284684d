import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Database } from "../../server/store/local/database.ts";
import { installHooks, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";

const change = "echo more >>README.md; git commit -qam more";

describe.each([
	[
		"the store is damaged",
		(state: string) => writeFile(join(state, "udo.db"), "no database at all, but long enough".repeat(40)),
	],
	["the store is gone and cannot be made", (state: string) => replaceByFile(join(state, "udo.db"))],
	[
		"the configuration is nonsense",
		(_: string, repository: string) => writeFile(join(repository, "udo.config.json"), "{"),
	],
])("when %s", (_, damage) => {
	test("git goes on with one line", async () => {
		await using sandbox = await withPeer();
		await damage(stateOf(sandbox), sandbox.repository);

		const answer = await sandbox.terminal("alice").run(change);
		expect(answer).toMatchObject({ code: 0, stdout: "" });
		expect(answer.stderr).toMatch(/^udo: .*; git goes on unguarded \(next: .*\)\n$/);
		expect(await sandbox.git("log", "-1", "--format=%s")).toBe("more\n");
	});

	test("UDO_STRICT=1 stops git", async () => {
		await using sandbox = await withPeer();
		await damage(stateOf(sandbox), sandbox.repository);

		const answer = await sandbox.terminal("alice").run(`export UDO_STRICT=1; ${change}`);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/^udo: .*; UDO_STRICT=1 stops git \(next: .*\)\n$/);
	});

	test("UDO=0 gets past it in silence or with a word, but past it", async () => {
		await using sandbox = await withPeer();
		await damage(stateOf(sandbox), sandbox.repository);

		expect((await sandbox.terminal("alice").run(`export UDO=0 UDO_STRICT=1; ${change}`)).code).toBe(0);
	});
});

test.each([
	["the log", "events"],
	["the counters", "counters"],
])("a refusal stands when %s cannot be written to", async (_, table) => {
	await using sandbox = await withPeer();
	const alice = sandbox.terminal("alice");
	await alice.run("udo status");
	await sandbox.terminal("bob").run("udo lock README.md");
	{
		using database = await Database.open(stateOf(sandbox));
		const isOfHook = { events: "new.type = 'guard_refused'", counters: "new.name LIKE 'udo_hook%'" }[table];
		await database.step(() => {
			database.run(
				`CREATE TRIGGER broken BEFORE INSERT ON ${table} WHEN ${isOfHook} BEGIN SELECT RAISE(ABORT, 'no more'); END`,
			);
		});
	}

	const answer = await alice.run(change);
	expect(answer.code).toBe(1);
	expect(answer.stderr).toMatch(
		/^udo: commit refused: README\.md .*\n.*\n {2}next: .*\nudo: .*no more; the log of udo /,
	);
	expect(await sandbox.git("log", "-1", "--format=%s")).toBe("first\n");
});

test("a session name that is none lets git go on", async () => {
	await using sandbox = await withPeer();

	const answer = await sandbox.terminal("alice").run(`export UDO_SESSION='a b'; ${change}`);
	expect(answer.code).toBe(0);
	expect(answer.stderr).toContain("goes on unguarded");
});

test("git waits five seconds at most for a udo that hangs", async () => {
	await using sandbox = await withPeer();
	const [bin, hanging] = [join(sandbox.directory, "bin"), join(sandbox.directory, "hanging")];
	await mkdir(hanging);
	await writeScript(join(hanging, "git"), "#!/bin/sh\necho $$ >>../hanging/pid; exec sleep 1000\n");
	await writeScript(join(bin, "node"), `#!/bin/sh\nPATH='${hanging}':$PATH exec '${process.execPath}' "$@"\n`);
	const gate = join(sandbox.repository, ".git", "udo", "gate.sh");
	await writeFile(gate, (await readFile(gate, "utf8")).replace(/^udo_node=.*$/m, "udo_node=/nowhere"));

	const answer = await sandbox.terminal("alice").run(change);
	expect(answer.code).toBe(0);
	expect(answer.stderr).toContain("no answer within 5 s");
	await sandbox.run("sh", ["-c", "kill $(cat ../hanging/pid)"]);
});

test("a state directory that cannot be read lets git go on without a word", async () => {
	await using sandbox = await withPeer();
	await rm(join(stateOf(sandbox), "live"), { recursive: true });

	expect(await sandbox.terminal("alice").run(change)).toMatchObject({ code: 0, stderr: "" });
	expect(await readdir(stateOf(sandbox))).toContain("udo.db");
	expect(await readFile(join(sandbox.repository, "README.md"), "utf8")).toContain("more");
});

async function withPeer(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	await installHooks(sandbox);
	await sandbox.terminal("bob").run("udo status");
	return sandbox;
}

async function replaceByFile(path: string): Promise<void> {
	for (const each of [path, `${path}-wal`, `${path}-shm`]) await rm(each, { force: true });
	await mkdir(path);
}

function stateOf(sandbox: Sandbox): string {
	return join(sandbox.directory, "home", "state", "udo");
}
