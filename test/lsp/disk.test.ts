import { rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BufferState } from "../../server/lsp/buffer-state.ts";
import { type Fingerprint, fingerprintOf, noFile } from "../../server/lsp/fingerprint.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf, untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

describe("a file that somebody else changes on disk", () => {
	test("warns while the buffer has unsaved text, and no more when the buffer shows the same", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "mine\n");
		await untilLocked(sandbox, "src/a.ts edit");
		await writeFile(join(sandbox.repository, "src/a.ts"), "theirs\n");

		await client.shows("src/a.ts", "conflict");
		expect(client.diagnostics("src/a.ts")[0]).toMatchObject({ severity: 2 });

		client.type("src/a.ts", "theirs\n");
		await client.shows("src/a.ts");
	});

	test("warns while an unchanged buffer shows the text from before, without locking it", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.open("src/b.ts");
		client.type("src/b.ts", "mine\n");
		await untilLocked(sandbox, "src/b.ts edit");
		const draft = join(sandbox.directory, "draft");
		await writeFile(draft, "theirs\n");
		await rename(draft, join(sandbox.repository, "src/a.ts"));

		await client.shows("src/a.ts", "changed-on-disk");
		expect(client.diagnostics("src/a.ts")[0]?.message).toMatch(/shows the text from before$/);
		await untilLocked(sandbox, "src/b.ts edit");

		client.type("src/a.ts", "theirs\n");
		await client.shows("src/a.ts");
	});

	test("says when it was deleted, and takes it back when it is there again", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.open("src/b.ts");
		await sandbox.udo(["lock", "src/"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");
		await rm(join(sandbox.repository, "src/a.ts"));

		await client.shows("src/a.ts", "file-locked", "changed-on-disk");
		expect(client.diagnostics("src/a.ts")[1]?.message).toContain("src/a.ts was deleted on disk");

		await sandbox.git("checkout", "src/a.ts");
		await client.shows("src/a.ts", "file-locked");
	});

	test("is not what the editor's own save is taken for, whatever the save makes of the text", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		await client.save("src/a.ts", Buffer.from("caf\u00e9\n", "latin1"));
		client.open("src/a.ts", "caf\u00e9\n");
		client.open("src/b.ts");
		await until(async () => (await statusOf(sandbox)).presence.length === 2);
		for (const text of ["caf\u00e9s\n", "th\u00e9\n", "th\u00e9s\n"]) {
			client.type("src/a.ts", text);
			await client.save("src/a.ts", Buffer.from(text, "latin1"));
		}
		await writeFile(join(sandbox.repository, "src/b.ts"), "theirs\n");

		await client.shows("src/b.ts", "changed-on-disk");
		expect(client.of("textDocument/publishDiagnostics")).not.toContainEqual(
			expect.objectContaining({ uri: client.uri("src/a.ts") }),
		);
	});

	test("is noticed through a symbolic link as well", async () => {
		await using sandbox = await Sandbox.create();
		await symlink("src/a.ts", join(sandbox.repository, "link.ts"));
		await using client = await LspClient.start(sandbox);
		client.open("link.ts");
		client.type("link.ts", "mine\n");
		await untilLocked(sandbox, "src/a.ts edit");

		await writeFile(join(sandbox.repository, "src/a.ts"), "theirs\n");
		await client.shows("link.ts", "conflict");
	});
});

describe("a buffer", () => {
	const bytes = (name: string) => `bytes ${name}` as Fingerprint;

	test("with another line end, byte order mark or last newline than the disk is not unsaved", () => {
		const disk = fingerprintOf("a\nb\n");

		for (const text of ["a\nb\n", "a\r\nb\r\n", "a\nb", "\ufeffa\nb\n"]) {
			expect(new BufferState(fingerprintOf(text), disk).isUnsaved).toBe(false);
		}
		expect(new BufferState(fingerprintOf("a\nb \n"), disk).isUnsaved).toBe(true);
	});

	test("of a new file is unsaved once it has text, and not for being new", () => {
		const buffer = new BufferState(fingerprintOf(""), noFile);
		expect(buffer.isUnsaved).toBe(false);

		buffer.typed(fingerprintOf("text"));
		expect(buffer.isUnsaved).toBe(true);
	});

	test("that a formatter changed on disk after the save is neither unsaved nor changed by somebody else", () => {
		const buffer = new BufferState(fingerprintOf("a"), fingerprintOf("a"));
		buffer.typed(fingerprintOf("b"));
		buffer.saved(fingerprintOf("b"), fingerprintOf("b, formatted"));

		expect([buffer.isUnsaved, buffer.foreignChange]).toEqual([false, undefined]);
	});

	test("that was undone to what the disk once had is stale, not unsaved", () => {
		const buffer = new BufferState(fingerprintOf("a"), fingerprintOf("a"));
		buffer.found(fingerprintOf("theirs"));
		buffer.typed(fingerprintOf("mine"));
		expect([buffer.isUnsaved, buffer.foreignChange]).toEqual([true, "changed"]);

		buffer.typed(fingerprintOf("a"));
		expect([buffer.isUnsaved, buffer.foreignChange]).toEqual([false, "changed"]);
	});

	test("of a file that is not UTF-8 stands for the bytes it was read from", () => {
		const buffer = new BufferState(fingerprintOf("caf\u00e9"), bytes("1"));
		expect([buffer.isUnsaved, buffer.foreignChange]).toEqual([false, undefined]);

		buffer.found(bytes("2"));
		expect([buffer.isUnsaved, buffer.foreignChange]).toEqual([false, "changed"]);
	});
});
