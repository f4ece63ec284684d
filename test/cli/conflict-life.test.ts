import { readFile, writeFile } from "node:fs/promises";
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
		expect((await settled(sandbox)).map(({ id }) => id)).toEqual([found?.id]);
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
