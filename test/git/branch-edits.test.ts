import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { branchEdits } from "../../server/branch-edits.ts";
import { Sandbox } from "../helpers/sandbox.ts";

let sandbox: Sandbox;
let there: string;

beforeEach(async () => {
	sandbox = await Sandbox.create();
	there = join(sandbox.directory, "there");
	await sandbox.git("clone", "-q", ".", there);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

function compare(ours: string) {
	const trees = { here: sandbox.repository, there };
	return branchEdits("README.md", Buffer.from(ours), trees, sandbox.environment);
}

describe("the edits of one file in two working trees", () => {
	test("are three texts where both changed what both have committed", async () => {
		await writeFile(join(there, "README.md"), "theirs\n");

		expect(await compare("ours\n")).toEqual({
			kind: "edits",
			edits: { base: Buffer.from("README.md\n"), ours: Buffer.from("ours\n"), theirs: Buffer.from("theirs\n") },
		});
	});

	test("are none where one side is as committed, both are the same, or one deleted it", async () => {
		expect(await compare("ours\n")).toEqual({ kind: "none" });
		await writeFile(join(there, "README.md"), "ours\n");
		expect(await compare("ours\n")).toEqual({ kind: "none" });
		await rm(join(there, "README.md"));
		expect(await compare("ours\n")).toEqual({ kind: "none" });
	});

	test("are unknown where a file cannot be read, is too long, or git does not answer", async () => {
		await writeFile(join(there, "README.md"), "x".repeat(5 * 1024 * 1024));
		expect(await compare("ours\n")).toEqual({ kind: "unknown" });
		await writeFile(join(there, "README.md"), "theirs\n");
		await writeFile(join(there, ".git", "HEAD"), "no ref\n");
		expect(await compare("ours\n")).toEqual({ kind: "unknown" });
		await rm(join(there, "README.md"));
		await symlink("README.md", join(there, "README.md"));
		expect(await compare("ours\n")).toEqual({ kind: "unknown" });
	});
});
