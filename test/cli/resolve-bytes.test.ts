import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { numbers, stateOf, stopAt } from "../helpers/conflicted.ts";
import { Sandbox } from "../helpers/sandbox.ts";

const example = "<<<<<<< yours\none\n=======\ntwo\n>>>>>>> theirs\n";

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

describe("udo resolve changes nothing but conflicts", () => {
	test("an example of a conflict is text, between the conflicts and inside one of the sides", async () => {
		const page = (line: string) => `how it looks:\n${example}a\nb\nc\nd\n${line}\n`;
		const side = `before\n${example}after\n`;
		await stopAt(sandbox, "merge", {
			"page.txt": [page("base"), page("main"), page("topic")],
			"side.txt": ["x\nbase\nz\n", `x\n${side}z\n`, "x\ntopic\nz\n"],
			"edited.txt": ["x\nbase\nz\n", `x\n${side}z\n`, "x\ntopic\nz\n"],
		});
		const edited = (await read("edited.txt")).replace("\ntopic\n", "\ntopic, edited\n");
		await writeFile(path("edited.txt"), edited);

		const listed = await resolve();
		const answers = [
			await resolve("page.txt", "--ours"),
			await resolve("side.txt", "--theirs"),
			await resolve("edited.txt", "--ours"),
		];

		expect(listed.stdout.match(/txt: \d conflicts?, at line/g)).toHaveLength(4);
		expect(answers.map(({ stdout }) => stdout.split("\n")[0])).toEqual(
			["page.txt", "side.txt", "edited.txt"].map((name) => `${name}: 1 conflict settled, staged`),
		);
		expect(await read("page.txt")).toBe(page("main"));
		expect(await read("side.txt")).toBe("x\ntopic\nz\n");
		expect(await read("edited.txt")).toBe(`x\n${side}z\n`);
	});

	test("an example that somebody has changed is not taken for a conflict to be settled", async () => {
		await stopAt(sandbox, "merge", { "page.txt": [`a\n${example}`, `b\n${example}`, `c\n${example}`] });
		const text = (await read("page.txt")).replace("\ntwo\n", "\nzwei\n");
		await writeFile(path("page.txt"), text);

		const answer = await resolve("page.txt", "--ours");

		expect(answer.stderr).toMatch(/^udo: the conflict at line 6 of page\.txt cannot be read\n/);
		expect(await read("page.txt")).toBe(text);
	});

	test("what is saved while udo writes stays, and is told", async () => {
		await stopAt(sandbox, "merge");
		const shim = join(sandbox.directory, "shim");
		await mkdir(shim);
		const git = (await sandbox.run("sh", ["-c", "command -v git"])).stdout.trim();
		const script = `#!/bin/sh\ncase "$*" in *"ls-files -s"*) echo saved >> numbers.txt;; esac\nexec '${git}' "$@"\n`;
		await writeFile(join(shim, "git"), script, { mode: 0o755 });
		const before = await read("numbers.txt");

		const environment = { PATH: `${shim}:${sandbox.environment["PATH"]}` };
		const answer = await sandbox.udo(["resolve", "numbers.txt", "--ours"], { environment });

		expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining("numbers.txt was changed meanwhile") });
		expect(await read("numbers.txt")).toBe(`${before}saved\n`);
		expect((await resolve("--undo")).stdout).toBe("nothing to undo\n");
	});

	test("three at once settle one conflict each, and none is lost", async () => {
		const lines = (side: string) => Array.from({ length: 3 }, (_, i) => `${side} ${i}\na\nb\nc\nd\n`).join("");
		await stopAt(sandbox, "merge", { "three.txt": [lines("base"), lines("main"), lines("topic")] });
		const { files } = await sandbox.data<Listed>(["resolve", "three.txt"], { as: "script" });
		const names = files[0]?.hunks.map(({ name }) => name) ?? [];

		const answers = await Promise.all(names.map((name) => resolve("three.txt", "--hunk", name, "--theirs")));

		expect(answers.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(3).fill({ code: 0, stderr: "" }));
		expect(await read("three.txt")).toBe(lines("topic"));
		expect(await sandbox.git("diff", "--name-only", "--diff-filter=U")).toBe("numbers.txt\n");
	});

	test("a choice that was made before an abort is not made again", async () => {
		const files = { "gone.txt": ["text\n", "changed\n", undefined], "image.bin": ["\0", "\0main", "\0topic"] } as const;
		await stopAt(sandbox, "merge", files);
		await resolve("gone.txt", "image.bin", "--ours");
		await sandbox.git("merge", "--abort");
		await sandbox.run("git", ["merge", "topic"]);
		const before = await stateOf(sandbox, "gone.txt", "image.bin");

		const answer = await sandbox.udo(["merge"]);

		expect(answer).toMatchObject({ code: 5, stdout: expect.not.stringContaining("as it was left") });
		expect(await stateOf(sandbox, "gone.txt", "image.bin")).toEqual(before);
	});

	test("nothing is written through a link, and a file that is gone comes back by any choice", async () => {
		await mkdir(path("d"));
		await mkdir(path("e"));
		const versions = ["base\n", "main\n", "topic\n"] as const;
		await stopAt(sandbox, "merge", {
			"d/a.txt": versions,
			"e/b.txt": ["b\n", undefined, "topic\n"],
			"c.txt": versions,
		});
		const outside = join(sandbox.directory, "outside");
		await mkdir(outside);
		await writeFile(join(outside, "a.txt"), "secret\n");
		await writeFile(join(outside, "b.txt"), "secret\n");
		for (const name of ["d", "e"]) {
			await rename(path(name), join(sandbox.directory, name));
			await symlink(outside, path(name));
		}
		await rm(path("c.txt"));

		const refused = [await resolve("d/a.txt", "--theirs"), await resolve("e/b.txt", "--ours")];
		const listed = await resolve("c.txt");
		const answer = await sandbox.udo(["resolve", "c.txt", "--file", "-"], { input: "own\n" });

		for (const { code, stderr } of refused) {
			expect(code).toBe(1);
			expect(stderr).toMatch(/is not in this working tree\n {2}[de] is a symbolic link here; .*\n {2}next: /);
		}
		expect(await readFile(join(outside, "a.txt"), "utf8")).toBe("secret\n");
		expect(await readFile(join(outside, "b.txt"), "utf8")).toBe("secret\n");
		expect(listed.stdout).toContain("c.txt: changed by both, and the file is gone here");
		expect(answer.stdout).toContain("c.txt: settled, staged");
		expect(await read("c.txt")).toBe("own\n");
	});

	test("a text without its last line break does not run into the next line", async () => {
		await stopAt(sandbox, "merge");

		await sandbox.udo(["resolve", "numbers.txt", "--hunk=1", "--file=-"], { input: "own" });
		await resolve("numbers.txt", "--ours");

		expect(await read("numbers.txt")).toBe(numbers({ 5: "own", 25: "main 25" }));
	});

	test("candidates are counted as they are shown, without the sides", async () => {
		await stopAt(sandbox, "merge");

		const listed = await resolve("numbers.txt");
		const refused = await resolve("numbers.txt", "--hunk=1", "--candidate=9");
		const answer = await resolve("numbers.txt", "--hunk=1", "--candidate=1");

		const shown = [...listed.stdout.matchAll(/^candidate (\d): (.*)\n {2}\d (.*)$/gm)].map(([, ...rest]) => rest);
		expect(shown[0]?.[0]).toBe("1");
		expect(refused.stderr).toMatch(/\n {2}next: udo resolve numbers\.txt shows them\n$/);
		expect(answer.code).toBe(0);
		expect((await read("numbers.txt")).split("\n")[4]).toBe(shown[0]?.[2]);
	});

	test("where nothing can be written, the file stays, and the reason is told", async () => {
		await stopAt(sandbox, "merge");
		const before = await stateOf(sandbox, "numbers.txt");
		await writeFile(path(".git/udo-resolve"), "in the way\n");

		const answer = await resolve("numbers.txt", "--ours");

		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/^udo: .* cannot be written\n {2}.*; it is as it was\.\n {2}next: /);
		expect(await stateOf(sandbox, "numbers.txt")).toEqual(before);
	});
});

interface Listed {
	readonly files: readonly { readonly hunks: readonly { readonly name: string }[] }[];
}

function resolve(...args: readonly string[]) {
	return sandbox.udo(["resolve", ...args]);
}

function path(name: string): string {
	return join(sandbox.repository, name);
}

function read(name: string): Promise<string> {
	return readFile(path(name), "utf8");
}
