import { lstat, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import type { Status } from "../helpers/status.ts";

// Each commits something, and leaves other changes in the tree and in the index.
const commits = [
	"git commit -qm x",
	"git commit -qam x",
	"git commit -qm x -- a.txt",
	"git commit -qm x -o d.txt a.txt",
	"git commit -qm x -i a.txt",
	"yes | git commit -qpm x",
	"git commit -q --amend -m x",
];

describe("the staged list that the guard reads is what git is about to commit", () => {
	test.each([
		["in the main worktree", (sandbox: Sandbox) => sandbox.repository, "."],
		["in a linked worktree", linked, "."],
		["in a submodule", submodule, "."],
		["in a subdirectory", (sandbox: Sandbox) => sandbox.repository, "src"],
	])("%s", async (_, place, directory) => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("config", "--global", "protocol.file.allow", "always");
		const tree = await place(sandbox);
		await installHooks(sandbox, tree);
		const seen = await recordStaged(sandbox, tree);
		const here = { as: "alice", directory: join(tree, directory) };
		const run = (command: string) => sandbox.run("sh", ["-c", command], here);
		await run("for f in a b c; do echo 1 >$f.txt; done; git add .; UDO=0 git commit -qm files");
		// Whatever is staged is refused, and the log has it.
		await sandbox.udo(["lock", "--project"], { as: "bob", directory: tree });
		await run(
			"for f in a b c; do echo 2 >$f.txt; done; echo new >d.txt; git add c.txt d.txt; git rm -q --cached b.txt",
		);

		for (const commit of commits) expect((await run(commit)).code, commit).toBe(1);
		const { events } = await sandbox.data<{ events: readonly { readonly paths: readonly string[] }[] }>(
			["log", "--type", "guard_refused"],
			here,
		);
		expect(events.map(({ paths }) => paths)).toEqual(await seen());
		expect(events.map(({ paths }) => paths.length)).toEqual([3, 4, 1, 2, 4, 4, 3]);
	});

	test("with both names of a rename, and a submodule that .gitmodules hides", async () => {
		await using sandbox = await Sandbox.create();
		await installHooks(sandbox);
		const run = (command: string) => sandbox.run("sh", ["-c", command], { as: "alice" });
		const submodules = "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub";
		const hidden = "printf '[submodule \"a\"]\\n\\tpath = sub\\n\\turl = x\\n\\tignore = all\\n' >.gitmodules";
		await run(`${submodules}; ${hidden}; git add .gitmodules; git commit -qm sub; ${submodules}; git mv src/a.ts b.ts`);
		await sandbox.udo(["lock", "--project"], { as: "bob" });

		expect((await run("git commit -qm x")).code).toBe(1);
		const { events } = await sandbox.data<{ events: readonly object[] }>(["log", "--type", "guard_refused"]);
		expect(events).toMatchObject([{ paths: ["b.ts", "src/a.ts", "sub"] }]);
	});
});

describe("what is inherited from the git of another repository", () => {
	test("leads no command there", async () => {
		await using sandbox = await Sandbox.create();
		const other = await otherRepository(sandbox);
		const environment = {
			GIT_DIR: join(other, ".git"),
			GIT_WORK_TREE: other,
			GIT_INDEX_FILE: join(other, ".git", "index"),
			GIT_OBJECT_DIRECTORY: join(other, ".git", "objects"),
			GIT_PREFIX: "src/",
		};
		const remote = join(sandbox.directory, "remote.git");
		await sandbox.git("clone", "-q", "--bare", ".", remote);
		await sandbox.git("remote", "add", "origin", remote);
		await sandbox.git("push", "-q", "-u", "origin", "main");
		const before = await bytesOf(other);
		const udo = async (...args: readonly string[]) => {
			const answer = await sandbox.udo(args, { as: "alice", environment });
			expect(answer.code, `${args.join(" ")}: ${answer.stderr}`).toBe(0);
			return answer.stdout;
		};

		await udo("init", "--yes", "--guard-tree");
		const { data } = JSON.parse(await udo("status", "--json")) as {
			readonly data: Status & { readonly worktree: string };
		};
		expect(data.worktree).toBe(sandbox.repository);
		await udo("lock", "src/a.ts", "--branch", "main");
		await writeFile(join(sandbox.repository, "src", "a.ts"), "mine\n");
		await udo("commit", "--mine", "-qm", "mine");
		expect(await sandbox.git("log", "-1", "--format=%s")).toBe("mine\n");
		await udo("push");
		expect(await sandbox.git("--git-dir", remote, "log", "-1", "--format=%s")).toBe("mine\n");
		await writeFile(join(sandbox.repository, "src", "a.ts"), "lost\n");
		await sandbox.git("reset", "-q", "--hard");
		await udo("restore", "1");
		expect(await readFile(join(sandbox.repository, "src", "a.ts"), "utf8")).toBe("lost\n");
		await udo("verify", "HEAD~..HEAD");
		await udo("run", "README.md", "--", "true");
		await udo("unlock", "--all");
		for (const command of ["log", "config", "doctor"]) await udo(command);
		await udo("merge", "README.md", "README.md", "src/b.ts");
		await udo("init", "--remove", "--yes");
		expect(await bytesOf(other)).toEqual(before);
	});

	test("leads no hook there, where the project comes from the other repository", async () => {
		await using sandbox = await Sandbox.create();
		const other = await otherRepository(sandbox);
		const clone = join(sandbox.directory, "clone");
		const tree = join(sandbox.directory, "tree");
		// Without links: the time of an object that the clone writes again would change in both.
		await sandbox.git("clone", "-q", "--no-hardlinks", other, clone);
		await installHooks(sandbox, clone);
		await sandbox.git("-C", clone, "worktree", "add", "-q", "-b", "topic", tree);
		await sandbox.udo(["lock", "README.md"], { as: "bob", directory: clone });
		const before = await bytesOf(other);
		// git names its own directory to the hooks of a linked worktree; what was remembered is found again.
		const forget = `rm '${join(clone, ".git", "udo", "project")}'`;
		const commands = [
			"git commit -qm x -- src/a.ts",
			"git stash push -q; git stash pop -q; git commit -qam y",
			"git checkout -q -b more; git rebase -q HEAD~; git push -q origin more:refs/udo/x --dry-run",
		];
		for (const command of commands) {
			const script = `${forget}; echo more >>src/a.ts; ${command}`;
			const answer = await sandbox.run("sh", ["-c", script], { as: "alice", directory: tree });
			expect(answer.stderr).not.toContain("unguarded");
		}

		expect(await bytesOf(other)).toEqual(before);
		expect(await sandbox.git("-C", tree, "log", "--format=%s", "-2")).toBe("y\nx\n");
	});
});

async function linked(sandbox: Sandbox): Promise<string> {
	const tree = join(sandbox.directory, "linked");
	await sandbox.git("worktree", "add", "-q", "-b", "topic", tree);
	return tree;
}

async function submodule(sandbox: Sandbox): Promise<string> {
	const whole = join(sandbox.directory, "whole");
	await sandbox.git("init", "-q", whole);
	await sandbox.git("-C", whole, "submodule", "--quiet", "add", sandbox.repository, "part");
	return join(whole, "part");
}

/** Records what git itself shows inside the hook whenever the gate starts node; answers a function that reads it. */
async function recordStaged(sandbox: Sandbox, tree: string): Promise<() => Promise<readonly (readonly string[])[]>> {
	const [spy, record] = [join(sandbox.directory, "bin", "spy"), join(sandbox.directory, "staged")];
	const list = `git diff --cached --name-only --no-renames -z >>'${record}'; echo >>'${record}'`;
	await writeScript(spy, `#!/bin/sh\n[ "$2" != pre-commit ] || { ${list}; }\nexec '${process.execPath}' "$@"\n`);
	const common = await sandbox.git("-C", tree, "rev-parse", "--path-format=absolute", "--git-common-dir");
	const gate = join(common.trim(), "udo", "gate.sh");
	await writeFile(gate, (await readFile(gate, "utf8")).replace(/^udo_node=.*$/m, `udo_node='${spy}'`));
	return async () => {
		const records = (await readFile(record, "utf8")).split("\n").slice(0, -1);
		return records.map((each) => each.split("\0").filter(Boolean));
	};
}

async function otherRepository(sandbox: Sandbox): Promise<string> {
	const other = join(sandbox.directory, "other");
	await mkdir(other);
	await sandbox.git("clone", "-q", sandbox.repository, other);
	await sandbox.git("-C", other, "remote", "remove", "origin");
	await writeFile(join(other, "README.md"), "changed\n");
	await writeFile(join(other, "src", "a.ts"), "staged\n");
	await sandbox.git("-C", other, "add", "src/a.ts");
	return other;
}

/** Everything under a directory, with its kind, mode, time and bytes. */
async function bytesOf(directory: string): Promise<Readonly<Record<string, string>>> {
	const entries: Record<string, string> = {};
	for (const name of (await readdir(directory, { recursive: true })).sort()) {
		const path = join(directory, name);
		const found = await lstat(path);
		const about = `${found.mode.toString(8)} ${found.mtimeMs}`;
		if (found.isSymbolicLink()) entries[name] = `${about} ${await readlink(path)}`;
		else entries[name] = found.isDirectory() ? about : `${about} ${await readFile(path, "latin1")}`;
	}
	return entries;
}
