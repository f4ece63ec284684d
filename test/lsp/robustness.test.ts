import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

describe("documents", () => {
	test("that are no files of a repository are ignored in silence", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		const outside = pathToFileURL(join(sandbox.directory, "outside.txt")).href;
		const uris = ["untitled:Untitled-1", "file://%zz", "not a uri", "", "file://server/share/x", "git:/a?b", outside];
		for (const uri of [...uris, client.uri(".git/COMMIT_EDITMSG"), client.uri("src")]) {
			client.openUri(uri, "text\n");
			const params = { textDocument: { uri, version: 1 }, contentChanges: [{ text: "other\n" }] };
			client.notify("textDocument/didChange", params);
			client.notify("textDocument/didSave", { textDocument: { uri } });
		}
		client.notify("textDocument/didChange", {
			textDocument: { uri: client.uri("src/b.ts"), version: 1 },
			contentChanges: [],
		});
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");

		await untilLocked(sandbox, "src/a.ts edit");
		expect(client.messages("window/showMessage")).toEqual([]);
		expect(client.messages("window/logMessage")).toEqual([]);
		expect(client.stderr).toBe("");
	});

	test("with spaces, percent signs and other alphabets in their names are locked under git's spelling", async () => {
		await using sandbox = await Sandbox.create();
		const names = ["with space.ts", "100%25 #sure?.ts", "\u65e5\u672c\u8a9e.ts"];
		const decomposed = "a\u0308.ts";
		for (const name of [...names, decomposed]) await writeFile(join(sandbox.repository, name), "text\n");
		await using client = await LspClient.start(sandbox);
		for (const name of [...names, decomposed]) {
			client.open(name);
			client.type(name, "changed\n");
		}

		await untilLocked(sandbox, ...[...names, "\u00e4.ts"].map((name) => `${name} edit`));
	});

	test("opened through a link are the file that the link leads to, also across directories", async () => {
		await using sandbox = await Sandbox.create();
		const link = join(sandbox.directory, "link");
		await symlink(join(sandbox.repository, "src"), link);
		await using client = await LspClient.start(sandbox);
		client.open("../link/a.ts");
		client.type("../link/a.ts", "changed\n");

		await untilLocked(sandbox, "src/a.ts edit");
	});

	test("of several repositories are locked each in its own", async () => {
		await using sandbox = await Sandbox.create();
		const nested = join(sandbox.repository, "nested");
		await sandbox.run("git", ["init", "-q", nested]);
		await writeFile(join(nested, "a.ts"), "text\n");
		await using client = await LspClient.start(sandbox);
		for (const path of ["nested/a.ts", "src/b.ts"]) {
			client.open(path);
			client.type(path, "changed\n");
		}

		await untilLocked(sandbox, "src/b.ts edit");
		await until(
			() => sandbox.data<{ locks: readonly { resource: string }[] }>(["status"], { as: "onlooker", directory: nested }),
			({ locks }) => locks.map(({ resource }) => resource).join() === "file:a.ts",
		);
	});

	test("get a repository as soon as there is one around them", async () => {
		await using sandbox = await Sandbox.create();
		const later = join(sandbox.directory, "later");
		await mkdir(later);
		await writeFile(join(later, "a.ts"), "text\n");
		await using client = await LspClient.start(sandbox);
		client.open("../later/a.ts");
		client.type("../later/a.ts", "changed\n");
		await sandbox.run("git", ["init", "-q", later]);

		await until(
			() => sandbox.data<{ locks: readonly { resource: string }[] }>(["status"], { as: "onlooker", directory: later }),
			({ locks }) => locks.map(({ resource }) => resource).join() === "file:a.ts",
		);
	});

	test("may be many and large", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		const large = Array.from(
			{ length: 10_000 },
			(_, i) => `line ${i} with some text to make it as long as code is\n`,
		).join("");
		const paths = Array.from({ length: 120 }, (_, i) => `many-${i}.ts`);
		for (const path of paths) {
			await writeFile(join(sandbox.repository, path), large);
			client.open(path, large);
		}
		for (let i = 0; i < 200; i += 1) {
			const position = { line: 9000, character: i };
			client.change("many-7.ts", [{ range: { start: position, end: position }, text: "x" }]);
		}
		await untilLocked(sandbox, "many-7.ts edit");

		const end = { line: 9000, character: 200 };
		client.change("many-7.ts", [{ range: { start: { line: 9000, character: 0 }, end }, text: "" }]);
		client.close("many-7.ts");
		await sandbox.udo(["lock", "many-99.ts"], { as: "other" });
		await client.shows("many-99.ts", "file-locked");
		await untilLocked(sandbox, "many-99.ts claim");
	});

	test("whose directory is deleted keep the server going", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");
		await rm(join(sandbox.repository, "src"), { recursive: true });

		await client.shows("src/a.ts", "conflict");
		await sandbox.git("checkout", "src");
		await writeFile(join(sandbox.repository, "src/a.ts"), "changed\n");
		await client.shows("src/a.ts");
	});
});

describe("a store that cannot be used", () => {
	test("is told once, keeps the server going, and works as soon as it is back", async () => {
		await using sandbox = await Sandbox.create();
		const state = join(sandbox.directory, "home", "state");
		await writeFile(state, "a file where the directory should be");
		const attempts = await countGit(sandbox);
		await using client = await LspClient.start(sandbox);
		for (const path of ["src/a.ts", "src/b.ts", "README.md"]) {
			client.open(path);
			client.type(path, "changed\n");
		}
		await until(attempts, (n) => n >= 2);
		await until(() => client.messages("window/showMessage").length > 0);
		await client.execute("udo.acquire", "src/a.ts");

		await rm(state);
		await untilLocked(sandbox, "src/a.ts edit", "src/b.ts edit", "README.md edit");
		expect(client.messages("window/showMessage")).toEqual([
			expect.stringMatching(/^udo: cannot write to .*nothing is coordinated until it is back$/),
			"udo: only an open file of a git repository can be locked",
		]);
		await until(() => client.messages("window/logMessage").length === 2);
		expect(client.messages("window/logMessage")[1]).toBe("udo: the store is back");
	});

	test("does not keep anybody from a repository with a broken udo.config.json: it says what is wrong", async () => {
		await using sandbox = await Sandbox.create();
		await writeFile(join(sandbox.repository, "udo.config.json"), "{");
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await until(() => client.messages("window/showMessage").length > 0);
		expect(client.messages("window/showMessage")).toEqual([
			expect.stringMatching(/udo\.config\.json is not valid JSON$/),
		]);

		await rm(join(sandbox.repository, "udo.config.json"));
		await untilLocked(sandbox, "src/a.ts edit");
	});
});

// Every attempt to open the repository asks git where it is.
async function countGit(sandbox: Sandbox): Promise<() => Promise<number>> {
	const calls = join(sandbox.directory, "git-calls");
	await writeFile(calls, "");
	const git = (await sandbox.run("sh", ["-c", "command -v git"])).stdout.trim();
	const script = `#!/bin/sh\ncase "$*" in *--show-toplevel*) echo >> '${calls}' ;; esac\nexec '${git}' "$@"\n`;
	await writeFile(join(sandbox.directory, "bin", "git"), script, { mode: 0o755 });
	return async () => (await readFile(calls, "utf8")).length;
}
