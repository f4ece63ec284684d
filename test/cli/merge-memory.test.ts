import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Stop, stopAt, stops } from "../helpers/conflicted.ts";
import { Sandbox } from "../helpers/sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

/** Brings the operation to its end, and the repository back to where git stopped. */
const again: Readonly<Record<Stop, string>> = {
	merge:
		"git commit -qm merged && git switch -q topic && git switch -q main && git reset -q --hard HEAD~1; git merge -q topic",
	rebase:
		"GIT_EDITOR=true git rebase --continue && git switch -q main && git branch -qf topic topic@{1} && git switch -q topic; git rebase -q main",
	"cherry-pick": "git -c core.editor=true cherry-pick --continue; git reset -q --hard HEAD~1; git cherry-pick topic",
	revert: "git -c core.editor=true revert --continue; git reset -q --hard HEAD~1; git revert --no-edit HEAD~1",
	am: "git am --continue; git reset -q --hard HEAD~1; git format-patch -q -1 -o .. topic && git am -q -3 ../0001*",
	"stash pop": "s=$(git rev-parse stash); git stash drop -q; udo status; git reset -q --hard; git stash apply -q $s",
};

describe("how a conflict was settled", () => {
	test.each(stops)("is remembered when git has concluded a %s with it", async (stop) => {
		await stopAt(sandbox, stop);
		await sandbox.udo(["resolve", "numbers.txt", "--hunk=1", "--both"]);
		await sandbox.udo(["resolve", "numbers.txt", "--theirs"]);
		const settled = await read("numbers.txt");
		await sandbox.run("sh", ["-c", again[stop]]);

		const answer = await sandbox.udo(["merge", "--safe"]);

		expect(answer.stdout).toContain("numbers.txt: 2 conflicts settled (2 × remembered), staged\n");
		expect(await read("numbers.txt")).toBe(settled);
	});

	test.each(["merge", "rebase", "am"] as const)("is forgotten when the %s is aborted", async (stop) => {
		await stopAt(sandbox, stop);
		await sandbox.udo(["resolve", "numbers.txt", "--ours"]);
		await sandbox.git(stop, "--abort");
		await sandbox.udo(["status"]);
		await writeFile(join(sandbox.repository, "other.txt"), "work\n");
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", "other work");
		await sandbox.git("reset", "-q", "--hard", "HEAD~1");
		await sandbox.run("sh", ["-c", again[stop].slice(again[stop].lastIndexOf(";") + 1)]);

		const answer = await sandbox.udo(["merge", "--safe"]);

		expect(answer.stdout).toContain("numbers.txt: 2 conflicts, at lines 5, ");
	});

	test("by hand takes the place of what was chosen before, and so does a text for the whole file", async () => {
		await stopAt(sandbox, "merge");
		await sandbox.udo(["resolve", "numbers.txt", "--ours"]);
		await sandbox.run("sh", ["-c", again.merge]);
		await sandbox.udo(["status"]);
		const byHand = (await read("numbers.txt")).replace(/<{7} [\s\S]*?>{7} .*\n/g, "by hand\n");
		await writeFile(join(sandbox.repository, "numbers.txt"), byHand);
		await sandbox.git("add", "-A");
		await sandbox.run("sh", ["-c", again.merge]);
		await sandbox.udo(["merge", "--safe"]);
		const second = await read("numbers.txt");
		await sandbox.udo(["resolve", "--undo"]);
		await sandbox.udo(["resolve", "numbers.txt", "--file", "-"], { input: byHand.replaceAll("by hand", "by file") });
		await sandbox.run("sh", ["-c", again.merge]);

		await sandbox.udo(["merge", "--safe"]);

		expect(second).toBe(byHand);
		expect(await read("numbers.txt")).toBe(byHand.replaceAll("by hand", "by file"));
	});

	test("counts in the same file only", async () => {
		await mkdir(join(sandbox.repository, "other"));
		const texts = ["name: x\nport: 1\nend\n", "name: x\nport: 2\nend\n", "name: x\nport: 3\nend\n"] as const;
		await stopAt(sandbox, "merge", { "one.yaml": texts, "other/two.yaml": texts });
		await sandbox.udo(["resolve", "one.yaml", "--theirs"]);
		await sandbox.udo(["resolve", "other/two.yaml", "--both"]);
		await sandbox.udo(["resolve", "numbers.txt", "--ours"]);
		await sandbox.run("sh", ["-c", again.merge]);

		await sandbox.udo(["merge", "--safe"]);

		expect(await read("one.yaml")).toBe(texts[2]);
		expect(await read("other/two.yaml")).toBe("name: x\nport: 2\nport: 3\nend\n");
	});
});

function read(path: string): Promise<string> {
	return readFile(join(sandbox.repository, path), "utf8");
}
