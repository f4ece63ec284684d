import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stopAt } from "../helpers/conflicted.ts";
import { Sandbox, udoScript } from "../helpers/sandbox.ts";

const version = (number: string) => `{\n  "name": "x",\n  "version": "${number}"\n}\n`;
const released = { "package.json": [version("1.2.3"), version("1.2.4"), version("1.3.0")] } as const;

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

describe("the merge driver", () => {
	test("level exact gives what git gives, without node on PATH", async () => {
		await stopAt(sandbox, "merge", released);
		const gits = [await read("numbers.txt"), await read("package.json")].map(withoutLabels);
		await sandbox.git("merge", "--abort");
		await sandbox.udo(["init", "--yes", "--merge-driver"]);

		await sandbox.run("sh", ["-c", 'mkdir ../alone && ln -s "$(command -v git)" ../alone/git']);
		const environment = { PATH: join(sandbox.directory, "alone") };

		const answer = await sandbox.run("/bin/sh", ["-c", "! command -v node && git merge topic"], { environment });

		expect(answer.code).toBe(1);
		expect([await read("numbers.txt"), await read("package.json")].map(withoutLabels)).toEqual(gits);
		expect(await sandbox.git("diff", "--name-only", "--diff-filter=U")).toBe("numbers.txt\npackage.json\n");
	});

	test("level safe settles what a rule is sure of and says by which, also in a linked working tree", async () => {
		await stopAt(sandbox, "merge", released);
		await sandbox.git("merge", "--abort");
		await sandbox.udo(["init", "--yes", "--merge-driver=safe"]);
		await sandbox.git("worktree", "add", "-q", "../linked", "-b", "linked", "main");

		const { stderr } = await sandbox.run("git", ["merge", "topic"], { directory: join(sandbox.directory, "linked") });

		expect(stderr).toMatch(/^udo: package\.json: settled by rule: /m);
		expect(await readFile(join(sandbox.directory, "linked", "package.json"), "utf8")).toBe(version("1.3.0"));
	});

	test("what .gitattributes say about a path still holds, and a binary file stays ours", async () => {
		await writeFile(join(sandbox.repository, ".gitattributes"), "list.txt merge=union\n");
		await stopAt(sandbox, "merge", { "list.txt": ["a\n", "a\nb\n", "a\nc\n"], "i.bin": ["\0", "\0main", "\0topic"] });
		await sandbox.git("merge", "--abort");
		await sandbox.udo(["init", "--yes", "--merge-driver"]);

		const { stderr } = await sandbox.run("git", ["merge", "topic"]);

		expect(stderr).toMatch(/^udo: i\.bin is binary; ours is kept/m);
		expect(await read("list.txt")).toBe("a\nb\nc\n");
		expect(await read("i.bin")).toBe("\0main");
		expect(await sandbox.git("ls-files", "-u")).toContain("\ti.bin\n");
	});

	test("where udo is gone, or cannot answer, git merges as ever", async () => {
		await stopAt(sandbox, "merge");
		await sandbox.git("merge", "--abort");
		await sandbox.udo(["init", "--yes", "--merge-driver"]);
		const config = join(sandbox.repository, ".git", "config");
		await writeFile(config, (await readFile(config, "utf8")).replaceAll(udoScript, "/nowhere/udo.js"));

		expect((await sandbox.run("git", ["merge", "topic"])).code).toBe(1);
		expect(await read("numbers.txt")).toMatch(/^<<<<<<< /m);
		expect((await sandbox.udo(["merge-driver", "no", "such", "files", "7", "x"])).code).toBe(129);
	});

	test.each(["[core]\n\tbare = false\n", "[core]\n\tbare = false"])(
		"is taken out byte for byte, alone or with the hooks, before or after them, from a config like %j",
		async (end) => {
			const config = join(sandbox.repository, ".git", "config");
			await writeFile(config, (await readFile(config, "utf8")) + end);
			const before = await readFile(config, "utf8");
			const init = (...args: readonly string[]) => sandbox.udo(["init", "--yes", ...args]);

			const twice = [await init("--merge-driver"), await init("--merge-driver")];
			const installed = await readFile(config, "utf8");
			await init("--no-merge-driver");
			const alone = await readFile(config, "utf8");
			await init("--guard-tree");
			await init("--merge-driver=safe");
			await init("--remove");
			const afterHooks = await readFile(config, "utf8");
			await init("--merge-driver");
			await init("--guard-tree");
			await init("--no-merge-driver");
			await init("--remove");

			expect(twice.map(({ code }) => code)).toEqual([0, 0]);
			expect(twice[1]?.stdout).toMatch(/^nothing to do/);
			expect(installed.startsWith(before)).toBe(true);
			expect(alone).toBe(before);
			expect(afterHooks).toBe(before);
			expect(await readFile(config, "utf8")).toBe(before);
		},
	);

	test("keeps another default driver", async () => {
		await sandbox.git("config", "merge.default", "union");

		const { code, stderr } = await sandbox.udo(["init", "--yes", "--merge-driver"]);

		expect(code).toBe(1);
		expect(stderr).toMatch(/^udo: another merge driver is the default here already\n/);
		expect(await sandbox.git("config", "--get-all", "merge.default")).toBe("union\n");
	});
});

// An older git does not tell a driver what the sides are called.
function withoutLabels(text: string): string {
	return text.replace(/^(<{7}|>{7}) .*$/gm, "$1");
}

function read(name: string): Promise<string> {
	return readFile(join(sandbox.repository, name), "latin1");
}
