import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Resource } from "../../server/coordination/resource.ts";
import { resourceWords } from "../../server/shell-word.ts";
import { Sandbox } from "../helpers/sandbox.ts";

const table: readonly (readonly [Resource, string, string])[] = [
	[{ kind: "git", id: "main" }, "", "--branch main"],
	[{ kind: "git", id: "it's" }, "", "--branch 'it'\\''s'"],
	[{ kind: "database", id: "the users" }, "", "--database 'the users'"],
	[{ kind: "project", id: "" }, "", "--project"],
	[{ kind: "exclusive", id: "" }, "src", "--exclusive"],
	[{ kind: "file", id: "src/a.ts" }, "", "src/a.ts"],
	[{ kind: "file", id: "src/a.ts" }, "src", "a.ts"],
	[{ kind: "file", id: "src/a.ts" }, "test/hooks/", "../../src/a.ts"],
	[{ kind: "file", id: "src/" }, "", "src/"],
	[{ kind: "file", id: "src/" }, "src", "./"],
	[{ kind: "file", id: "-dash" }, "", "./-dash"],
	[{ kind: "file", id: "~" }, "", "'~'"],
	[{ kind: "file", id: "=ls" }, "", "'=ls'"],
	[{ kind: "file", id: "long/".repeat(200) }, "", "long/".repeat(200)],
];

test.each(table)("%o, typed in '%s', is %s", (resource, directory, words) => {
	expect(resourceWords(resource, directory)).toBe(words);
});

test.each([
	["a branch", "--branch main", "--branch main"],
	["the whole project", "--project", "--project"],
	["everything", "--exclusive", "--exclusive"],
	["a database", "--database 'the users'", "--database 'the users'"],
	["a file in a directory above", '"../it\'s here"', "'../it'\\''s here'"],
])("who may not unlock %s is told how to steal just that", async (_, named, words) => {
	await using sandbox = await Sandbox.create();
	await mkdir(join(sandbox.repository, "sub"));
	await writeFile(join(sandbox.repository, "it's here"), "x");
	const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
	await bob.run(`cd sub; udo lock ${named}`);

	const refused = await alice.run(`cd sub; udo unlock ${named}`);
	const next = `udo lock --steal --reason "…" ${words}`;
	expect(refused.stderr).toContain(`\n  next: ask them, or ${next}\n`);
	expect(await alice.run(next)).toMatchObject({ code: 0 });
});
