import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stateOf, stopAt } from "../helpers/conflicted.ts";
import { randomOf, seedOfThisRun } from "../helpers/random.ts";
import { Sandbox, udoScript } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

const version = (number: string, license = "MIT") =>
	`{\n  "name": "x",\n  "version": "${number}",\n  "main": "x.js",\n  "type": "module",\n  "private": true,\n  "engines": {},\n  "license": "${license}"\n}\n`;
const released = { "package.json": [version("1.2.3"), version("1.2.4"), version("1.3.0")] } as const;

const seed = seedOfThisRun();

let sandbox: Sandbox;

beforeEach(async () => {
	sandbox = await Sandbox.create();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

describe("udo merge in a repository", () => {
	test("says that there is nothing to do, and what is left where it may not guess", async () => {
		const quiet = await sandbox.udo(["merge"]);
		await stopAt(sandbox, "merge", released);
		const before = await stateOf(sandbox, "numbers.txt", "package.json");

		const answer = await sandbox.udo(["merge"]);

		expect(quiet).toEqual({ code: 0, stdout: "no conflicts\n", stderr: "" });
		expect(answer).toMatchObject({ code: 5, stderr: "" });
		expect(answer.stdout).toContain("numbers.txt: 2 conflicts, at lines 5, ");
		expect(answer.stdout).toMatch(/2 files left to settle; next: udo merge --safe, or udo resolve\n$/);
		expect(await stateOf(sandbox, "numbers.txt", "package.json")).toEqual(before);
	});

	test.each(["rebase", "stash pop"] as const)(
		"--safe stages what rules settle in a %s, leaves the rest, and --abort takes that back to the byte",
		async (stop) => {
			await stopAt(sandbox, stop, released);
			const before = await stateOf(sandbox, "numbers.txt", "package.json");

			const dry = await sandbox.udo(["merge", "--safe", "--dry-run", "--explain"]);
			const unchanged = await stateOf(sandbox, "numbers.txt", "package.json");
			const answer = await sandbox.udo(["merge", "--safe"]);
			const status = await sandbox.git("status", "--short");
			const merged = await read("package.json");
			const aborted = await sandbox.udo(["merge", "--abort"]);

			expect(dry.stdout).toMatch(/package\.json: 1 conflict settled \(.*\), would be staged\n/);
			expect(dry.stdout).toMatch(
				/< {3}"version": "1\.2\.4",\n.*\| {3}"version": "1\.2\.3",\n.*> {3}"version": "1\.3\.0",\n.*= {3}"version": "1\.3\.0",\n/,
			);
			expect(unchanged).toEqual(before);
			expect(answer.code).toBe(5);
			expect(answer.stdout).toContain("udo merge --abort takes that back\n1 file left to settle; next: udo resolve\n");
			expect(status).toContain("UU numbers.txt\n");
			expect(status).toMatch(/^[M ] {1,2}package\.json$/m);
			expect(merged).toBe(version("1.3.0"));
			expect(aborted).toMatchObject({ code: 0, stdout: "package.json: as it was before udo merge\n" });
			expect(await stateOf(sandbox, "numbers.txt", "package.json")).toEqual(before);
		},
	);

	test("settles again what a person settled before, also in another clone's words for the sides", async () => {
		await stopAt(sandbox, "merge");
		await sandbox.udo(["resolve", "numbers.txt", "--hunk=1", "--both"]);
		await sandbox.udo(["resolve", "numbers.txt", "--ours"]);
		const settled = await read("numbers.txt");
		await sandbox.git("commit", "-qm", "merged");
		await sandbox.git("reset", "-q", "--hard", "HEAD~1");
		await sandbox.git("switch", "-q", "topic");
		await sandbox.run("git", ["merge", "main"]);

		const answer = await sandbox.udo(["merge", "--safe"]);

		expect(answer.code).toBe(0);
		expect(answer.stdout).toContain("numbers.txt: 2 conflicts settled (2 × remembered), staged\n");
		expect(answer.stdout).toMatch(/\nnext: git merge --continue\n$/);
		expect(await read("numbers.txt")).toBe(settled);
	});

	test("what was taken back is not remembered", async () => {
		await stopAt(sandbox, "merge");
		await sandbox.udo(["resolve", "numbers.txt", "--ours"]);
		await sandbox.udo(["resolve", "--undo"]);

		expect((await sandbox.udo(["merge", "--safe"])).code).toBe(5);
		expect(await read("numbers.txt")).toMatch(/^<<<<<<< /m);
	});

	test("keeps every byte that somebody wrote into a conflicted file, and settles only what still stands there", async () => {
		await stopAt(sandbox, "merge", {
			"package.json": [version("1.2.3"), version("1.2.4", "ISC"), version("1.3.0", "BSD")],
		});
		const text = await read("package.json");
		const edited = text
			.replace(/<<<<<<< .*\n(.*ISC.*\n)[\s\S]*$/, '$1  , "mine": true\n}\n')
			.replace('"x"', '"renamed"');
		await writeFile(join(sandbox.repository, "package.json"), edited);

		await sandbox.udo(["merge", "--safe"]);

		expect(await read("package.json")).toBe(
			version("1.3.0", "ISC").replace('"x"', '"renamed"').replace("\n}\n", '\n  , "mine": true\n}\n'),
		);
	});

	test("--abort keeps what was changed after udo merge, and says so", async () => {
		await stopAt(sandbox, "merge", released);
		await sandbox.udo(["merge", "--safe"]);
		await writeFile(join(sandbox.repository, "package.json"), "mine\n");

		const answer = await sandbox.udo(["merge", "--abort"]);

		expect(answer.code).toBe(5);
		expect(answer.stdout).toMatch(/^package\.json: kept, since it was changed after udo merge/);
		expect(await read("package.json")).toBe("mine\n");
	});

	test("--abort keeps what a person chose after udo merge, and goes on when that is taken back", async () => {
		const manifest = (number: string, name: string) =>
			`{\n  "version": "${number}",\n  "a": 1,\n  "b": 1,\n  "c": 1,\n  "d": 1,\n  "name": "${name}"\n}\n`;
		await stopAt(sandbox, "merge", {
			"package.json": [manifest("1.0.0", "x"), manifest("1.1.0", "ours"), manifest("1.2.0", "theirs")],
		});
		const before = await stateOf(sandbox, "package.json");
		await sandbox.udo(["merge", "--safe"]);
		await sandbox.udo(["resolve", "package.json", "--file=-"], { input: "chosen\n" });

		const kept = await sandbox.udo(["merge", "--abort"]);
		const between = await read("package.json");
		await sandbox.udo(["resolve", "--undo", "package.json"]);
		await sandbox.udo(["merge", "--abort"]);

		expect(kept).toMatchObject({ code: 5, stdout: expect.stringContaining("udo resolve --undo package.json") });
		expect(between).toBe("chosen\n");
		expect(await stateOf(sandbox, "package.json")).toEqual(before);
	});

	test("leaves the merge of a path to nobody when .gitattributes say so, and rerere alone", async () => {
		await sandbox.git("config", "rerere.enabled", "true");
		await writeFile(join(sandbox.repository, ".gitattributes"), "package.json -merge\n");
		await stopAt(sandbox, "merge", released);

		const answer = await sandbox.udo(["merge", "--safe"]);

		expect(answer.stdout).toContain("package.json: changed by both, and not to be merged as text (.gitattributes)\n");
		expect(await sandbox.git("rerere", "status")).toBe("numbers.txt\n");
	});

	test("goes on where an index that was locked, or a kill, stopped it", async () => {
		await stopAt(sandbox, "merge", released);
		const before = await stateOf(sandbox, "numbers.txt", "package.json");
		const lock = join(sandbox.repository, ".git", "index.lock");
		await writeFile(lock, "");

		const stopped = await sandbox.udo(["merge", "--safe"]);
		await rm(lock);
		const again = await sandbox.udo(["merge", "--safe"]);
		await sandbox.udo(["merge", "--abort"]);

		expect(stopped.stderr).toMatch(/^udo: package\.json is settled, but git did not stage it\n.*\n {2}next: git add/);
		expect(again.stdout).toContain("package.json: staged, as it was left\n");
		expect(await stateOf(sandbox, "numbers.txt", "package.json")).toEqual(before);
	});

	test(`killed at whatever moment, it can be taken back to the byte (UDO_SEED=${seed})`, async () => {
		const random = randomOf(seed);
		await stopAt(sandbox, "merge", released);
		const before = await stateOf(sandbox, "numbers.txt", "package.json");

		for (let i = 0; i < 3; i += 1) {
			const child = spawn(process.execPath, [udoScript, "merge", "--safe"], {
				cwd: sandbox.repository,
				env: sandbox.environment,
				stdio: "ignore",
			});
			const gone = once(child, "exit");
			await until(() => child.exitCode !== null || existsSync(join(sandbox.repository, ".git", "udo-resolve")));
			const timer = setTimeout(() => child.kill("SIGKILL"), random() * 100);
			await gone;
			clearTimeout(timer);
			await gitIsDone();
			await sandbox.udo(["merge", "--abort"]);

			expect(await stateOf(sandbox, "numbers.txt", "package.json")).toEqual(before);
		}
	});
});

// A git that the killed udo had started goes on to its end.
async function gitIsDone(): Promise<void> {
	await until(() => !existsSync(join(sandbox.repository, ".git", "index.lock")));
}

function read(name: string): Promise<string> {
	return readFile(join(sandbox.repository, name), "utf8");
}
