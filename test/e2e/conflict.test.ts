import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { hasNeovim, Neovim } from "../helpers/neovim.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { untilLocked } from "../helpers/status.ts";
import type { Terminal } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";

async function openIn(terminal: Terminal): Promise<readonly Conflict[]> {
	const { stdout } = await terminal.run("udo conflicts --json");
	return (JSON.parse(stdout) as { data: { open: readonly Conflict[] } }).data.open;
}

describe.skipIf(!hasNeovim)("two terminals and an editor that change one file", () => {
	test("have a conflict that all three see, that one of them resolves, and that is gone for all", async () => {
		await using sandbox = await Sandbox.create();
		const file = join(sandbox.repository, "src/a.ts");
		await writeFile(file, "one\ntwo\nthree\n");
		await using editor = await Neovim.edit(sandbox, "src/a.ts");
		await until(() => editor.lua<boolean>("(vim.lsp.get_client_by_id(1) or {}).initialized == true"));
		await editor.type("2Gcctwo in the editor<Esc>");
		await untilLocked(sandbox, "src/a.ts edit");
		const [ann, bob] = [sandbox.terminal("ann"), sandbox.terminal("bob")];
		const ours = "one\ntwo in the editor\nthree\n";
		await ann.run("sed -i 's/^two$/two of ann/' src/a.ts");
		await bob.run("sed -i 's/^three$/three of bob/' src/a.ts");

		const shown = await until(
			() => editor.diagnostics(),
			(messages) => messages.some((message) => message.includes("has unsaved changes")),
		);
		expect(shown).toHaveLength(1);
		const [seen] = await openIn(ann);
		expect(seen).toMatchObject({ type: "file_edit", resource: "file:src/a.ts" });
		expect((await openIn(bob)).map(({ id }) => id)).toEqual([seen?.id]);
		expect((await bob.run("udo conflicts")).code).toBe(5);
		const texts = (side: string) => ann.run(`udo resolve ${seen?.id} --print ${side}`);
		await until(
			async () => (await texts("theirs")).stdout,
			(text) => text === "one\ntwo of ann\nthree of bob\n",
		);
		expect((await texts("ours")).stdout).toBe(ours);

		expect(await bob.run(`udo resolve ${seen?.id} --ours`)).toMatchObject({ code: 0 });
		expect(await readFile(file, "utf8")).toBe(ours);
		expect([await openIn(ann), await openIn(bob)]).toEqual([[], []]);
		await until(
			() => editor.diagnostics(),
			(messages) => messages.length === 0,
		);
		expect(await editor.lua("vim.api.nvim_exec('messages', true)")).toBe("");
	});
});
