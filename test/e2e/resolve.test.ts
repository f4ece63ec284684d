import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { numbers, stateOf, stopAt } from "../helpers/conflicted.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { hasTmux, Screen } from "../helpers/screen.ts";
import { until } from "../helpers/until.ts";

const version = (number: string) => `{\n  "version": "${number}"\n}\n`;
const versions = [version("1.0.0"), version("1.1.0"), version("1.0.1")] as const;

describe.skipIf(!hasTmux)("udo resolve on a terminal", () => {
	test("walks through a conflicted rebase with single keys, undoes, edits, and leaves nothing but to continue", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await stopAt(sandbox, "rebase", {
			"a.json": versions,
			"b.json": versions,
			"image.bin": ["\0", "\0main", "\0topic"],
		});
		await screen.open("alice");
		await writeFile(join(sandbox.directory, "edit"), '#!/bin/sh\necho edited > "$1"\n', { mode: 0o755 });

		await screen.type(
			"alice",
			`export GIT_EDITOR="'${join(sandbox.directory, "edit")}'"; clear; udo resolve; echo code=$?`,
		);
		await shows(screen, /a\.json: conflict 1 of 1, line 2\n[\s\S]*a all 2 identical/);
		await screen.press("alice", "a");
		await shows(screen, /for all 2: o ours/);
		await screen.press("alice", "t");
		await shows(screen, /image\.bin: a binary file that both sides changed/);
		await screen.press("alice", "o");
		await shows(screen, /numbers\.txt: conflict 1 of 2/);
		const before = await stateOf(sandbox, "numbers.txt");
		await screen.press("alice", "B");
		await shows(screen, /numbers\.txt: conflict 1 of 1/);
		await screen.press("alice", "u");
		await shows(screen, /undone: both, theirs first/);
		expect(await stateOf(sandbox, "numbers.txt")).toEqual(before);
		await screen.press("alice", "t");
		await shows(screen, /help t\nnumbers\.txt: 1 conflict settled, 1 left[\s\S]*help\s*$/);
		await screen.press("alice", "e");
		await shows(screen, /nothing is left to settle; next: git rebase --continue\ncode=0/);

		expect(await read(sandbox, "numbers.txt")).toBe(numbers({ 5: "topic 5", 25: "edited" }));
		expect(await read(sandbox, "b.json")).toBe(version("1.0.1"));
		await sandbox.git("-c", "core.editor=true", "rebase", "--continue");
		expect(await sandbox.git("log", "--format=%s", "-2")).toBe("topic work\nmain work\n");
		expect(await sandbox.git("show", "HEAD:image.bin")).toBe("\0main");
	});

	test("killed in the middle it loses nothing: what was chosen stays, can be undone to the byte, and the walk goes on", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await stopAt(sandbox, "rebase");
		const before = await stateOf(sandbox, "numbers.txt");
		await screen.open("alice");
		await screen.type("alice", "clear; udo resolve");
		await shows(screen, /numbers\.txt: conflict 1 of 2/);
		await screen.press("alice", "o");
		await shows(screen, /numbers\.txt: conflict 1 of 1/);

		process.kill(childOf(await screen.shell("alice")), "SIGKILL");
		const after = await stateOf(sandbox, "numbers.txt");
		await sandbox.udo(["resolve", "--undo"]);
		const undone = await stateOf(sandbox, "numbers.txt");
		await screen.type("alice", "clear; udo resolve; echo code=$?");
		await shows(screen, /conflict 1 of 2/);
		await screen.press("alice", "t");
		await shows(screen, /conflict 1 of 1/);
		await screen.press("alice", "s");
		await shows(screen, /1 file left to settle; next: udo resolve\ncode=5/);

		expect(after[1]).toMatch(/^line 4\nmain 5\nline 6$/m);
		expect(undone).toEqual(before);
		expect(await read(sandbox, "numbers.txt")).toMatch(/^line 4\ntopic 5\nline 6$/m);
	});

	test("is stopped by Ctrl-Z, goes on afterwards, and outlives an editor that leaves no file", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await stopAt(sandbox, "merge");
		await screen.open("alice");
		await screen.type("alice", "export GIT_EDITOR='rm -f'; clear; udo resolve");
		await shows(screen, /conflict 1 of 2[\s\S]*help\s*$/);

		await screen.press("alice", "C-z");
		await shows(screen, /Stopped/);
		await screen.type("alice", "clear; fg");
		await shows(screen, /help\s*$/);
		await screen.press("alice", "e");
		await shows(screen, /not changed, so nothing is settled/);
		await screen.press("alice", "o");
		await shows(screen, /conflict 1 of 1/);
		await screen.press("alice", "q");
		await shows(screen, /what was settled stays so/);

		expect(await read(sandbox, "numbers.txt")).toMatch(/^line 4\nmain 5\nline 6$/m);
	});

	test("is what git mergetool walks with, once udo init was asked for it", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await stopAt(sandbox, "merge");
		await sandbox.udo(["init", "--yes", "--merge-driver"]);
		await screen.open("alice");
		await screen.type("alice", "clear; git mergetool -t udo -y; echo code=$?");
		await shows(screen, /numbers\.txt: conflict 1 of 2/);
		await screen.press("alice", "o");
		await shows(screen, /conflict 1 of 1/);
		await screen.press("alice", "b");
		await shows(screen, /code=0/);

		expect(await read(sandbox, "numbers.txt")).toBe(numbers({ 5: "main 5", 25: "main 25\ntopic 25" }));
		expect(await sandbox.git("ls-files", "-u")).toBe("");
	});
});

function shows(screen: Screen, pattern: RegExp): Promise<string> {
	return until(
		() => screen.read("alice"),
		(text) => pattern.test(text),
	);
}

// What the shell runs now: `udo` replaces its sh by node.
function childOf(shell: number): number {
	const children = readdirSync("/proc").filter((pid) => {
		if (!/^\d+$/.test(pid)) return false;
		try {
			const [, parent] = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
			return Number(parent) === shell;
		} catch {
			return false;
		}
	});
	if (children.length !== 1) throw new Error(`the shell has ${children.length} children`);
	return Number(children[0]);
}

function read(sandbox: Sandbox, name: string): Promise<string> {
	return readFile(join(sandbox.repository, name), "latin1");
}
