import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

interface Change {
	readonly type: string;
	readonly path: string;
	readonly change: string;
}

async function changes(sandbox: Sandbox): Promise<readonly string[]> {
	const { events } = await sandbox.data<{ events: readonly Change[] }>(["log", "--type", "file_change"], {
		as: "onlooker",
	});
	return events.map(({ change, path }) => `${change} ${path}`);
}

const untilChanges = (sandbox: Sandbox, ...wanted: string[]) =>
	until(
		() => changes(sandbox),
		(found) => JSON.stringify(found) === JSON.stringify(wanted),
	);

describe("file changes", () => {
	test("are in the log: the first edit and each save, not every key", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		for (const text of ["c\n", "ch\n", "cha\n"]) client.type("src/a.ts", text);
		await untilChanges(sandbox, "edit src/a.ts");

		client.type("src/a.ts", "chan\n");
		await client.save("src/a.ts", "chan\n");
		await untilChanges(sandbox, "edit src/a.ts", "save src/a.ts");
	});

	test("say when a save creates the file, and when the editor creates, renames and deletes others", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("new.ts", "");
		client.type("new.ts", "text\n");
		await untilChanges(sandbox, "edit new.ts");
		await client.save("new.ts", "text\n");
		await untilChanges(sandbox, "edit new.ts", "create new.ts");

		const file = (path: string) => ({ uri: client.uri(path) });
		client.notify("workspace/didDeleteFiles", { files: [file("src/a.ts")] });
		client.notify("workspace/didRenameFiles", {
			files: [{ oldUri: client.uri("src/b.ts"), newUri: client.uri("src/c.ts") }],
		});
		await until(
			() => changes(sandbox),
			(found) => found.slice(2).sort().join() === "create src/c.ts,delete src/a.ts,delete src/b.ts",
		);
	});

	test("of other sessions reach an editor that asked for them, for its open files", async () => {
		await using sandbox = await Sandbox.create();
		const initializationOptions = { fileChanged: true };
		await using listening = await LspClient.start(sandbox, { initializationOptions });
		await using plain = await LspClient.start(sandbox);
		await using other = await LspClient.start(sandbox, { actor: "other@editor" });
		for (const client of [listening, plain]) client.open("src/a.ts");
		await until(
			() => statusOf(sandbox),
			({ presence }) => presence.length === 2,
		);
		for (const path of ["src/b.ts", "src/a.ts"]) {
			other.open(path);
			other.type(path, "changed\n");
		}

		await until(() => listening.of("udo/fileChanged").length > 0);
		expect(listening.of("udo/fileChanged")).toEqual([
			{
				uri: listening.uri("src/a.ts"),
				path: "src/a.ts",
				change: "edit",
				worktree: sandbox.repository,
				session: expect.stringMatching(/^edit_/),
				actor: "other@editor",
			},
		]);
		await plain.shows("src/a.ts", "file-locked");
		expect(plain.of("udo/fileChanged")).toEqual([]);
	});

	test("and presence of two working trees of one project in one editor stand side by side", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.git("worktree", "add", "-q", "../elsewhere");
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.open("../elsewhere/src/b.ts");

		await until(
			async () => (await statusOf(sandbox)).presence.map(({ path }) => path).sort(),
			(paths) => paths.join() === "src/a.ts,src/b.ts",
		);
		await client.request("shutdown");
		expect(await statusOf(sandbox)).toMatchObject({ presence: [], locks: [] });
	});

	test("come with presence: open files, whether they are unsaved, and the line of the last edit", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts", "one\ntwo\nthree\n");
		client.open("src/b.ts");
		const position = { line: 2, character: 0 };
		client.change("src/a.ts", [{ range: { start: position, end: position }, text: "more " }]);

		await until(
			async () => (await statusOf(sandbox)).presence,
			(presence) =>
				JSON.stringify(presence.map(({ path, unsaved, line }) => [path, unsaved, line ?? null])) ===
				JSON.stringify([
					["src/a.ts", true, 2],
					["src/b.ts", false, null],
				]),
		);
		client.close("src/a.ts");
		await until(async () => (await statusOf(sandbox)).presence.map(({ path }) => path).join() === "src/b.ts");
	});
});
