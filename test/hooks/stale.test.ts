import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installHooks } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import type { Terminal } from "../helpers/terminal.ts";

/** Agents that share a tree give themselves an index each, which does not see what others commit. */
const ownIndex = "export GIT_INDEX_FILE=$PWD/../own-index; git read-tree HEAD";

const refused =
	/^udo: commit refused: it would take back what [0-9a-f]{8} did to (.+)\n {2}bob \(term_\w+\) committed "theirs" .* ago; what is staged of (it|them) is older\.\n {2}next: git restore --staged .*UDO_SKIP=1 git commit\n$/;

// Of what passes pre-commit by, udo only knows while some branch is locked: that is when git asks it about all moves.
describe("a commit that would silently take back another session's is refused", () => {
	test.each([
		["when the index was read before", "echo theirs >>src/b.ts; git commit -qam theirs", "src/b.ts"],
		[
			"when the other's commit passed the pre-commit hook by",
			"udo lock --branch topic; echo theirs >>src/b.ts; git commit -qam theirs --no-verify",
			"src/b.ts",
		],
		[
			"with all its changed, new and deleted files",
			"echo theirs >>src/b.ts; echo new >new; git rm -q long; git add -A; git commit -qm theirs",
			"long, src/b.ts, new",
		],
		["when all of it is a new file", "echo new >new; git add new; git commit -qm theirs", "new"],
		["when one's own change is elsewhere in the file", "sed -i 's/^29$/theirs/' long; git commit -qam theirs", "long"],
	])("%s", async (_, theirs, paths) => {
		await using sandbox = await withHooks();
		const { alice, bob } = await twoTerminals(sandbox);
		await alice.run(`${ownIndex}; sed -i 's/^1$/ours/' long; git add long; sed -i 's/^ours$/1/' long`);
		await bob.run(theirs);

		const answer = await alice.run("echo more >>README.md; git add README.md; git commit -qm ours");
		expect(answer.code).toBe(1);
		expect(refused.exec(answer.stderr)?.[1], answer.stderr).toBe(paths);
		expect(await sandbox.git("log", "-1", "--format=%s")).toBe("theirs\n");
	});

	test("and goes through after the command that it names, or when it is meant", async () => {
		await using sandbox = await withHooks();
		const { alice, bob } = await twoTerminals(sandbox);
		await alice.run(ownIndex);
		await bob.run("echo theirs >>src/b.ts; git commit -qam theirs");
		await alice.run("echo more >>README.md; git add README.md");
		expect((await alice.run("git commit -qm ours")).code).toBe(1);

		expect((await alice.run("git restore --staged ':/src/b.ts'; git commit -qm ours")).code).toBe(0);
		expect(await sandbox.git("show", "HEAD:src/b.ts")).toContain("theirs");
	});

	test("when a branch was moved under the tree", async () => {
		await using sandbox = await withHooks();
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run(
			"udo lock --branch topic; id=$(git commit-tree -p HEAD -m theirs $( (export GIT_INDEX_FILE=../its; git read-tree HEAD; git update-index --cacheinfo 100644,$(git hash-object -w README.md),src/b.ts; git write-tree) )); git update-ref -m theirs refs/heads/main $id",
		);

		const answer = await alice.run("echo more >>README.md; git add README.md; git commit -qm ours");
		expect(answer.code).toBe(1);
		expect(answer.stderr).toContain("did to src/b.ts");
	});
});

describe("nothing is said about", () => {
	test.each([
		["git revert", "git revert --no-edit HEAD >/dev/null"],
		["git revert -n", "git revert -n HEAD; git commit -qm back"],
		["a file of an older commit", "git checkout -q HEAD^ -- src/b.ts; git commit -qm back"],
		["an edit that undoes it", "git show HEAD^:src/b.ts >src/b.ts; git commit -qam back"],
		[
			"a copy of the older file that is as old",
			"git show HEAD^:src/b.ts >old; touch -d '1 hour ago' old; cp -p old src/b.ts; rm old; git commit -qam back",
		],
		["a new file of theirs that is taken out of git", "git rm -q --cached new; git commit -qm back"],
		["commits that are squashed", "git reset -q --soft HEAD^; git commit -qm back"],
		["one's own change of the same file", "echo ours >>src/b.ts; git commit -qam ours"],
	])("%s", async (_, command) => {
		await using sandbox = await withHooks();
		const { alice, bob } = await twoTerminals(sandbox);
		await bob.run("echo theirs >>src/b.ts; echo new >new; git add -A; git commit -qm theirs; udo status");

		const answer = await alice.run(command);
		expect(answer.code).toBe(0);
		expect(answer.stderr).not.toContain("refused");
		expect(await sandbox.git("log", "-1", "--format=%s")).not.toBe("theirs\n");
	});

	test("what this session itself committed and takes back", async () => {
		await using sandbox = await withHooks();
		const { alice } = await twoTerminals(sandbox);
		await alice.run("echo one >>src/b.ts; echo one >>README.md; git commit -qam one");

		expect(await alice.run("git reset -q HEAD^ -- src/b.ts; git commit -q --amend -m less")).toMatchObject({
			code: 0,
			stderr: "",
		});
	});
});

async function withHooks(): Promise<Sandbox> {
	const sandbox = await Sandbox.create();
	const lines = Array.from({ length: 30 }, (_, i) => `${i}\n`);
	await writeFile(join(sandbox.repository, "long"), lines.join(""));
	await sandbox.git("add", "-A");
	await sandbox.git("commit", "-qm", "long");
	await installHooks(sandbox);
	return sandbox;
}

async function twoTerminals(sandbox: Sandbox): Promise<{ readonly alice: Terminal; readonly bob: Terminal }> {
	const [alice, bob] = [sandbox.terminal("alice"), sandbox.terminal("bob")];
	await alice.run("udo status");
	await bob.run("udo status");
	return { alice, bob };
}
