import { describe, expect, test } from "vitest";
import { hasNeovim, Neovim } from "../helpers/neovim.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { statusOf, untilLocked } from "../helpers/status.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasNeovim)("Neovim", () => {
	test("shows the lock of another process as a diagnostic, and clears it on release", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await Neovim.edit(sandbox, "src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });

		await until(
			() => editor.diagnostics(),
			([first]) => first?.startsWith("udo: src/a.ts is locked by other (other)") === true,
		);
		await sandbox.udo(["unlock", "src/a.ts"], { as: "other" });
		await until(
			() => editor.diagnostics(),
			(shown) => shown.length === 0,
		);
		expect(await editor.lua("vim.api.nvim_exec('messages', true)")).toBe("");
	});

	test("locks a file with the first key that changes it, and frees it with :q!", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await Neovim.edit(sandbox, "src/a.ts");
		await until(() => editor.lua<boolean>("(vim.lsp.get_client_by_id(1) or {}).initialized == true"));
		await editor.type("ggihello <Esc>");

		const { locks, sessions } = await untilLocked(sandbox, "src/a.ts edit");
		expect(sessions.find(({ id }) => id === locks[0]?.session)).toMatchObject({
			kind: "edit",
			actor: "vim@user",
			pid: editor.process.pid,
		});

		await editor.type(":q!<CR>");
		await editor.exited();
		await untilLocked(sandbox);
		expect((await statusOf(sandbox)).sessions.map(({ kind }) => kind)).not.toContain("edit");
	});

	test("that is killed leaves no lock behind, and no server", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await Neovim.edit(sandbox, "src/a.ts");
		await until(() => editor.lua<boolean>("(vim.lsp.get_client_by_id(1) or {}).initialized == true"));
		await editor.type("ggihello <Esc>");
		await untilLocked(sandbox, "src/a.ts edit");
		const [server] = await editor.lua<readonly number[]>("vim.api.nvim_get_proc_children(vim.fn.getpid())");
		expect(server).toBeGreaterThan(1);

		editor.process.kill("SIGKILL");
		await untilLocked(sandbox);
		await until(() => !isAlive(server ?? 0));
	});

	test("takes a lock over through the command that the code action offers, without an error on the way", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await Neovim.edit(sandbox, "src/a.ts");
		await sandbox.udo(["lock", "src/a.ts"], { as: "other" });
		await until(
			() => editor.diagnostics(),
			(shown) => shown.length === 1,
		);
		const params = `vim.tbl_extend("force", vim.lsp.util.make_range_params(), { context = { diagnostics = vim.lsp.diagnostic.get_line_diagnostics() } })`;
		const offered = `vim.lsp.buf_request_sync(0, "textDocument/codeAction", ${params}, 5000)[1].result`;
		expect(await editor.lua<readonly { title: string }[]>(offered)).toMatchObject([
			{ title: "udo: wait in line for src/a.ts" },
			{ title: "udo: take src/a.ts over from other" },
		]);

		await editor.lua(
			`{ vim.lsp.buf_request_sync(0, "workspace/executeCommand", { command = "udo.takeOver", arguments = { vim.uri_from_bufnr(0) } }, 5000) }`,
		);
		const { locks } = await untilLocked(sandbox, "src/a.ts claim");
		expect(locks[0]?.session).toMatch(/^edit_/);
		await until(
			() => editor.lua<string>("vim.api.nvim_exec('messages', true)"),
			(shown) => shown.includes("udo: locked src/a.ts"),
		);
	});
});

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
