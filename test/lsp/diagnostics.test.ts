import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

const warning = 2;
const information = 3;

describe("a lock of another session", () => {
	test("shows as a warning of source udo at the start of the file, and clears when it is released", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });

		await client.shows("src/a.ts", "file-locked");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({
			source: "udo",
			severity: warning,
			range: { start: { line: 0, character: 0 } },
			message: expect.stringMatching(/^src\/a\.ts is locked by other \(other\), \w+ since \d\d:\d\d$/),
		});

		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts");
	});

	test("shows in a file that is opened after it was taken, for a directory and for the project too", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		await sandbox.udo(["lock", "src/"], { as: "other" });
		client.open("src/a.ts");
		client.open("README.md");
		await client.shows("src/a.ts", "file-locked");
		client.open("src/b.ts");
		await client.shows("src/b.ts", "file-locked");
		expect(client.codes("README.md")).toEqual([]);

		await sandbox.udo(["unlock", "--all"], { as: "other" });
		await sandbox.udo(["lock", "--project"], { as: "other" });
		await client.shows("README.md", "file-locked");
		expect(client.diagnostics("README.md")[0]?.message).toMatch(/^the whole project is locked by other/);
	});

	test("says what is different about where it was taken, and only informs when that is another branch", async () => {
		await using sandbox = await Sandbox.create();
		const elsewhere = join(sandbox.directory, "elsewhere");
		await sandbox.git("worktree", "add", "-q", "-b", "feature", elsewhere);
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other", directory: elsewhere });

		await client.shows("src/a.ts", "file-locked");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({
			severity: information,
			message: expect.stringMatching(/, branch feature, in .*\/elsewhere$/),
		});
	});

	test("is judged anew when the branch changes here, and the session moves to that branch", async () => {
		await using sandbox = await Sandbox.create();
		const elsewhere = join(sandbox.directory, "elsewhere");
		await sandbox.git("worktree", "add", "-q", "--force", elsewhere, "main");
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other", directory: elsewhere });
		await client.shows("src/a.ts", "file-locked");
		expect(client.diagnostics("src/a.ts")[0]?.severity).toBe(warning);

		await sandbox.git("checkout", "-q", "-b", "side");
		await until(() => client.diagnostics("src/a.ts")[0]?.severity === information);
		await until(async () => {
			const { sessions } = await statusOf(sandbox);
			return sessions.find(({ kind }) => kind === "edit")?.branch === "side";
		});
	});

	test("that is an edit by the same person only informs, by another it warns", async () => {
		await using sandbox = await Sandbox.create();
		await using mine = await LspClient.start(sandbox, { actor: "me@here" });
		await using alsoMine = await LspClient.start(sandbox, { actor: "me@here" });
		await using other = await LspClient.start(sandbox, { actor: "other@here" });
		for (const client of [mine, other]) client.open("src/a.ts");
		alsoMine.open("src/a.ts");
		alsoMine.type("src/a.ts", "changed\n");

		for (const client of [mine, other]) await client.shows("src/a.ts", "file-locked");
		expect(mine.diagnostics("src/a.ts")[0]?.severity).toBe(information);
		expect(other.diagnostics("src/a.ts")[0]).toMatchObject({
			severity: warning,
			message: expect.stringMatching(/^src\/a\.ts is being edited by me@here \(edit_\w+\), editor since/),
		});
	});

	test("shows control characters of a hostile name as text", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		const environment = { UDO_ACTOR: "\u001b[31mevil\u202e" };
		await sandbox.udo(["lock", "src/a.ts"], { as: "other", environment });

		await client.shows("src/a.ts", "file-locked");
		expect(client.diagnostics("src/a.ts")[0]?.message).toContain("\\x1b[31mevil\\u202e (other)");
	});

	test("clears when its holder is killed, without anybody running udo", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		const terminal = sandbox.terminal("alice");
		client.open("src/a.ts");
		await terminal.run("udo lock src/a.ts");
		await client.shows("src/a.ts", "file-locked");

		await terminal.kill();
		await client.shows("src/a.ts");
	});

	test("is published once, whatever else is locked and unlocked meanwhile", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.open("src/b.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");

		for (let i = 0; i < 3; i += 1) {
			await sandbox.udo(["lock", "src/b.ts"], { as: "third" });
			await client.shows("src/b.ts", "file-locked");
			await sandbox.udo(["unlock", "src/b.ts"], { as: "third" });
			await client.shows("src/b.ts");
		}
		const uris = client.of("textDocument/publishDiagnostics").map((params) => (params as { uri: string }).uri);
		expect(uris.filter((uri) => uri === client.uri("src/a.ts"))).toHaveLength(1);
		expect(uris.filter((uri) => uri === client.uri("src/b.ts"))).toHaveLength(6);
	});

	test("is a warning that names the holder while this editor changes the file all the same", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		await sandbox.udo(["lock", "src/"], { as: "other" });
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");

		await client.shows("src/a.ts", "editing-locked");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({
			severity: warning,
			message: expect.stringContaining("src/ is locked by other"),
		});

		client.type("src/a.ts", "src/a.ts\n");
		await client.shows("src/a.ts", "file-locked");
	});

	test("is cleared when the document is closed", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		client.open("src/a.ts");
		await client.shows("src/a.ts", "file-locked");

		client.close("src/a.ts");
		await client.shows("src/a.ts");
	});
});
