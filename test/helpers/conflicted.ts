import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "./sandbox.ts";

/** The ways in which git stops at a conflict, and what ends each of them. */
export const stops = ["merge", "rebase", "cherry-pick", "revert", "am", "stash pop"] as const;

export type Stop = (typeof stops)[number];

export const continues: Readonly<Record<Stop, string>> = {
	merge: "git merge --continue",
	rebase: "git rebase --continue",
	"cherry-pick": "git cherry-pick --continue",
	revert: "git revert --continue",
	am: "git am --continue",
	"stash pop": "git stash drop, once all is as you want it",
};

const lines = Array.from({ length: 30 }, (_, i) => `line ${i + 1}`);

/** `numbers.txt` with some of its thirty lines replaced. */
export function numbers(changed: Readonly<Record<number, string>>): string {
	return `${lines.map((line, i) => changed[i + 1] ?? line).join("\n")}\n`;
}

/**
 * Leaves the repository where git stopped: `numbers.txt` conflicts in lines 5 and 25, where main has `main 5`, `main 25` and the
 * other side `topic 5`, `topic 25`; more files may be given, each as base, main's and the other side's (undefined: no such file).
 */
export async function stopAt(sandbox: Sandbox, stop: Stop, files: Files = {}): Promise<void> {
	const all: Files = {
		"numbers.txt": [numbers({}), numbers({ 5: "main 5", 25: "main 25" }), numbers({ 5: "topic 5", 25: "topic 25" })],
		...files,
	};
	const put = async (version: 0 | 1 | 2) => {
		for (const [name, versions] of Object.entries(all)) {
			const text = versions[version];
			if (text === undefined) await sandbox.git("rm", "-q", "--ignore-unmatch", "-f", name);
			else await writeFile(join(sandbox.repository, name), text);
		}
	};
	const commit = async (message: string) => {
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", message, `--author=${message.split(" ")[0]} <someone@example.org>`);
	};
	await put(0);
	await commit("base");
	if (stop === "stash pop") {
		await put(2);
		await sandbox.git("stash", "-q", "-u");
		await put(1);
		await commit("main");
		await sandbox.run("git", ["stash", "pop", "-q"]);
		return;
	}
	if (stop === "revert") {
		// What is taken back is the base's change of `topic` to what stands there, so that theirs is topic's.
		await put(2);
		await commit("topic");
		await put(0);
		await commit("back");
		await put(1);
		await commit("main");
		await sandbox.run("git", ["revert", "--no-edit", "HEAD~1"]);
		return;
	}
	await sandbox.git("switch", "-qc", "topic");
	await put(2);
	await commit("topic work");
	await sandbox.git("switch", "-q", "main");
	await put(1);
	await commit("main work");
	if (stop === "merge") await sandbox.run("git", ["merge", "topic"]);
	if (stop === "cherry-pick") await sandbox.run("git", ["cherry-pick", "topic"]);
	if (stop === "am") {
		const patch = await sandbox.git("format-patch", "-1", "--stdout", "topic");
		await sandbox.run("git", ["am", "-3"], { input: patch });
	}
	if (stop === "rebase") {
		await sandbox.git("switch", "-q", "topic");
		await sandbox.run("git", ["rebase", "main"]);
	}
}

export type Files = Readonly<Record<string, readonly [string | undefined, string | undefined, string | undefined]>>;

/** All that `udo` may change in a conflict, to the byte: the index with its stages, and the files. */
export async function stateOf(sandbox: Sandbox, ...names: readonly string[]): Promise<readonly string[]> {
	const texts = names.map((name) => readFile(join(sandbox.repository, name), "latin1").catch(() => "(none)"));
	return [await sandbox.git("ls-files", "-s"), ...(await Promise.all(texts))];
}
