import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf, untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

/** A client whose file is being edited, and what the log says of the end of that lock. */
async function editing(sandbox: Sandbox): Promise<LspClient> {
	const client = await LspClient.start(sandbox);
	client.open("src/a.ts");
	client.type("src/a.ts", "changed\n");
	await untilLocked(sandbox, "src/a.ts edit");
	return client;
}

// The server notices with the next thing that it says.
function closeOutput(client: LspClient): void {
	client.server.stdout?.destroy();
	client.request("textDocument/codeAction", {}).catch(() => {});
}

async function releases(sandbox: Sandbox): Promise<readonly string[]> {
	const { events } = await sandbox.data<{ events: readonly { cause: string }[] }>(["log", "--type", "lock_released"], {
		as: "onlooker",
	});
	return events.map(({ cause }) => cause);
}

describe("the server", () => {
	test("offers what every editor copes with, and nothing that gets in the way of the real language server", async () => {
		await using sandbox = await Sandbox.create();
		await using client = new LspClient(sandbox);

		expect(await client.initialize()).toEqual({
			serverInfo: { name: "udo", version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
			capabilities: {
				positionEncoding: "utf-16",
				textDocumentSync: { openClose: true, change: 2, save: { includeText: false } },
				codeActionProvider: { codeActionKinds: ["quickfix"] },
				executeCommandProvider: {
					commands: ["udo.acquire", "udo.release", "udo.wait", "udo.takeOver", "udo.mergeTheirs"],
				},
				workspace: { workspaceFolders: { supported: true }, fileOperations: expect.anything() },
			},
		});
	});

	test("is a session of the editor while a file is open, and none any more after shutdown", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await editing(sandbox);
		const { presence, sessions } = await until(
			() => statusOf(sandbox),
			({ presence }) => presence.length > 0,
		);
		expect(sessions.find(({ kind }) => kind === "edit")?.pid).toBe(client.editor.pid);
		expect(presence).toEqual([expect.objectContaining({ path: "src/a.ts", unsaved: true })]);

		await client.request("shutdown");
		const after = await statusOf(sandbox);
		expect(after.locks).toEqual([]);
		expect(after.presence).toEqual([]);
		expect(after.sessions.map(({ kind }) => kind)).not.toContain("edit");
		expect(client.hasExited).toBe(false);
		expect(await releases(sandbox)).toEqual(["released"]);

		client.notify("exit");
		expect(await client.exited()).toBe(0);
	});

	test.each([
		["exit without shutdown", (client: LspClient) => client.notify("exit"), 1],
		["the end of its input", (client: LspClient) => client.server.stdin?.end(), 1],
		["the end of its output", closeOutput, 1],
		["SIGHUP", (client: LspClient) => client.server.kill("SIGHUP"), 129],
		["SIGINT", (client: LspClient) => client.server.kill("SIGINT"), 130],
		["SIGTERM", (client: LspClient) => client.server.kill("SIGTERM"), 143],
	])("gives its locks back on %s, and ends", async (_name, end, code) => {
		await using sandbox = await Sandbox.create();
		await using client = await editing(sandbox);
		end(client);

		expect(await client.exited()).toBe(code);
		expect((await statusOf(sandbox)).locks).toEqual([]);
		expect(await releases(sandbox)).toEqual(["released"]);
	});

	test("hears all that an editor said before it closed the pipe, however much that is", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await LspClient.start(sandbox);
		client.server.stdin?.cork();
		client.open("src/a.ts");
		for (let n = 0; n < 6000; n++) client.type("src/a.ts", `${n}\n`);
		client.request("shutdown").catch(() => {});
		client.server.stdin?.end();

		expect(await client.exited()).toBe(0);
	});

	test("ends with an editor that dies while something else holds its pipes open", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await editing(sandbox);
		client.editor.kill("SIGKILL");

		expect(await client.exited()).toBe(1);
		await untilLocked(sandbox);
	});

	test("that is killed leaves its lock to whoever asks next", async () => {
		await using sandbox = await Sandbox.create();
		await using client = await editing(sandbox);
		client.server.kill("SIGKILL");
		await client.exited();

		expect(await sandbox.udo(["lock", "src/a.ts"], { as: "other" })).toMatchObject({ code: 0 });
	});

	test("keeps its stdout for the protocol, whatever a library prints", async () => {
		await using sandbox = await Sandbox.create();
		const noise = join(sandbox.directory, "noise.cjs");
		await writeFile(
			noise,
			`process.on("SIGUSR2", () => { console.log("noise"); process.stdout.write("more noise"); });`,
		);
		const environment = { NODE_OPTIONS: `--require "${noise}"` };
		await using client = await LspClient.start(sandbox, { environment });

		client.server.kill("SIGUSR2");
		await until(() => client.stderr.includes("more noise"));
		expect(client.stderr).toContain("noise\nmore noise");
		expect(await client.request("shutdown")).toBeNull();
	});

	test("survives an exception that nobody caught", async () => {
		await using sandbox = await Sandbox.create();
		const broken = join(sandbox.directory, "broken.cjs");
		await writeFile(broken, `process.on("SIGUSR2", () => { throw new Error("out of the blue"); });`);
		const environment = { NODE_OPTIONS: `--require "${broken}"` };
		await using client = await LspClient.start(sandbox, { environment });

		client.server.kill("SIGUSR2");
		await until(() => client.stderr.includes("out of the blue"));
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await untilLocked(sandbox, "src/a.ts edit");
	});

	test("beats for every live session of the machine, and ends the dead ones", async () => {
		await using sandbox = await Sandbox.create();
		const [idle, dying] = [sandbox.terminal("idle"), sandbox.terminal("dying")];
		for (const terminal of [idle, dying]) await terminal.run("udo status");
		await using client = await LspClient.start(sandbox, { environment: { SESSION_HEARTBEAT: "1" } });
		client.open("src/a.ts");
		await dying.kill();

		await until(
			() =>
				sandbox.data<{ events: readonly { cause: string }[] }>(["log", "--type", "session_disconnected"], {
					as: "onlooker",
				}),
			({ events }) => events.some(({ cause }) => cause === "died"),
		);
		type Beat = { readonly actor: string; readonly ageMs: number; readonly sinceHeartbeatMs: number };
		await until(
			() => sandbox.data<{ sessions: readonly Beat[] }>(["status"], { as: "onlooker" }),
			({ sessions }) => sessions.some((s) => s.actor === "idle" && s.ageMs > 1500 && s.sinceHeartbeatMs < 1000),
		);
	});
});
