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

const ours = "one\ntwo in the editor\nthree\n";
const theirs = "one\ntwo of ann\nthree of bob\n";

/** An editor that shows a file of three lines. */
async function edit(sandbox: Sandbox): Promise<Neovim> {
	await writeFile(fileIn(sandbox), "one\ntwo\nthree\n");
	return Neovim.edit(sandbox, "src/a.ts");
}

/** Changes the file in the editor, which does not save it, and from two terminals; waits until all of that is one conflict. */
async function contest(sandbox: Sandbox, editor: Neovim) {
	await until(() => editor.lua<boolean>("(vim.lsp.get_client_by_id(1) or {}).initialized == true"));
	await editor.type("2Gcctwo in the editor<Esc>");
	await untilLocked(sandbox, "src/a.ts edit");
	const [ann, bob] = [sandbox.terminal("ann"), sandbox.terminal("bob")];
	await ann.run("sed -i 's/^two$/two of ann/' src/a.ts");
	await bob.run("sed -i 's/^three$/three of bob/' src/a.ts");
	const shown = await until(
		() => editor.diagnostics(),
		(messages) => messages.some((message) => message.includes("Your changes to src/a.ts")),
	);
	const [seen] = await openIn(ann);
	const textOf = async (side: string) => (await ann.run(`udo resolve ${seen?.id} --print ${side}`)).stdout;
	await until(
		() => textOf("theirs"),
		(text) => text === theirs,
	);
	return { ann, bob, shown, id: seen?.id, textOf };
}

function fileIn(sandbox: Sandbox): string {
	return join(sandbox.repository, "src/a.ts");
}

describe.skipIf(!hasNeovim)("two terminals and an editor that change one file", () => {
	test("have one conflict that all three see, with the texts of both sides", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await edit(sandbox);
		const { ann, bob, shown, id, textOf } = await contest(sandbox, editor);

		expect(shown).toHaveLength(1);
		expect(await openIn(ann)).toMatchObject([{ id, type: "file_edit", resource: "file:src/a.ts" }]);
		expect((await openIn(bob)).map((conflict) => conflict.id)).toEqual([id]);
		expect((await bob.run("udo conflicts")).code).toBe(5);
		expect(await textOf("ours")).toBe(ours);
	});

	test("have none any more, all three, as soon as one of them resolves it", async () => {
		await using sandbox = await Sandbox.create();
		await using editor = await edit(sandbox);
		const { ann, bob, id } = await contest(sandbox, editor);
		const answer = await bob.run(`udo resolve ${id} --ours`);

		expect(answer).toMatchObject({ code: 0 });
		expect(await readFile(fileIn(sandbox), "utf8")).toBe(ours);
		expect([await openIn(ann), await openIn(bob)]).toEqual([[], []]);
		await until(
			() => editor.diagnostics(),
			(messages) => messages.length === 0,
		);
		expect(await editor.lua("vim.api.nvim_exec('messages', true)")).toBe("");
	});
});
