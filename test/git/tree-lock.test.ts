import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { identifyProcess } from "../../server/coordination/process.ts";
import { TreeLock } from "../../server/git/unmerged/tree-lock.ts";

test("of many that settle in one tree, each is alone, and may be so inside itself", async () => {
	await using scratch = await directory();
	let inside = 0;
	let most = 0;
	let turns = 0;
	const turn = async () => {
		const lock = new TreeLock(scratch.path);
		await lock.alone(() =>
			lock.alone(async () => {
				inside += 1;
				most = Math.max(most, inside);
				await readdir(scratch.path);
				inside -= 1;
				turns += 1;
			}),
		);
	};

	await Promise.all(Array.from({ length: 12 }, turn));

	expect({ most, turns }).toEqual({ most: 1, turns: 12 });
	expect(await readdir(scratch.path)).toEqual([]);
});

test("the claim of a process that was killed is in nobody's way", async () => {
	await using scratch = await directory();
	const child = spawn("sleep", ["60"]);
	const owner = identifyProcess(child.pid ?? 0);
	await mkdir(scratch.path, { recursive: true });
	await writeFile(join(scratch.path, "claim-of-the-dead"), JSON.stringify(owner));
	child.kill("SIGKILL");
	await once(child, "exit");

	const answer = await new TreeLock(scratch.path).alone(async () => "mine");

	expect(answer).toBe("mine");
	expect(await readdir(scratch.path)).toEqual([]);
});

async function directory() {
	const path = await mkdtemp(join(tmpdir(), "udo-lock-"));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
