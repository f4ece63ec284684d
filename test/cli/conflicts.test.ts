import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { numbers, stopAt } from "../helpers/conflicted.ts";
import { Sandbox } from "../helpers/sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

interface Listed {
	readonly open: readonly { readonly id: string; readonly type: string; readonly resource: string }[];
	readonly unrecorded: readonly string[];
	readonly settled?: readonly { readonly resolution: string; readonly how: string; readonly resolvedBy: string }[];
}

describe("udo conflicts", () => {
	test("lists what git could not merge once, however often it is asked and by whom, and exits 5", async () => {
		const quiet = await sandbox.udo(["conflicts"]);
		await stopAt(sandbox, "rebase", { "gone.txt": ["a\n", undefined, "b\n"] });

		const first = await list("term_a");
		const again = await list("term_b");
		const { code, stdout } = await sandbox.udo(["conflicts"]);

		expect(quiet).toMatchObject({ code: 0, stdout: "no open conflicts\n" });
		expect(again.open.map(({ id }) => id)).toEqual(first.open.map(({ id }) => id));
		expect(first.open.map(({ resource }) => resource)).toEqual(["file:gone.txt", "file:numbers.txt"]);
		expect(code).toBe(5);
		expect(stdout).toMatch(/^2 open conflicts\n/);
		expect(stdout).toContain("next: udo resolve numbers.txt");
	});

	test("a file that is settled is settled for all, by its path or by the id, and stays in the list of --all", async () => {
		await stopAt(sandbox, "merge", { "gone.txt": ["a\n", undefined, "b\n"] });
		const { open } = await list("term_a");
		const id = open.find(({ resource }) => resource === "file:numbers.txt")?.id ?? "";

		await sandbox.udo(["resolve", id, "--ours"], { as: "term_b" });
		await sandbox.udo(["resolve", "gone.txt", "--ours"], { as: "term_b" });
		const after = await sandbox.data<Listed>(["conflicts", "--all"], { as: "term_a" });

		expect(after.open).toEqual([]);
		expect(after.unrecorded).toEqual([]);
		expect(after.settled).toMatchObject([
			{ resolution: "the whole file: ours", how: "manual", resolvedBy: "term_b" },
			{ resolution: "2 conflicts: ours", how: "manual", resolvedBy: "term_b" },
		]);
		expect(await read("numbers.txt")).toBe(numbers({ 5: "main 5", 25: "main 25" }));
	});
});

describe("udo resolve with the id of a recorded conflict", () => {
	test("a push that did not fit is explained, not written into a file, and settled by --done", async () => {
		const id = await evictedPush();

		const shown = await sandbox.udo(["resolve", id]);
		const refused = await sandbox.udo(["resolve", id, "--ours"]);
		const done = await sandbox.udo(["resolve", id, "--done"]);

		expect(shown.code).toBe(5);
		expect(shown.stdout).toMatch(
			/git_merge .*does not fit on origin main\n[\s\S]* next: git pull --rebase origin main\n/,
		);
		expect(refused).toMatchObject({ code: 64 });
		expect(refused.stderr).toContain("next: git pull --rebase origin main");
		expect(done).toMatchObject({ code: 0 });
		expect((await sandbox.udo(["conflicts"])).code).toBe(0);
	});

	test("prints the texts that were kept", async () => {
		await stopAt(sandbox, "merge");
		const [conflict] = (await list("term_a")).open;

		const { code, stdout } = await sandbox.udo(["resolve", conflict?.id ?? "", "--print", "theirs"]);

		expect(code).toBe(0);
		expect(stdout).toBe(numbers({ 5: "topic 5", 25: "topic 25" }));
	});
});

/** A push of ours that conflicts with what somebody else pushed. */
async function evictedPush(): Promise<string> {
	const origin = join(sandbox.directory, "origin.git");
	await sandbox.run("sh", [
		"-c",
		`git init -q --bare '${origin}' && git remote add origin '${origin}' && git push -q -u origin main &&
git clone -q '${origin}' ../other && cd ../other && echo other > README.md && git commit -qam other && git push -q`,
	]);
	await writeFile(join(sandbox.repository, "README.md"), "ours\n");
	await sandbox.git("commit", "-qam", "ours");
	await sandbox.udo(["push"]);
	const { open } = await list("term_a");
	return open[0]?.id ?? "";
}

function list(as: string): Promise<Listed> {
	return sandbox.data<Listed>(["conflicts"], { as });
}

function read(name: string): Promise<string> {
	return readFile(join(sandbox.repository, name), "utf8");
}
