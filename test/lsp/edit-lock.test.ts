import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf, untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

describe("the edit lock", () => {
	test("comes with the first change, belongs to the editor, and keeps others out", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.open("src/b.ts");
		client.type("src/a.ts", "changed\n");

		const { locks, sessions } = await untilLocked(sandbox, "src/a.ts edit");
		expect(sessions.find(({ id }) => id === locks[0]?.session)).toMatchObject({
			kind: "edit",
			actor: "ed@editor",
			pid: client.editor.pid,
		});
		expect(await sandbox.udo(["lock", "src/a.ts"], { as: "other" })).toMatchObject({ code: 4 });
	});

	test("is not taken for opening a file, nor for a change that equals the disk", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "src/a.ts\r\n");
		client.open("src/b.ts");
		client.type("src/b.ts", "changed\n");

		await untilLocked(sandbox, "src/b.ts edit");
	});

	test("stays while the buffer is unsaved, and goes once it is saved and idle", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { idleMs: 50 });
		client.open("src/a.ts");
		client.open("src/b.ts");
		client.type("src/a.ts", "changed\n");
		client.type("src/b.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit", "src/b.ts edit");

		await client.save("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/b.ts edit");

		client.type("src/b.ts", "src/b.ts\n");
		await untilLocked(sandbox);
	});

	test("stays for the idle time after a save", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");
		await client.save("src/a.ts", "changed\n");

		await until(
			() => statusOf(sandbox),
			({ presence }) => presence.some(({ path, unsaved }) => path === "src/a.ts" && !unsaved),
		);
		await untilLocked(sandbox, "src/a.ts edit");
	});

	test("goes when the document is closed", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");

		client.close("src/a.ts");
		await untilLocked(sandbox);
	});

	test("is taken as soon as the other session lets go, when the buffer is still unsaved", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await client.shows("src/a.ts", "editing-locked");

		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await untilLocked(sandbox, "src/a.ts edit");
		await client.shows("src/a.ts");
	});

	test("that was stolen is reported, and taken again by the next edit only", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");

		await sandbox.udo(["lock", "src/a.ts", "--steal", "--reason", "deploying now"], { as: "other" });
		await client.shows("src/a.ts", "editing-locked", "lock-lost");
		expect(client.diagnostics("src/a.ts")[1]?.message).toMatch(/lost: taken over by other \(other\): deploying now$/);

		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "lock-lost");
		await untilLocked(sandbox);

		client.type("src/a.ts", "changed again\n");
		await untilLocked(sandbox, "src/a.ts edit");
		await client.shows("src/a.ts");
	});

	test("of a file in latin1 goes after a save, although its text never equals the bytes", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { idleMs: 50 });
		await client.save("src/a.ts", Buffer.from("caf\u00e9\n", "latin1"));
		client.open("src/a.ts", "caf\u00e9\n");
		client.type("src/a.ts", "caf\u00e9s\n");
		await untilLocked(sandbox, "src/a.ts edit");

		await client.save("src/a.ts", Buffer.from("caf\u00e9s\n", "latin1"));
		await untilLocked(sandbox);
		expect(client.codes("src/a.ts")).toEqual([]);
	});

	test("is refused quietly when the session has as many locks as it may", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { environment: { LOCK_MAX_PER_SESSION: "1" } });
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");
		client.open("src/b.ts");
		client.type("src/b.ts", "changed\n");

		await until(() => client.messages("window/logMessage").length > 0);
		expect(client.messages("window/logMessage")).toEqual([
			"udo: src/b.ts is not locked: the session has all the locks it may have",
		]);
		expect(client.messages("window/showMessage")).toEqual([]);
	});
});
