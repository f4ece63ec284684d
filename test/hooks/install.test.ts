import { execFileSync } from "node:child_process";
import { chmod, cp, lstat, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { carryOut, planInstall, planRemoval } from "../../hooks/install/install.ts";
import { openRepository } from "../../server/git/repository.ts";
import { installHooks, writeScript } from "../helpers/hooks.ts";
import { Sandbox, udoScript } from "../helpers/sandbox.ts";
import { snapshotOf } from "../helpers/snapshot.ts";

// git 2.39 knows nothing of them; to run these tests with another one, put it first in PATH.
const hasConfigHooks = /^git version (2\.(5[4-9]|[6-9]\d)|[3-9])/.test(
	execFileSync("git", ["--version"], { encoding: "utf8" }),
);

const say = (name: string) => `#!/bin/sh\necho "${name} $*" >>"$(git rev-parse --show-toplevel)/ran"\n`;
const python = `#!/usr/bin/env python3\nopen("ran", "a").write("pre-commit \\n")\n`;

/** How a repository's hooks may be before udo, and which lines they write to `ran` at a commit. */
const repositories: readonly Layout[] = [
	{ name: "no hooks", lay: async () => {} },
	{ name: "no hooks directory", lay: (sandbox) => rm(hooksOf(sandbox), { recursive: true }) },
	{ name: "a hook in sh", lay: (sandbox) => writeScript(hook(sandbox), say("pre-commit")), ran: "pre-commit \n" },
	{
		name: "a hook in bash without a line break at its end, and writable for the group only",
		lay: (sandbox) =>
			writeScript(hook(sandbox), "#!/usr/bin/env bash\n[[ a == a ]] && echo 'pre-commit ' >>ran", 0o575),
		ran: "pre-commit \n",
	},
	{
		name: "a hook in sh that is not UTF-8",
		lay: (sandbox) => writeScript(hook(sandbox), Buffer.from(`${say("pre-commit")}# \xff\xfe\n`, "latin1")),
		ran: "pre-commit \n",
	},
	{ name: "a hook in Python", lay: (sandbox) => writeScript(hook(sandbox), python), ran: "pre-commit \n" },
	{
		name: "a hook without #!",
		lay: (sandbox) => writeScript(hook(sandbox), "echo 'pre-commit ' >>ran"),
		ran: "pre-commit \n",
	},
	{ name: "a hook that is switched off", lay: (sandbox) => writeScript(hook(sandbox), say("pre-commit"), 0o644) },
	{
		name: "a hook that is a link",
		async lay(sandbox) {
			await mkdir(join(sandbox.repository, "scripts"));
			await writeScript(join(sandbox.repository, "scripts", "check"), say("pre-commit"));
			await symlink("../../scripts/check", hook(sandbox));
		},
		ran: "pre-commit \n",
	},
	{
		name: "a hooks directory that is a link",
		async lay(sandbox) {
			await rename(hooksOf(sandbox), join(sandbox.repository, "githooks"));
			await symlink("../githooks", hooksOf(sandbox));
			await writeScript(hook(sandbox), say("pre-commit"));
		},
		ran: "pre-commit \n",
	},
	{
		name: "core.hooksPath to a directory of the repository",
		async lay(sandbox) {
			await mkdir(join(sandbox.repository, ".githooks"));
			for (const name of ["pre-commit", "commit-msg"])
				await writeScript(join(sandbox.repository, ".githooks", name), say(name));
			await sandbox.git("config", "core.hooksPath", ".githooks");
		},
		ran: "pre-commit \ncommit-msg .git/COMMIT_EDITMSG\n",
	},
	{
		name: "core.hooksPath for all of the user's repositories",
		async lay(sandbox) {
			const directory = join(sandbox.directory, "home", "my hooks");
			await mkdir(directory);
			await writeScript(join(directory, "pre-commit"), say("pre-commit"));
			await sandbox.git("config", "--global", "core.hooksPath", "~/my hooks");
		},
		ran: "pre-commit \n",
	},
	{
		name: "core.hooksPath, and a config that does not end in a line break",
		async lay(sandbox) {
			await writeFile(join(sandbox.repository, ".git", "config"), "[core]\n\tbare = false\n\thooksPath = /dev/null");
		},
	},
	{ name: "husky", lay: (sandbox) => useHusky(sandbox, "pre-commit"), ran: "pre-commit\n" },
];

interface Layout {
	readonly name: string;
	readonly lay: (sandbox: Sandbox) => Promise<void>;
	readonly ran?: string;
}

describe.each(repositories.map((layout) => [layout.name, layout] as const))(
	"in a repository with %s",
	(_, { lay, ran }) => {
		test("every working tree is guarded, and what was there runs as before", async () => {
			await using sandbox = await Sandbox.create();
			await lay(sandbox);
			const existing = join(sandbox.directory, "existing tree");
			await sandbox.git("worktree", "add", "-q", "-b", "existing", existing);
			await installHooks(sandbox);
			const later = join(sandbox.directory, "later");
			await sandbox.git("worktree", "add", "-q", "-b", "later", later);
			await sandbox.terminal("bob").run("udo lock --project");

			for (const directory of [sandbox.repository, existing, later]) {
				const alice = sandbox.terminal("alice", directory);
				const refused = await alice.run("git commit -q --allow-empty -m x");
				expect(refused, directory).toMatchObject({ code: 1 });
				expect(refused.stderr).toContain("commit refused");
			}
			await rm(join(sandbox.repository, "ran"), { force: true });
			const skipped = await sandbox.terminal("carol").run("UDO=0 git commit -q --allow-empty -m x");
			expect(skipped.code).toBe(0);
			expect(await contentOf(join(sandbox.repository, "ran"))).toBe(ran ?? "");
			expect((await sandbox.udo(["doctor"])).stdout).toContain("hooks: installed in all 3 working trees");
		});

		test("installing twice changes nothing, and removing restores every byte and mode", async () => {
			await using sandbox = await Sandbox.create();
			await lay(sandbox);
			const before = await snapshotOf(sandbox.directory);

			await installHooks(sandbox);
			const installed = await snapshotOf(sandbox.repository);
			await installHooks(sandbox);
			expect(await snapshotOf(sandbox.repository)).toEqual(installed);
			expect((await sandbox.udo(["init", "--remove", "--yes"])).code).toBe(0);
			expect(await snapshotOf(sandbox.directory)).toEqual(before);
			expect((await sandbox.udo(["init", "--remove", "--yes"])).stdout).toContain("nothing to do");
		});

		test("a dry run changes nothing, and neither does a run that can ask nobody", async () => {
			await using sandbox = await Sandbox.create();
			await lay(sandbox);
			const before = await snapshotOf(sandbox.directory);

			const dry = await sandbox.udo(["init", "--dry-run"]);
			expect(dry.code).toBe(0);
			expect(dry.stdout).toContain(".git/udo");
			const asked = await sandbox.udo(["init"]);
			expect(asked.code).toBe(64);
			expect(asked.stderr).toContain("next: udo init --yes");
			expect(await snapshotOf(sandbox.directory)).toEqual(before);
		});
	},
);

test.each(["a hook in sh", "husky"])(
	"with %s, a dry run lists exactly the files that will be different",
	async (name) => {
		await using sandbox = await Sandbox.create();
		await repositories.find((layout) => layout.name === name)?.lay(sandbox);
		await sandbox.udo(["status"]);
		const before = await snapshotOf(sandbox.repository);
		const { changes } = await sandbox.data<{ changes: readonly string[] }>(["init", "--dry-run"]);
		await installHooks(sandbox);
		const after = await snapshotOf(sandbox.repository);

		const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
		const different = names.filter((each) => before[each] !== after[each] && !after[each]?.startsWith("directory"));
		const listed = changes.flatMap((line) => /^(?:create|change|remove) (.*)$/.exec(line)?.[1] ?? []);
		expect(listed.toSorted()).toEqual(different.toSorted());
		expect(changes.join("\n")).toMatch(/\n {4}\+ # >>> udo >>>/);
	},
);

describe("with husky", () => {
	test("udo stays when husky is installed again, as every npm install does", async () => {
		await using sandbox = await Sandbox.create();
		await useHusky(sandbox, "pre-commit");
		await installHooks(sandbox);
		await runHusky(sandbox);
		const tree = join(sandbox.directory, "tree");
		await sandbox.git("worktree", "add", "-q", tree);
		await sandbox.terminal("bob").run("udo lock --project");

		for (const directory of [sandbox.repository, tree]) {
			const answer = await sandbox.terminal("alice", directory).run("git commit -q --allow-empty -m x");
			expect(answer.stderr, directory).toContain("commit refused");
		}
	});

	test("its hooks still stop a commit, and a push with the lines that git wrote", async () => {
		await using sandbox = await Sandbox.create();
		await useHusky(sandbox, "pre-commit");
		await writeFile(join(sandbox.repository, ".husky", "pre-push"), 'read -r line; echo "$line" >pushed; exit 1\n');
		await installHooks(sandbox);
		await sandbox.git("init", "-q", "--bare", "../remote.git");
		await sandbox.terminal("bob").run("udo status");
		const alice = sandbox.terminal("alice");

		expect((await alice.run("git push -q ../remote.git main")).code).toBe(1);
		expect(await contentOf(join(sandbox.repository, "pushed"))).toMatch(
			/^refs\/heads\/main \w{40} refs\/heads\/main 0{40}\n$/,
		);
		await writeFile(join(sandbox.repository, ".husky", "pre-commit"), "exit 1\n");
		expect((await alice.run("git commit -q --allow-empty -m x")).code).toBe(1);
	});

	test("doctor says in which working tree husky itself is missing", async () => {
		await using sandbox = await Sandbox.create();
		await useHusky(sandbox, "pre-commit");
		await installHooks(sandbox);
		await sandbox.git("worktree", "add", "-q", "../tree");

		const answer = await sandbox.udo(["doctor"]);
		expect(answer.code).toBe(0);
		expect(answer.stdout).toMatch(/warn {2}hooks: husky is not installed in .*\/tree,/);
	});

	test("that was added after udo, doctor sees that udo is passed by, and init mends it", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await useHusky(sandbox, "pre-commit");

		const passedBy = await sandbox.udo(["doctor"]);
		expect(passedBy.code).toBe(1);
		expect(passedBy.stdout).toMatch(
			/FAIL {2}hooks: .*core\.hooksPath leads to .*\.husky\/_, past udo\n +next: udo init/,
		);
		await installHooks(sandbox);
		expect((await sandbox.udo(["doctor"])).code).toBe(0);
	});
});

describe.skipIf(hasConfigHooks)("tools that write the hooks themselves, with a git before 2.54", () => {
	test.each([
		["lefthook", "lefthook.yml", "run: 'udo hook pre-push {1} {2}'\n      use_stdin: true"],
		["pre-commit", ".pre-commit-config.yaml", "entry: udo hook pre-push"],
	])("%s is left alone and told about", async (name, file, words) => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, file), "# mine\n");
		const before = await snapshotOf(sandbox.repository);

		const answer = await sandbox.udo(["init", "--yes"]);
		expect(answer.code).toBe(0);
		expect(answer.stdout).toContain(name);
		expect(answer.stdout).toContain(words);
		expect(await snapshotOf(sandbox.repository)).toEqual(before);
		expect((await sandbox.udo(["doctor"])).stdout).toContain(`FAIL  hooks: ${file} does not call udo`);
	});

	test("beside them only the merge driver is installed, and said", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, "lefthook.yml"), "");

		const guarded = await sandbox.udo(["init", "--yes", "--guard-tree"]);
		const planned = await sandbox.udo(["init", "--dry-run", "--merge-driver", "--json"]);
		const done = await sandbox.udo(["init", "--yes", "--merge-driver"]);

		expect(guarded).toMatchObject({ code: 64, stderr: expect.stringContaining("--guard-tree cannot be installed") });
		expect(JSON.parse(planned.stdout).data.changes).toContain("change .git/config");
		expect(done.stdout).toMatch(/^\S.*\.git\/config.*\nlefthook writes the hooks .* touches none of them/);
		expect(await sandbox.git("config", "merge.udo.driver")).toContain("merge-driver");
	});

	test("lefthook guards commits and pushes with the lines that init printed", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, "lefthook.yml"), "");
		const { snippet } = await sandbox.data<{ snippet: string }>(["init", "--yes"]);
		await writeFile(join(sandbox.repository, "lefthook.yml"), `${snippet}\n`);
		await sandbox.git("init", "-q", "--bare", "../remote.git");
		const lefthook = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "lefthook");
		const alice = sandbox.terminal("alice");
		await alice.run(`export LEFTHOOK_BIN='${lefthook}'; '${lefthook}' install`);
		await sandbox.terminal("bob").run("udo lock README.md --branch main");

		const commit = await alice.run("echo more >>README.md; git commit -qam x");
		expect(commit.code).toBe(1);
		expect(commit.stdout + commit.stderr).toContain("commit refused: README.md");
		const push = await alice.run("git push -q ../remote.git main");
		expect(push.code).toBe(1);
		expect(push.stdout + push.stderr).toContain("push refused: branch main");
		for (const command of ["git commit -q --no-verify --allow-empty -m x", "git stash push -q"]) {
			const answer = await alice.run(command);
			expect(answer.code, command).not.toBe(0);
			expect(answer.stdout + answer.stderr, command).toMatch(/(move|stash) refused: branch main/);
		}
		expect((await sandbox.udo(["doctor"])).stdout).toContain("ok    hooks: lefthook calls udo");
	});
});

describe.skipIf(!hasConfigHooks)("with a git that runs hooks of its config (2.54)", () => {
	test.each(["lefthook.yml", ".pre-commit-config.yaml"])(
		"udo needs no lines in %s, and leaves no trace when it is removed",
		async (file) => {
			await using sandbox = await Sandbox.create();
			await writeFile(join(sandbox.repository, file), "# mine\n");
			await writeScript(hook(sandbox), say("pre-commit"));
			// git's own, of whatever commit was tried last.
			const message = join(sandbox.repository, ".git", "COMMIT_EDITMSG");
			await rm(message);
			const before = await snapshotOf(sandbox.repository);
			await installHooks(sandbox);
			expect(await contentOf(hook(sandbox))).toBe(say("pre-commit"));
			await sandbox.git("worktree", "add", "-q", "-b", "later", "../later tree");
			await sandbox.terminal("bob").run("udo lock --project");

			for (const directory of [sandbox.repository, join(sandbox.directory, "later tree")]) {
				const alice = sandbox.terminal("alice", directory);
				expect((await alice.run("git commit -q --allow-empty -m x")).stderr, directory).toContain("commit refused");
				const unverified = await alice.run("git commit -q --no-verify --allow-empty -m x");
				expect(unverified.stderr, directory).toContain("move refused");
			}
			expect((await sandbox.udo(["doctor"])).stdout).toContain("hooks: installed in all 2 working trees");
			await sandbox.git("worktree", "remove", "--force", "../later tree");
			await rm(join(sandbox.repository, "ran"), { force: true });
			await sandbox.run("git", ["branch", "-qD", "later"], { environment: { UDO: "0" } });
			await sandbox.udo(["init", "--remove", "--yes"]);
			await rm(message);
			expect(await snapshotOf(sandbox.repository)).toEqual(before);
		},
	);
});

describe("a repository", () => {
	test.each([
		["plain", []],
		["with core.hooksPath", ["config", "core.hooksPath", "elsewhere"]],
	])("%s can have any name, and its hooks survive a move", async (_, configure) => {
		await using sandbox = await Sandbox.create();
		const odd = join(sandbox.directory, `a 'b' "c" \\d [e]* ü $(f) #g`);
		await cp(sandbox.repository, odd, { recursive: true });
		if (configure.length > 0) await sandbox.run("git", configure, { directory: odd });
		await installHooks(sandbox, odd);
		await sandbox.terminal("bob", odd).run("udo lock README.md");

		const refused = await sandbox.terminal("alice", odd).run("echo more >>README.md; git commit -qam x");
		expect(refused.stderr).toContain("commit refused");
		expect((await sandbox.udo(["doctor"], { directory: odd })).code).toBe(0);
		const moved = join(sandbox.directory, "moved");
		await rename(odd, moved);
		await mkdir(join(moved, "elsewhere"));
		await writeScript(join(moved, "elsewhere", "pre-commit"), "#!/bin/sh\nexit 1\n");
		expect((await sandbox.terminal("alice", moved).run("git commit -qam x")).code).toBe(1);
	});

	test("of which a working tree has hooks of its own is one that doctor finds", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		await sandbox.git("worktree", "add", "-q", "../tree");
		await sandbox.git("config", "extensions.worktreeConfig", "true");
		await sandbox.run("git", ["config", "--worktree", "core.hooksPath", "mine"], {
			directory: join(sandbox.directory, "tree"),
		});

		const answer = await sandbox.udo(["doctor"]);
		expect(answer.code).toBe(1);
		expect(answer.stdout).toMatch(/FAIL {2}hooks: not in .*\/tree: core\.hooksPath leads to .*mine, past udo/);
	});

	test("whose config git is writing is not touched", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("config", "core.hooksPath", "mine");
		await writeFile(join(sandbox.repository, ".git", "config.lock"), "");

		const answer = await sandbox.udo(["init", "--yes"]);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/config\.lock exists\n.*\n {2}next: /);
		expect(await contentOf(join(sandbox.repository, ".git", "config"))).not.toContain("udo");
	});

	test.each([
		["installed", "udo init"],
		["removed", "udo init --remove"],
	])("whose config changed while the hooks were about to be %s keeps the change", async (_, command) => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("config", "core.hooksPath", "mine");
		const isRemoval = command === "udo init --remove";
		if (isRemoval) await installHooks(sandbox);
		const repository = await openRepository(sandbox.repository);
		const plan = isRemoval ? { changes: planRemoval(repository) } : await planInstall(repository, program);
		if (!("changes" in plan)) throw new Error("nothing is planned");
		await sandbox.git("config", "test.meanwhile", "yes");

		expect(() => carryOut(repository, plan.changes, command)).toThrow(
			expect.objectContaining({ code: "changed_meanwhile", next: command }),
		);
		expect(await sandbox.git("config", "test.meanwhile")).toBe("yes\n");
		expect((await sandbox.udo([...command.split(" ").slice(1), "--yes"])).code).toBe(0);
		await sandbox.git("config", "test.later", "yes");
		expect(await contentOf(join(sandbox.repository, ".git", "config"))).toMatch(/meanwhile = yes\n/);
	});

	test("with a hook that somebody writes while udo is about to keeps theirs", async () => {
		await using sandbox = await Sandbox.create();
		const repository = await openRepository(sandbox.repository);
		const plan = await planInstall(repository, program);
		if (plan.kind === "foreign") throw new Error("nothing is planned");
		await writeScript(hook(sandbox), say("mine"));

		expect(() => carryOut(repository, plan.changes, "udo init")).toThrow(/pre-commit was changed meanwhile/);
		expect(await readFile(hook(sandbox), "utf8")).toBe(say("mine"));
	});

	test("that may not be written to is named, and left as it was", async () => {
		await using sandbox = await Sandbox.create();
		const before = await snapshotOf(sandbox.repository);
		await chmod(hooksOf(sandbox), 0o555);
		const [command = "", ...args] = [...withoutPrivileges, process.execPath, udoScript, "init", "--yes"];

		const answer = await sandbox.run(command, args);
		await chmod(hooksOf(sandbox), 0o755);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(
			/cannot be written\n {2}permission is denied\.\n {2}next: ls -ld '.*\/repo\/\.git\/hooks'\n$/,
		);
		expect(await snapshotOf(sandbox.repository)).toEqual(before);
	});

	test("whose config cannot be written whole keeps it, and nothing stops the next git config", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("config", "core.hooksPath", "mine");
		const config = join(sandbox.repository, ".git", "config");
		await writeFile(config, `${await readFile(config, "utf8")}# ${"long ".repeat(20_000)}\n`);
		const before = await readFile(config, "utf8");

		const answer = await sandbox.run("sh", ["-c", "ulimit -f 40; udo init --yes"]);
		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/config cannot be written\n {2}.*\n {2}next: ulimit -f\n$/);
		expect(await readFile(config, "utf8")).toBe(before);
		await sandbox.git("config", "test.later", "yes");
	});

	test("in which a person wrote into the hooks that udo made keeps what they wrote", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const path = hook(sandbox);
		await writeFile(path, `${await readFile(path, "utf8")}echo mine >>ran\n`);

		expect((await sandbox.terminal("alice").run("git commit -q --allow-empty -m x")).code).toBe(0);
		await sandbox.udo(["init", "--remove", "--yes"]);
		expect(await readFile(path, "utf8")).toMatch(/^#!\/bin\/sh\n.*\necho mine >>ran\n$/);
		expect(await contentOf(join(sandbox.repository, "ran"))).toBe("mine\n");
		expect((await lstat(path)).mode & 0o777).toBe(0o755);
	});

	test("with core.hooksPath runs a hook that is added after udo", async () => {
		await using sandbox = await Sandbox.create();
		const mine = join(sandbox.directory, "mine");
		await mkdir(mine);
		await sandbox.git("config", "core.hooksPath", mine);
		await installHooks(sandbox);
		await writeScript(join(mine, "commit-msg"), "#!/bin/sh\nexit 7\n");

		expect((await sandbox.run("git", ["commit", "--allow-empty", "-m", "x"])).code).toBe(1);
	});
});

// What root may not do either, it may not do without its capabilities.
const withoutPrivileges = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];

const program = { node: process.execPath, program: udoScript, state: "/nowhere" };

function hooksOf(sandbox: Sandbox): string {
	return join(sandbox.repository, ".git", "hooks");
}

function hook(sandbox: Sandbox): string {
	return join(hooksOf(sandbox), "pre-commit");
}

async function useHusky(sandbox: Sandbox, name: string): Promise<void> {
	await runHusky(sandbox);
	await writeFile(join(sandbox.repository, ".husky", name), `echo ${name} >>ran\n`);
}

async function runHusky(sandbox: Sandbox): Promise<void> {
	const husky = join(import.meta.dirname, "..", "..", "node_modules", "husky", "bin.js");
	const answer = await sandbox.run(process.execPath, [husky]);
	if (answer.code !== 0 || answer.stdout !== "") throw new Error(`husky: ${answer.stdout}${answer.stderr}`);
}

async function contentOf(path: string): Promise<string> {
	return readFile(path, "utf8").catch(() => "");
}
