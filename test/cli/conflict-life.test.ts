import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

const text = "one\ntwo\nthree\nfour\nfive\n";

function path(sandbox: Sandbox): string {
	return join(sandbox.repository, "src/a.ts");
}

async function open(sandbox: Sandbox, as = "onlooker"): Promise<readonly Conflict[]> {
	return (await sandbox.data<{ open: readonly Conflict[] }>(["conflicts"], { as })).open;
}

async function settled(sandbox: Sandbox): Promise<readonly Conflict[]> {
	return (await sandbox.data<{ settled: readonly Conflict[] }>(["conflicts", "--all"], { as: "onlooker" })).settled;
}

function untilOpen(sandbox: Sandbox, count: number): Promise<readonly Conflict[]> {
	return until(
		() => open(sandbox),
		({ length }) => length === count,
	);
}

async function typing(sandbox: Sandbox, content: string, actor: string): Promise<LspClient> {
	const client = await LspClient.start(sandbox, { actor });
	client.open("src/a.ts");
	client.type("src/a.ts", content);
	return client;
}

describe("a file edit conflict that somebody resolves", () => {
	test("with what is on disk is gone for the editor, which keeps its text and is not asked again", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), text);
		await using client = await typing(sandbox, text.replace("two", "ours"), "ed@editor");
		await untilLocked(sandbox, "src/a.ts edit");
		await writeFile(path(sandbox), text.replace("two", "theirs"));
		const [found] = await untilOpen(sandbox, 1);
		const answer = await sandbox.udo(["resolve", found?.id ?? "", "--theirs"], { as: "ann" });

		expect(answer.code).toBe(0);
		await client.shows("src/a.ts", "changed-on-disk");
		client.type("src/a.ts", text.replace("two", "ours, and more"));
		await untilLocked(sandbox, "src/a.ts edit");
		await sandbox.udo(["lock", "src/b.ts"], { as: "ann" });
		expect(await open(sandbox)).toEqual([]);
		expect(await settled(sandbox)).toMatchObject([{ id: found?.id, resolvedBy: "ann", how: "manual" }]);

		await writeFile(path(sandbox), text.replace("two", "theirs, another time"));
		await untilOpen(sandbox, 1);
	});

	test("with a deletion is settled by theirs, and the file stays away", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), text);
		await using client = await typing(sandbox, text.replace("two", "ours"), "ed@editor");
		await untilLocked(sandbox, "src/a.ts edit");
		await rm(path(sandbox));
		const [found] = await untilOpen(sandbox, 1);
		const answer = await sandbox.udo(["resolve", found?.id ?? "", "--theirs"], { as: "ann" });

		expect(answer).toMatchObject({ code: 0, stderr: "" });
		await expect(readFile(path(sandbox))).rejects.toThrow("ENOENT");
		await client.shows("src/a.ts", "changed-on-disk");
		expect(await settled(sandbox)).toMatchObject([{ id: found?.id, resolvedBy: "ann" }]);
	});

	test("between two editors is gone for both, whichever text was taken", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), text);
		await using ann = await typing(sandbox, text.replace("two", "ann's"), "ann@editor");
		await untilLocked(sandbox, "src/a.ts edit");
		await using bob = await typing(sandbox, text.replace("two", "bob's"), "bob@editor");
		const [found] = await until(
			() => open(sandbox),
			([first]) => first?.attempts.length === 1,
		);
		await sandbox.udo(["resolve", found?.id ?? "", "--ours"], { as: "onlooker" });

		expect(await readFile(path(sandbox), "utf8")).toBe(text.replace("two", "bob's"));
		await until(() => ![...ann.codes("src/a.ts"), ...bob.codes("src/a.ts")].includes("conflict"));
		await until(() => ann.codes("src/a.ts").includes("changed-on-disk"));
		expect(await open(sandbox)).toEqual([]);
		expect((await settled(sandbox)).map(({ id, how }) => [id, how])).toEqual([[found?.id, "manual"]]);
	});
});

describe("a file edit conflict between two trees", () => {
	test("says in each of them whose ours and theirs are, and how what was chosen is taken back", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), text);
		await sandbox.git("commit", "-qam", "lines");
		await sandbox.git("clone", "-q", ".", "../clone");
		const clone = { directory: join(sandbox.directory, "clone"), as: "ann" };
		await sandbox.udo(["status"], clone);
		await writeFile(join(clone.directory, "src/a.ts"), text.replace("two", "ann's"));
		await using _client = await typing(sandbox, text.replace("two", "ed's"), "ed@editor");
		const [found] = await untilOpen(sandbox, 1);
		const id = found?.id ?? "";

		const shown = await sandbox.udo(["resolve", id], clone);
		const there = await sandbox.udo(["resolve", id], { as: "onlooker" });
		const chosen = await sandbox.udo(["resolve", id, "--ours"], clone);

		expect(shown.stdout).toMatch(
			/\n {2}ours is the editor of ed@editor \(edit_\w+\) in .*repo, 25 bytes; from line 2:\n {4}< ed's\n {2}theirs is what is on disk in this tree, 26 bytes; from line 2:\n {4}> ann's\n/,
		);
		expect(shown.stdout).not.toContain(`next: udo resolve ${id}\n`);
		expect(there.stdout).toMatch(/ours is the editor of .* in this tree,[\s\S]*theirs is what is on disk in .*clone,/);
		expect(chosen.stdout).toMatch(
			/^src\/a\.ts in this tree is now ours \(the editor of ed@editor .* in .*repo\); udo resolve --undo src\/a\.ts takes that back\n/,
		);
		await sandbox.udo(["resolve", "--undo", "src/a.ts"], clone);
		expect(await readFile(join(clone.directory, "src/a.ts"), "utf8")).toBe(text.replace("two", "ann's"));
	});

	test("is not written into a third tree", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), text);
		await sandbox.git("commit", "-qam", "lines");
		for (const name of ["clone", "third"]) await sandbox.git("clone", "-q", ".", `../${name}`);
		const [clone, third] = ["clone", "third"].map((name) => join(sandbox.directory, name));
		await sandbox.udo(["status"], { directory: clone ?? "", as: "ann" });
		await writeFile(join(clone ?? "", "src/a.ts"), text.replace("two", "ann's"));
		await using _client = await typing(sandbox, text.replace("two", "ed's"), "ed@editor");
		const [found] = await untilOpen(sandbox, 1);

		const answer = await sandbox.udo(["resolve", found?.id ?? "", "--ours"], { directory: third ?? "", as: "bob" });

		expect(answer.code).toBe(64);
		expect(await readFile(join(third ?? "", "src/a.ts"), "utf8")).toBe(text);
	});
});

describe("a lock that was waited for in vain", () => {
	test("is a conflict that says who had it for how long, until it is free", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/"], { as: "ann" });
		const wait = () => sandbox.udo(["lock", "--wait", "1s", "src/a.ts"], { as: "bob" });
		expect((await wait()).code).toBe(4);
		expect((await wait()).code).toBe(4);

		const [found, ...others] = await open(sandbox);
		expect(others).toEqual([]);
		expect(found).toMatchObject({
			type: "resource_lock",
			resource: "file:src/a.ts",
			sessions: ["bob", "ann"],
			summary: expect.stringMatching(/^bob waited 1 s in vain for src\/a\.ts: src\/ is locked by ann \(ann\) for /),
			next: "udo lock --wait src/a.ts",
			attempts: [{ strategy: "wait-and-retry", outcome: "no turn within 1 s" }, { strategy: "wait-and-retry" }],
		});
		await sandbox.udo(["unlock", "--all"], { as: "ann" });
		expect(await open(sandbox)).toEqual([]);
		expect(await settled(sandbox)).toMatchObject([{ how: "superseded", resolution: "src/a.ts is free again" }]);
	});
});

describe("what git could not merge", () => {
	test("in another tree is over for all when it is aborted there or the tree is gone, and is not settled by a word", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(path(sandbox), "base\n");
		await sandbox.git("commit", "-qam", "base");
		await sandbox.git("switch", "-qc", "topic");
		await writeFile(path(sandbox), "topic\n");
		await sandbox.git("commit", "-qam", "topic");
		await sandbox.git("switch", "-q", "main");
		await writeFile(path(sandbox), "main\n");
		await sandbox.git("commit", "-qam", "main");
		for (const name of ["one", "two"]) {
			await sandbox.git("worktree", "add", "-q", "-b", name, `../${name}`);
			await sandbox.run("git", ["merge", "-q", "topic"], { directory: join(sandbox.directory, name) });
			await sandbox.udo(["conflicts"], { directory: join(sandbox.directory, name), as: name });
		}
		const [first, second] = await untilOpen(sandbox, 2);
		const byWord = await sandbox.udo(["resolve", first?.id ?? "", "--done"], { as: "onlooker" });
		await sandbox.run("git", ["merge", "--abort"], { directory: join(sandbox.directory, "one") });
		const afterAbort = await open(sandbox);
		await sandbox.git("worktree", "remove", "--force", "../two");

		expect(byWord).toMatchObject({ code: 1, stderr: expect.stringContaining("is unmerged in ") });
		expect(afterAbort.map(({ id }) => id)).toEqual([second?.id]);
		expect(await open(sandbox)).toEqual([]);
	});

	test("is recorded by the first command that looks, anew at each step of a rebase, and over when the rebase is", async () => {
		await using sandbox = await Sandbox.create();
		const commit = async (content: string, message: string) => {
			await writeFile(path(sandbox), content);
			await sandbox.git("commit", "-qam", message);
		};
		await commit(text, "lines");
		await sandbox.git("switch", "-qc", "topic");
		await commit(text.replace("two", "first"), "first");
		await commit(text.replace("two", "second"), "second");
		await sandbox.git("switch", "-q", "main");
		await commit(text.replace("two", "main"), "main");
		await sandbox.git("switch", "-q", "topic");
		await sandbox.run("git", ["rebase", "-q", "main"]);

		const [first] = await open(sandbox);
		expect(first).toMatchObject({ type: "git_merge", resource: "file:src/a.ts", next: "udo resolve src/a.ts" });
		expect(first?.summary).toContain("a rebase stopped at it");
		expect(await open(sandbox, "another")).toMatchObject([{ id: first?.id }]);
		const ours = await sandbox.udo(["resolve", first?.id ?? "", "--print", "ours"], { as: "onlooker" });
		expect(ours.stdout).toBe(text.replace("two", "main"));

		await writeFile(path(sandbox), text.replace("two", "both"));
		await sandbox.git("add", "-A");
		await sandbox.run("git", ["-c", "core.editor=true", "rebase", "--continue"]);
		const [second, ...others] = await open(sandbox);
		expect(others).toEqual([]);
		expect(second?.id).not.toBe(first?.id);
		await sandbox.git("rebase", "--abort");
		expect(await open(sandbox)).toEqual([]);
		expect((await settled(sandbox)).map(({ how }) => how)).toEqual(["superseded", "superseded"]);
	});
});
