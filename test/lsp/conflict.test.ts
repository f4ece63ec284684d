import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

const text = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/** A sandbox whose src/a.ts has some lines, committed. */
async function start(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	await write(sandbox, text);
	await sandbox.git("commit", "-qam", "lines");
	return sandbox;
}

function write(sandbox: Sandbox, content: string, path = "src/a.ts"): Promise<void> {
	return writeFile(join(sandbox.repository, path), content);
}

/** What a terminal sees. */
async function conflicts(sandbox: Sandbox): Promise<readonly Conflict[]> {
	return (await sandbox.data<{ conflicts: readonly Conflict[] }>(["status"], { as: "onlooker" })).conflicts;
}

function untilConflicts(sandbox: Sandbox, ...types: string[]): Promise<readonly Conflict[]> {
	return until(
		() => conflicts(sandbox),
		(found) => JSON.stringify(found.map(({ type }) => type)) === JSON.stringify(types),
	);
}

/** An editor that has typed something into src/a.ts and not saved it. */
async function typing(sandbox: Sandbox, content: string, actor = "ed@editor"): Promise<LspClient> {
	const client = await LspClient.start(sandbox, { actor });
	client.open("src/a.ts");
	client.type("src/a.ts", content);
	return client;
}

describe("a file edit conflict", () => {
	test("is recorded with its three texts when a file is written under unsaved changes, and every editor sees it", async () => {
		await using sandbox = await start();
		await using client = await typing(sandbox, text.replace("two", "TWO of ours"));
		await using other = await LspClient.start(sandbox, { actor: "other@editor" });
		other.open("src/a.ts");
		await untilLocked(sandbox, "src/a.ts edit");
		await write(sandbox, text.replace("two", "TWO of theirs"));

		await client.shows("src/a.ts", "conflict");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({
			severity: 2,
			message: expect.stringMatching(
				/^Your changes to src\/a\.ts in this editor \(ours\) are in conflict with what is on disk in this tree \(theirs\); udo resolve conflict_/,
			),
		});
		await until(() => other.codes("src/a.ts").includes("conflict"));
		const [found] = await untilConflicts(sandbox, "file_edit");
		expect(found).toMatchObject({
			resource: "file:src/a.ts",
			place: { worktree: sandbox.repository },
			attempts: [{ strategy: "three-way merge", outcome: "1 conflict at line 2" }],
		});
	});

	test("is superseded when the buffer is saved, is what the disk has, or is closed", async () => {
		await using sandbox = await start();
		await using client = await typing(sandbox, text.replace("two", "ours"));
		await untilLocked(sandbox, "src/a.ts edit");
		const theirs = (n: number) => text.replace("two", `theirs ${n}`);
		await write(sandbox, theirs(1));
		await untilConflicts(sandbox, "file_edit");
		client.type("src/a.ts", theirs(1));
		await untilConflicts(sandbox);

		client.type("src/a.ts", text.replace("two", "ours"));
		await write(sandbox, theirs(2));
		await untilConflicts(sandbox, "file_edit");
		await client.save("src/a.ts", text.replace("two", "ours"));
		await untilConflicts(sandbox);

		client.type("src/a.ts", text.replace("two", "ours again"));
		await write(sandbox, theirs(3));
		await untilConflicts(sandbox, "file_edit");
		client.close("src/a.ts");
		await untilConflicts(sandbox);
		await client.shows("src/a.ts");
	});

	test("that one side's change leaves nothing to decide in is a piece of information, and the editor merges it in", async () => {
		await using sandbox = await start();
		await using client = await typing(sandbox, text.replace("two", "ours"));
		await untilLocked(sandbox, "src/a.ts edit");
		await write(sandbox, text.replace("six", "theirs"));
		await client.shows("src/a.ts", "conflict");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({ severity: 3 });
		const edits = client.answering("workspace/applyEdit", { applied: true });
		await client.execute("udo.mergeTheirs", "src/a.ts");

		expect(edits).toMatchObject([
			{
				edit: {
					changes: {
						[client.uri("src/a.ts")]: [
							{ range: { start: { line: 5, character: 0 }, end: { line: 6, character: 0 } }, newText: "theirs\n" },
						],
					},
				},
			},
		]);
		client.type("src/a.ts", text.replace("two", "ours").replace("six", "theirs"));
		await client.shows("src/a.ts");
		await untilConflicts(sandbox);
		expect(await readFile(join(sandbox.repository, "src/a.ts"), "utf8")).toBe(text.replace("six", "theirs"));
	});

	test("between two editors that both have unsaved changes has both texts", async () => {
		await using sandbox = await start();
		await using ann = await typing(sandbox, text.replace("two", "ann's"), "ann@editor");
		await untilLocked(sandbox, "src/a.ts edit");
		await using bob = await typing(sandbox, text.replace("two", "bob's"), "bob@editor");

		await until(() => [ann, bob].every((each) => each.codes("src/a.ts").includes("conflict")));
		const [found] = await until(
			() => conflicts(sandbox),
			([first]) => first?.attempts.length === 1,
		);
		expect(found).toMatchObject({
			summary: expect.stringMatching(/^src\/a\.ts: bob@editor .* and ann@editor .* both have unsaved changes$/),
			attempts: [{ outcome: "1 conflict at line 2" }],
		});

		ann.type("src/a.ts", text);
		await untilConflicts(sandbox);
	});

	test("is found between two clones on one branch, from either side, and over when one of them is as committed", async () => {
		await using sandbox = await start();
		await sandbox.git("clone", "-q", ".", "../clone");
		const inClone = { directory: join(sandbox.directory, "clone"), as: "there" };
		await sandbox.udo(["status"], inClone);
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await writeFile(join(sandbox.directory, "clone/src/a.ts"), text.replace("two", "theirs"));
		client.type("src/a.ts", text.replace("two", "ours"));

		await client.shows("src/a.ts", "conflict");
		const [found] = await untilConflicts(sandbox, "file_edit");
		expect(found?.summary).toMatch(/changed in two trees on branch main, by ed@editor .* and in .*clone$/);
		client.type("src/a.ts", text);
		await untilConflicts(sandbox);
		await client.shows("src/a.ts");

		client.type("src/a.ts", text.replace("two", "ours"));
		await untilConflicts(sandbox, "file_edit");
		await sandbox.run("git", ["commit", "-qam", "there"], inClone);
		await untilConflicts(sandbox);
	});

	test("keeps the newest text of an editor that is gone without a word", async () => {
		await using sandbox = await start();
		await using client = await typing(sandbox, text.replace("two", "never saved"));
		await untilLocked(sandbox, "src/a.ts edit");
		await write(sandbox, text.replace("two", "theirs"));
		const [found] = await untilConflicts(sandbox, "file_edit");
		client.type("src/a.ts", text.replace("two", "typed last"));
		client.server.stdin?.end();
		await client.exited();

		expect(await untilConflicts(sandbox, "file_edit")).toMatchObject([{ id: found?.id }]);
		const ours = await sandbox.udo(["resolve", found?.id ?? "", "--print", "ours"], { as: "onlooker" });
		expect(ours.stdout).toBe(text.replace("two", "typed last"));
	});

	test("outlives an editor that is killed, with the text that it had", async () => {
		await using sandbox = await start();
		const client = await typing(sandbox, text.replace("two", "never saved"));
		await untilLocked(sandbox, "src/a.ts edit");
		await write(sandbox, text.replace("two", "theirs"));
		const [before] = await untilConflicts(sandbox, "file_edit");
		client.server.kill("SIGKILL");
		client.editor.kill("SIGKILL");
		await client[Symbol.asyncDispose]();

		expect(await untilConflicts(sandbox, "file_edit")).toMatchObject([{ id: before?.id }]);
		const listed = await sandbox.udo(["conflicts"], { as: "onlooker" });
		expect(listed.stdout).toMatch(/the editor of ed@editor .* is gone; the text it had last is kept as ours\n/);
		await using again = await LspClient.start(sandbox);
		again.open("src/a.ts");
		await again.shows("src/a.ts", "conflict");
	});
});

describe("a merge conflict", () => {
	test("is recorded when git stops at it, and superseded when the merge is aborted or concluded", async () => {
		await using sandbox = await start();
		await sandbox.git("switch", "-qc", "topic");
		await write(sandbox, text.replace("two", "topic"));
		await sandbox.git("commit", "-qam", "topic");
		await sandbox.git("switch", "-q", "main");
		await write(sandbox, text.replace("two", "main"));
		await sandbox.git("commit", "-qam", "main");
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.run("git", ["merge", "-q", "topic"]);

		await until(() => client.codes("src/a.ts").includes("conflict"));
		const [found] = await untilConflicts(sandbox, "git_merge");
		expect(found).toMatchObject({ resource: "file:src/a.ts", next: "udo resolve src/a.ts" });
		expect(found?.summary).toContain("a merge stopped at it");
		await sandbox.git("merge", "--abort");
		await untilConflicts(sandbox);
		await until(() => !client.codes("src/a.ts").includes("conflict"));
	});
});
