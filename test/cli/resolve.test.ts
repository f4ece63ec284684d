import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { continues, numbers, stateOf, stopAt, stops } from "../helpers/conflicted.ts";
import { Sandbox } from "../helpers/sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

describe("udo resolve with flags", () => {
	test.each(stops)("settles a conflicted %s, stages the file and names what ends it", async (stop) => {
		await stopAt(sandbox, stop);

		const first = await resolve("numbers.txt", "--hunk", "2", "--theirs");
		const between = await read("numbers.txt");
		const second = await resolve("numbers.txt", "--ours");

		expect(first).toMatchObject({ code: 0, stderr: "" });
		expect(between).toMatch(/<<<<<<< [\s\S]*\ntopic 25\n/);
		expect(second.stdout).toBe(
			`numbers.txt: 1 conflict settled, staged\nudo resolve --undo numbers.txt takes that back\nnothing is left to settle; next: ${continues[stop]}\n`,
		);
		expect(await sandbox.git("ls-files", "-u")).toBe("");
		if (stop !== "stash pop") await sandbox.git("-c", "core.editor=true", ...continues[stop].split(" ").slice(1));
		expect(await read("numbers.txt")).toBe(numbers({ 5: "main 5", 25: "topic 25" }));
	});

	test("takes both sides in either order, and a text of one's own", async () => {
		await stopAt(sandbox, "merge");
		await resolve("numbers.txt", "--hunk=1", "--both=theirs-first");
		const answer = await sandbox.udo(["resolve", "numbers.txt", "--hunk=1", "--file=-"], { input: "own\n" });

		expect(answer.code).toBe(0);
		expect(await read("numbers.txt")).toBe(numbers({ 5: "topic 5\nmain 5", 25: "own" }));
	});

	test("--undo takes choices back one by one, to the byte and with the stages of the index", async () => {
		await stopAt(sandbox, "merge");
		await chmod(join(sandbox.repository, "numbers.txt"), 0o755);
		const before = await stateOf(sandbox, "numbers.txt");
		await resolve("numbers.txt", "--hunk=1", "--both");
		const between = await stateOf(sandbox, "numbers.txt");
		await resolve("numbers.txt", "--theirs");

		expect((await resolve("--undo")).stdout).toMatch(/^undone in numbers\.txt: the conflict at line 26: theirs\n/);
		expect(await stateOf(sandbox, "numbers.txt")).toEqual(between);
		await resolve("--undo", "numbers.txt");
		expect(await stateOf(sandbox, "numbers.txt")).toEqual(before);
		expect((await stat(join(sandbox.repository, "numbers.txt"))).mode & 0o777).toBe(0o755);
		expect((await resolve("--undo")).stdout).toBe("nothing to undo\n");
	});

	test("--undo does not touch a file that was edited after the choice", async () => {
		await stopAt(sandbox, "merge");
		await resolve("numbers.txt", "--ours");
		await writeFile(join(sandbox.repository, "numbers.txt"), "mine now\n");

		const answer = await resolve("--undo");

		expect(answer.code).toBe(1);
		expect(answer.stderr).toMatch(/^udo: numbers\.txt was changed meanwhile\n.*\n {2}next: /);
		expect(await read("numbers.txt")).toBe("mine now\n");
	});

	test("keeps what was edited outside the conflicts, and asks for git add where the markers are gone", async () => {
		await stopAt(sandbox, "merge");
		const text = await read("numbers.txt");
		await writeFile(join(sandbox.repository, "numbers.txt"), text.replace("line 15", "edited 15"));
		await resolve("numbers.txt", "--ours", "--hunk=1");
		const half = await read("numbers.txt");
		await writeFile(join(sandbox.repository, "numbers.txt"), half.replace(/<<<<<<<[\s\S]*>>>>>>> .*\n/, "by hand\n"));

		const listed = await resolve();
		const refused = await resolve("numbers.txt", "--theirs");

		expect(listed.stdout).toContain("no conflict markers are left\n  git add numbers.txt");
		expect(refused).toMatchObject({ code: 1 });
		expect(await read("numbers.txt")).toBe(numbers({ 5: "main 5", 15: "edited 15", 25: "by hand" }));
		expect(await sandbox.git("ls-files", "-u")).not.toBe("");
	});

	test("--identical settles the same conflict wherever else it is", async () => {
		const version = (n: string) => `{\n  "version": "${n}"\n}\n`;
		const versions = [version("1.0.0"), version("1.1.0"), version("1.0.1")] as const;
		await stopAt(sandbox, "rebase", { "a.json": versions, "b.json": versions });

		const answer = await resolve("a.json", "b.json", "numbers.txt", "--hunk=1", "--identical", "--ours");

		expect(answer.stdout).toMatch(
			/^a\.json: 1 conflict settled, staged\nb\.json: 1 conflict settled, staged\nudo resolve --undo PATH takes one of them back\n1 file left/,
		);
		expect(await read("b.json")).toBe(version("1.1.0"));
	});

	test("takes one side as a whole where there are no lines to choose from", async () => {
		await stopAt(sandbox, "merge", {
			"image.bin": ["\0base", "\0main", "\0topic"],
			"gone.txt": ["text\n", undefined, "changed\n"],
			"kept.txt": ["text\n", "changed\n", undefined],
		});

		const listed = await resolve();
		await resolve("image.bin", "--theirs");
		await resolve("gone.txt", "--ours");
		await resolve("kept.txt", "--theirs");
		const between = await stateOf(sandbox, "image.bin", "gone.txt", "kept.txt");
		await resolve("--undo", "kept.txt");

		expect(listed.stdout).toContain("image.bin: a binary file that both sides changed");
		expect(listed.stdout).toContain("gone.txt: ours deleted or renamed it, theirs changed it");
		expect(between.slice(1)).toEqual(["\0topic", "(none)", "(none)"]);
		expect(await read("kept.txt")).toBe("changed\n");
		expect(await sandbox.git("status", "--short", "kept.txt")).toBe("UD kept.txt\n");
	});

	test("takes no side that git does not have, and leaves the file as it is", async () => {
		await stopAt(sandbox, "merge", { "image.bin": ["\0base", "\0main", "\0topic"] });
		const staged = await sandbox.git("ls-files", "-u", "image.bin");
		const theirs = /^\d+ (\w{2})(\w+) 3\t/m.exec(staged) ?? [];
		await rm(join(sandbox.repository, ".git", "objects", theirs[1] ?? "", theirs[2] ?? ""));

		const answer = await resolve("image.bin", "--theirs");

		expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining("git failed") });
		expect(await read("image.bin")).toBe("\0main");
		expect(await sandbox.git("ls-files", "-u", "image.bin")).toBe(staged);
		expect((await sandbox.udo(["status"])).code).toBe(0);
	});

	test("explains links, submodules, modes and files that were renamed in two ways", async () => {
		await sandbox.git("commit", "-q", "--allow-empty", "-m", "x");
		await sandbox.run("sh", ["-c", twisted]);

		const { stdout } = await resolve();

		expect(stdout).toContain("link: a symbolic link that both sides changed");
		expect(stdout).toContain("sub: a submodule that both sides moved to another commit");
		expect(stdout).toContain("old.txt: gone on both sides, which renamed it differently");
		expect(stdout).toMatch(/both\.sh: 1 conflict, at line 1 \(executable on one side only/);
		for (const name of ["link", "sub", "old.txt"]) await resolve(name, "--ours");
		expect((await resolve()).stdout).not.toMatch(/^(link|sub|old\.txt):/m);
	});

	test("reads markers of the length that .gitattributes say, and lines that only look like one", async () => {
		await writeFile(join(sandbox.repository, ".gitattributes"), "*.rst conflict-marker-size=11\n");
		const titled = (title: string) => `${title}\n=======\n\ntext\n`;
		await stopAt(sandbox, "merge", {
			"page.rst": [titled("Page"), titled("Our page"), titled("Their page")],
			"plain.md": ["a\n=======\nb\n", "a1\n=======\nb1\n", "a2\n=======\nb2\n"],
		});

		await resolve("page.rst", "--theirs");
		await resolve("plain.md", "--ours");

		expect(await read("page.rst")).toBe(titled("Their page"));
		expect(await read("plain.md")).toBe("a1\n=======\nb1\n");
	});

	test("keeps CRLF, other encodings, and a last line without its end", async () => {
		const text = (line: string) => `eins\r\n${line}\r\ndrei`;
		await stopAt(sandbox, "merge", { "crlf.txt": [text("zwei"), text("two"), "eins\r\ndeux\r\ndrei"] });

		await resolve("crlf.txt", "--both");

		expect(await read("crlf.txt")).toBe("eins\r\ntwo\r\ndeux\r\ndrei");
	});

	test("refuses what makes no sense, with the next step, and changes nothing", async () => {
		await stopAt(sandbox, "merge");
		const before = await stateOf(sandbox, "numbers.txt");

		for (const { args, says, code } of refused) {
			const answer = await resolve(...args);

			expect(answer).toMatchObject({ code, stdout: "" });
			expect(answer.stderr).toMatch(says);
			expect(answer.stderr).toMatch(/\n {2}next: .*\n$/);
		}
		expect(await stateOf(sandbox, "numbers.txt")).toEqual(before);
	});
});

const refused = [
	{ args: ["--ours"], says: /^udo: nothing was named to settle\n/, code: 64 },
	{ args: ["numbers.txt", "--ours", "--theirs"], says: /^udo: only one choice/, code: 64 },
	{ args: ["numbers.txt", "--hunk=3", "--ours"], says: /^udo: there is no conflict 3 in numbers\.txt\n/, code: 64 },
	{ args: ["numbers.txt", "--candidate=1"], says: /^udo: numbers\.txt has 2 conflicts\n/, code: 64 },
	{ args: ["../elsewhere", "--ours"], says: /^udo: \.\.\/elsewhere is outside/, code: 1 },
	{ args: ["conflict_ffffffffff", "--done"], says: /^udo: there is no conflict conflict_ffffffffff\n/, code: 1 },
];

// Two links, two submodule commits, a file renamed in two ways, and a file that both add with different modes.
const twisted = `
git init -q inner && git -C inner commit -q --allow-empty -m 1 && one=$(git -C inner rev-parse HEAD)
git -C inner commit -q --allow-empty -m 2 && two=$(git -C inner rev-parse HEAD)
git -C inner checkout -q -b side "$one" && git -C inner commit -q --allow-empty -m 3 && three=$(git -C inner rev-parse HEAD)
mv inner sub
point() { git update-index --add --cacheinfo "160000,$1,sub"; git -C sub checkout -q "$1"; }
seq 1 20 > old.txt; ln -s base link; point "$one"; git add old.txt link; git commit -qm base
git switch -qc topic; git mv old.txt new-topic.txt; ln -sfn topic link; point "$three"; echo t > both.sh
git add both.sh link; git commit -qm topic
git switch -q main; git mv old.txt new-main.txt; ln -sfn main link; point "$two"; echo m > both.sh; chmod +x both.sh
git add both.sh link; git commit -qm main
git merge topic
true`;

function resolve(...args: readonly string[]) {
	return sandbox.udo(["resolve", ...args]);
}

function read(name: string): Promise<string> {
	return readFile(join(sandbox.repository, name), "latin1");
}
