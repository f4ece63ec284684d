import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";

// Outside the repository: merging needs none.
let sandbox: Sandbox;
let directory: string;

beforeEach(async () => {
	sandbox = await Sandbox.create();
	directory = join(sandbox.directory, "texts");
	await mkdir(directory);
	await put("base", "a\nb\nc\nd\ne\n");
	await put("ours", "A\nb\nc\nd\ne\n");
	await put("theirs", "a\nb\nc\nd\nE\n");
	await put("conflicting", "1\nb\nc\nd\ne\n");
});

afterEach(() => sandbox[Symbol.asyncDispose]());

describe("udo merge", () => {
	test("prints a clean merge and exits 0, far from any repository and without a store", async () => {
		expect(await merge("base", "ours", "theirs")).toEqual({ code: 0, stdout: "A\nb\nc\nd\nE\n", stderr: "" });
		expect(await readdir(join(sandbox.directory, "home"))).toEqual([".gitconfig"]);
	});

	test("marks conflicts with the names of the files and exits with their number", async () => {
		const { code, stdout, stderr } = await merge("base", "ours", "conflicting");

		expect(code).toBe(1);
		expect(stdout).toBe("<<<<<<< ours\nA\n=======\n1\n>>>>>>> conflicting\nb\nc\nd\ne\n");
		expect(stderr).toBe("1 conflict, at line 1\n");
	});

	test("takes labels in the order of the files", async () => {
		const { stdout } = await merge(
			"--style=diff3",
			"-L",
			"B",
			"-L",
			"O",
			"--label",
			"T",
			"base",
			"ours",
			"conflicting",
		);

		expect(stdout).toBe("<<<<<<< O\nA\n||||||| B\na\n=======\n1\n>>>>>>> T\nb\nc\nd\ne\n");
	});

	test("exits 127 for more conflicts than that", async () => {
		const lines = (mark: string) =>
			Array.from(
				{ length: 150 },
				(_, i) => `${mark}${i}\n${[1, 2, 3, 4].map((n) => `line ${i} ${n}\n`).join("")}`,
			).join("");
		await put("b", lines("b"));
		await put("o", lines("o"));
		await put("t", lines("t"));

		const { code, stderr } = await merge("b", "o", "t");

		expect(code).toBe(127);
		expect(stderr).toBe("150 conflicts, the first at line 1\n");
	});

	test("writes to a file in one step, keeping its mode and a link to it", async () => {
		await put("target", "old\n");
		await chmod(join(directory, "target"), 0o751);
		await symlink("target", join(directory, "link"));
		const before = await readdir(directory);

		const answer = await merge("base", "ours", "theirs", "-o", "link");

		expect(answer).toEqual({ code: 0, stdout: "", stderr: "" });
		expect(await readFile(join(directory, "target"), "utf8")).toBe("A\nb\nc\nd\nE\n");
		expect((await stat(join(directory, "target"))).mode & 0o777).toBe(0o751);
		expect(await readdir(directory)).toEqual(before);
	});

	test("keeps bytes that are no UTF-8, and can write over one of its sources", async () => {
		await put("base", Buffer.from([0xff, 10, 98, 10, 0xfe]));
		await put("ours", Buffer.from([0xfd, 10, 98, 10, 0xfe]));
		await put("theirs", Buffer.from([0xff, 10, 98, 10, 0xfc]));

		expect((await merge("base", "ours", "theirs", "-o", "ours")).code).toBe(0);
		expect([...(await readFile(join(directory, "ours")))]).toEqual([0xfd, 10, 98, 10, 0xfc]);
	});

	test("with --json tells where each conflict is, and the text unless it went to a file", async () => {
		const printed = await merge("base", "ours", "conflicting", "--json");
		const written = await merge("base", "ours", "conflicting", "--json", "-o", "out");
		const { text, ...rest } = JSON.parse(printed.stdout).data;

		expect(printed).toMatchObject({ code: 1, stderr: "" });
		expect(text).toContain("<<<<<<< ours\nA\n");
		expect(rest).toEqual({
			clean: false,
			conflicts: 1,
			hunks: [
				{
					kind: "conflict",
					line: 1,
					baseLine: 1,
					baseLines: 1,
					oursLine: 1,
					oursLines: 1,
					theirsLine: 1,
					theirsLines: 1,
				},
			],
		});
		expect(JSON.parse(written.stdout)).toEqual({ schema: "udo.merge/1", ok: true, data: rest });
	});

	test("reads one of the three from stdin", async () => {
		const answer = await sandbox.udo(["merge", "base", "-", "theirs"], { directory, input: "A\nb\nc\nd\ne\n" });

		expect(answer).toMatchObject({ code: 0, stdout: "A\nb\nc\nd\nE\n" });
	});

	test.each([
		{
			what: "a missing file",
			args: ["base", "nowhere", "theirs"],
			code: 255,
			says: /^udo: nowhere .*\n {2}there is no/,
		},
		{ what: "a directory", args: [".", "ours", "theirs"], code: 255, says: /^udo: \. cannot be read\n {2}it is a dir/ },
		{ what: "a binary file", args: ["base", "ours", "binary"], code: 255, says: /^udo: binary is a binary file\n/ },
		{
			what: "an output nowhere",
			args: ["base", "ours", "theirs", "-o", "no/where"],
			code: 255,
			says: /^udo: no\/where /,
		},
		{ what: "two files", args: ["base", "ours"], code: 64, says: /^udo: missing required argument 'theirs'\n/ },
		{ what: "stdin twice", args: ["-", "-", "theirs"], code: 64, says: /^udo: only one of the three can be stdin\n/ },
		{
			what: "an unknown style",
			args: ["base", "ours", "theirs", "--style=x"],
			code: 64,
			says: /^udo: there is no style x\n/,
		},
		{
			what: "four labels",
			args: ["-L1", "-L2", "-L3", "-L4", "base", "ours", "theirs"],
			code: 64,
			says: /three labels/,
		},
	])("refuses $what with the next step, and writes nothing", async ({ args, code, says }) => {
		await put("binary", "text\n\0");
		const before = await readdir(directory);

		const answer = await merge(...args);

		expect(answer).toMatchObject({ code, stdout: "" });
		expect(answer.stderr).toMatch(says);
		expect(answer.stderr.trimEnd().split("\n").at(-1)).toMatch(/^ {2}next: /);
		expect(await readdir(directory)).toEqual(before);
	});
});

function merge(...args: readonly string[]) {
	return sandbox.udo(["merge", ...args], { directory });
}

function put(name: string, content: string | Buffer): Promise<void> {
	return writeFile(join(directory, name), content);
}
