import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

interface Action {
	readonly title: string;
	readonly kind: string;
	readonly diagnostics?: readonly object[];
	readonly command: { readonly command: string; readonly arguments: readonly string[] };
}

const start = { line: 0, character: 0 };

async function actions(client: LspClient, path: string, context: object): Promise<readonly Action[]> {
	const params = { textDocument: { uri: client.uri(path) }, range: { start, end: start }, context };
	return (await client.request("textDocument/codeAction", params)) as readonly Action[];
}

describe("a command of the editor", () => {
	test("locks an open file until another gives it back", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { idleMs: 50 });
		client.open("src/a.ts");
		await until(async () => (await actions(client, "src/a.ts", { diagnostics: [] })).length > 0);

		await client.execute("udo.acquire", "src/a.ts");
		await untilLocked(sandbox, "src/a.ts claim");
		expect(client.messages("window/showMessage")).toEqual(["udo: locked src/a.ts"]);

		client.type("src/a.ts", "changed\n");
		await client.execute("udo.release", "src/a.ts");
		await untilLocked(sandbox);
	});

	test("locks a file for the lease time only when nothing is done with it, and says so", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { idleMs: 50, environment: { LOCK_DEFAULT_TTL: "1" } });
		client.open("src/a.ts");
		await until(async () => (await actions(client, "src/a.ts", { diagnostics: [] })).length > 0);
		await client.execute("udo.acquire", "src/a.ts");

		await until(() =>
			client.messages("window/showMessage").includes("udo: released src/a.ts after 1 s without a change"),
		);
		await untilLocked(sandbox);
		await client.execute("udo.release", "src/a.ts");
		expect(client.messages("window/showMessage").at(-1)).toBe("udo: src/a.ts was not locked by this editor");
	});

	test("tells who holds a file that it cannot lock", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");

		await client.execute("udo.acquire", "src/a.ts");
		expect(client.messages("window/showMessage")).toEqual([
			expect.stringMatching(/^udo: src\/ is locked by other \(other\)/),
		]);
	});

	test("waits in line without keeping the editor waiting, and tells when it has the lock", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");

		await client.execute("udo.wait", "src/a.ts");
		await until(
			() => sandbox.data<{ waiters: readonly unknown[] }>(["status"], { as: "other" }),
			({ waiters }) => waiters.length === 1,
		);
		expect(client.messages("window/showMessage")).toEqual([]);

		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await until(() => client.messages("window/showMessage").some((text) => /^udo: locked src\/a\.ts/.test(text)));
		await untilLocked(sandbox, "src/a.ts claim");
		await client.shows("src/a.ts");
	});

	test("that waits shows progress where the editor can, and its cancel button leaves the line", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox, { capabilities: { window: { workDoneProgress: true } } });
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");
		await client.execute("udo.wait", "src/a.ts");
		const progress = (kind: string) =>
			until(
				() =>
					client
						.of("$/progress")
						.map((params) => params as { token: string; value: { kind: string; message?: string } })
						.find(({ value }) => value.kind === kind),
				(found) => found !== undefined,
			);
		const begun = await progress("begin");
		expect(begun?.value).toMatchObject({ title: "udo: waiting for src/a.ts", cancellable: true });
		expect((await progress("report"))?.value.message).toContain("held by other");

		client.notify("window/workDoneProgress/cancel", { token: begun?.token });
		await progress("end");
		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts");
		await untilLocked(sandbox);
	});

	test("that waits is given up by closing the file", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");
		await client.execute("udo.wait", "src/a.ts");
		const waiters = (n: number) =>
			until(
				() => sandbox.data<{ waiters: readonly unknown[] }>(["status"], { as: "other" }),
				({ waiters }) => waiters.length === n,
			);
		await waiters(1);

		client.close("src/a.ts");
		await waiters(0);
	});

	test("takes a lock over with a new token, and the log says from whom, by whom and why", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");
		const before = await untilLocked(sandbox, "src/a.ts claim");

		await client.execute("udo.takeOver", "src/a.ts");
		await client.shows("src/a.ts");
		const after = await untilLocked(sandbox, "src/a.ts claim");
		expect(after.locks[0]?.token).toBeGreaterThan(before.locks[0]?.token ?? Number.NaN);
		expect((await sandbox.udo(["log", "--json"], { as: "onlooker" })).stdout).toContain(
			'"reason":"taken over from the editor by ed@editor"',
		);
	});

	test("on a file that no repository knows says so instead of failing", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);

		for (const path of ["src/a.ts", "../nowhere"]) await client.execute("udo.acquire", path);
		await client.request("workspace/executeCommand", { command: "udo.acquire" });
		expect(client.messages("window/showMessage")).toEqual(
			Array(3).fill("udo: only an open file of a git repository can be locked"),
		);
	});
});

describe("code actions", () => {
	test("offer to wait or to take over what another holds, for our own diagnostics only", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await client.shows("src/a.ts", "file-locked");
		const [ours] = client.diagnostics("src/a.ts");
		const theirs = { range: { start, end: start }, message: "unused variable", source: "ts" };

		const offered = await actions(client, "src/a.ts", { diagnostics: [theirs, ours] });
		expect(offered.map(({ title, kind }) => [title, kind])).toEqual([
			["udo: wait in line for src/a.ts", "quickfix"],
			["udo: take src/a.ts over from other", "quickfix"],
		]);
		expect(offered.map(({ diagnostics }) => diagnostics)).toEqual([[ours], [ours]]);
		expect(offered[0]?.command).toMatchObject({ command: "udo.wait", arguments: [client.uri("src/a.ts")] });
	});

	test("do not light a bulb at every line, and leave other kinds of action alone", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.open("src/a.ts");
		await until(async () => (await actions(client, "src/a.ts", { diagnostics: [] })).length > 0);

		expect(await actions(client, "src/a.ts", { diagnostics: [], triggerKind: 2 })).toEqual([]);
		expect(await actions(client, "src/a.ts", { diagnostics: [], only: ["refactor"] })).toEqual([]);
		expect(await actions(client, "src/a.ts", { diagnostics: [], triggerKind: 1 })).toHaveLength(1);
		expect(await actions(client, "nowhere.ts", { diagnostics: [] })).toEqual([]);
	});
});
