import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Workspace } from "../../server/workspace.ts";
import { installHooks, openEditor, writeScript } from "../helpers/hooks.ts";
import { until } from "../helpers/until.ts";
import { Clones, Turnstile } from "./clones.ts";

describe("a push that conflicts", () => {
	test("is left out alone, with its paths, exit code 5 and a recorded conflict; nobody else waits for it", async () => {
		const names = ["alice", "bob", "carol"];
		await using clones = await Clones.create(...names);
		const turnstile = await Turnstile.install(clones, "alice");
		await clones.commit("alice", "a.txt");
		await clones.commit("alice", "src/a.ts", "alice\n", "alice src");
		await clones.commit("bob", "src/a.ts", "bob\n", "bob src");
		await clones.commit("carol", "c.txt");
		const answers = await together(clones, turnstile, names);

		expect(answers.map(({ code }) => code)).toEqual([0, 5, 0]);
		const [tip, onto] = [
			await clones.run("bob", "git rev-parse HEAD"),
			await clones.run("alice", "git rev-parse origin/main"),
		];
		expect(answers[1]?.stderr).toMatch(
			/^udo: conflict in src\/a\.ts: nothing of yours was pushed to origin main\n {2}commit \w{12} does not fit on \w{12}; nobody else waits for you\.\n {2}next: git pull --rebase origin main\n$/,
		);
		expect(answers[1]?.stderr).toContain(tip.slice(0, 12));
		expect(await clones.landed()).toEqual(["alice a.txt", "alice src", "carol c.txt"]);
		expect(onto).not.toBe(tip);
		await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("alice"));
		const { store, project } = onlooker;
		const conflicts = await store.conflicts(project);
		expect(conflicts).toMatchObject([{ type: "git_merge", resource: "file:src/a.ts", sessions: ["bob"] }]);
		const text = async (side: "base" | "ours" | "theirs") =>
			Buffer.from((await store.conflictBlob(project, conflicts[0]?.id as never, side)) ?? []).toString();
		expect([await text("base"), await text("ours"), await text("theirs")]).toEqual(["src/a.ts\n", "bob\n", "alice\n"]);
	});

	test("has its conflict settled by the push that lands", async () => {
		await using clones = await Clones.create("alice", "bob");
		await clones.commit("alice", "src/a.ts", "alice\n");
		await clones.push("alice");
		await clones.commit("bob", "src/a.ts", "bob\n");
		expect((await clones.push("bob")).code).toBe(5);
		await clones.try("bob", "git pull -q --rebase; git checkout -q --theirs src/a.ts; git add -A");
		await clones.run("bob", "GIT_EDITOR=true git rebase --continue");

		expect((await clones.push("bob")).code).toBe(0);
		await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("alice"));
		expect(await onlooker.store.conflicts(onlooker.project)).toEqual([]);
	});
});

describe("the remote", () => {
	test("that refuses one commit of a batch refuses that one alone, in its own words", async () => {
		const names = ["alice", "bob", "carol"];
		await using clones = await Clones.create(...names);
		const turnstile = await Turnstile.install(clones, "alice");
		const refuse = `#!/bin/sh
read -r old new ref; if git log --format=%s $old..$new | grep -q bad; then printf 'no \\033[31mbad\\033[0m commits\\n' >&2; exit 1; fi
`;
		await writeScript(join(clones.remote, "hooks", "update"), "#!/bin/sh\n");
		await writeScript(join(clones.remote, "hooks", "pre-receive"), refuse);
		await clones.commit("alice", "a.txt");
		await clones.commit("bob", "b.txt", "b\n", "bad");
		await clones.commit("carol", "c.txt");
		const answers = await together(clones, turnstile, names);

		expect(answers.map(({ code }) => code)).toEqual([0, 7, 0]);
		expect(answers[1]?.stderr).toMatch(
			/^udo: origin main was refused\n {2}no \\x1b\[31mbad\\x1b\[0m commits; .*pre-receive hook declined/,
		);
		expect(await clones.landed()).toEqual(["alice a.txt", "carol c.txt"]);
	});

	test("that cannot be reached is exit code 7, and the queue goes on when it is back", async () => {
		await using clones = await Clones.create("alice");
		await clones.commit("alice", "a.txt");
		await rename(clones.remote, `${clones.remote}.away`);

		const answer = await clones.push("alice");
		expect(answer.code).toBe(7);
		expect(answer.stderr).toMatch(
			/^udo: origin main cannot be reached\n.*does not (appear to be a git repository|exist)/,
		);
		await rename(`${clones.remote}.away`, clones.remote);
		expect((await clones.push("alice")).code).toBe(0);
	});

	test("whose network fails for a moment is asked again", async () => {
		await using clones = await Clones.create("alice");
		const failing = join(clones.sandbox.directory, "bin", "failing");
		const fail = `echo x >>'${failing}.tries'; [ $(wc -l <'${failing}.tries') -gt 2 ] || { echo 'ssh: Connection reset by peer' >&2; exit 128; }`;
		await writeScript(failing, `#!/bin/sh\n${fail}\nexec git upload-pack "$@"\n`);
		await clones.run("alice", `git config remote.origin.uploadpack "'${failing}'"`);
		await clones.commit("alice", "a.txt");

		expect((await clones.push("alice")).code).toBe(0);
		expect(await clones.landed()).toEqual(["alice a.txt"]);
	});

	test("to which others push past the queue is fetched again, and nothing is lost", async () => {
		await using clones = await Clones.create("alice", "bob", "outsider");
		const turnstile = await Turnstile.install(clones, "alice");
		await clones.commit("alice", "a.txt");
		await clones.commit("outsider", "o.txt");
		await turnstile.close("push");
		const pushing = clones.push("alice");
		await turnstile.untilReached("push");
		await clones.run("outsider", "git push -q");
		await turnstile.open("push");

		expect((await pushing).code).toBe(0);
		expect(await clones.landed()).toEqual(["outsider o.txt", "alice a.txt"]);
	});
});

describe("the line", () => {
	test("is one for all spellings of a remote, and no other remote's", async () => {
		await using clones = await Clones.create("alice", "bob", "carol", "dave");
		const turnstile = await Turnstile.install(clones, "alice");
		await clones.run("bob", `git remote set-url origin ../remote`);
		await clones.run("carol", `git remote set-url origin "file://$PWD/../remote.git/"`);
		await clones.run("dave", `git clone -q --bare ../remote.git ../other.git; git remote set-url origin ../other.git`);
		for (const name of ["alice", "bob", "carol", "dave"]) await clones.commit(name, `${name}.txt`);
		await turnstile.close("fetch");
		const pushing = [clones.push("alice")];
		await turnstile.untilReached("fetch");
		for (const [waiting, name] of ["bob", "carol", "dave"].entries()) {
			pushing.push(clones.push(name));
			await clones.untilWaiting(waiting + 1);
		}
		await turnstile.open("fetch");

		expect((await Promise.all(pushing)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
		const batches = (await Promise.all(pushing)).map(({ stdout }) => /together with (\d)/.exec(stdout)?.[1]);
		expect(batches).toEqual(["2", "2", "2", undefined]);
		expect(await clones.landed()).toEqual(["alice alice.txt", "bob bob.txt", "carol carol.txt"]);
	});

	test("is left when time is up, with exit code 4 and the place in it", async () => {
		await using clones = await Clones.create("alice", "bob");
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of ["alice", "bob"]) await clones.commit(name, `${name}.txt`);
		await turnstile.close("fetch");
		const pushing = clones.push("alice");
		await turnstile.untilReached("fetch");

		const answer = await clones.push("bob", "--wait", "300ms");
		expect(answer.code).toBe(4);
		expect(answer.stderr).toMatch(
			/^udo: no turn to push to origin main within .*\n {2}alice \(alice\) is pushing for .*\.\n {2}next: udo push --wait 10m\n$/,
		);
		await turnstile.open("fetch");
		expect((await pushing).code).toBe(0);
		expect(await clones.landed()).toEqual(["alice alice.txt"]);
	});

	test("that is left too late, when the push is under way, tells what became of it all the same", async () => {
		await using clones = await Clones.create("alice", "bob");
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of ["alice", "bob"]) await clones.commit(name, `${name}.txt`);
		await turnstile.close("fetch");
		const first = clones.push("alice");
		await turnstile.untilReached("fetch");
		const second = clones.push("bob", "--wait", "2s");
		await clones.untilWaiting(1);
		await turnstile.close("push");
		await turnstile.open("fetch");
		await turnstile.untilReached("push");
		await clones.untilWaiting(0);
		await turnstile.open("push");

		expect((await first).code).toBe(0);
		expect(await second).toMatchObject({ code: 0, stderr: "" });
		expect(await clones.landed()).toEqual(["alice alice.txt", "bob bob.txt"]);
	});

	test("has one leader when one session pushes from two places at once", async () => {
		await using clones = await Clones.create("alice", "bob");
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of ["alice", "bob"]) await clones.commit(name, `${name}.txt`);
		await turnstile.close("fetch");
		const first = clones.push("alice");
		await turnstile.untilReached("fetch");
		const second = clones.sandbox.udo(["push", "--json"], { directory: clones.path("bob"), as: "alice" });
		await until(async () => {
			await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("alice"));
			const [lock] = await onlooker.store.locks(onlooker.project);
			return lock?.count === 2;
		});
		await turnstile.open("fetch");

		expect((await first).code).toBe(0);
		expect(JSON.parse((await second).stdout)).toMatchObject({ data: { state: "landed" } });
		expect(await clones.landed()).toEqual(["alice alice.txt", "bob bob.txt"]);
	});

	test("goes on without a clone whose objects are gone, which is told so", async () => {
		const names = ["alice", "bob", "carol"];
		await using clones = await Clones.create(...names);
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of names) await clones.commit(name, `${name}.txt`);
		const broken = (await clones.run("bob", "git rev-parse HEAD^{tree}")).trim();
		const answers = await together(clones, turnstile, names, async () => {
			await clones.run("bob", `rm -f .git/objects/${broken.slice(0, 2)}/${broken.slice(2)}`);
		});

		expect(answers.map(({ code }) => code)).toEqual([0, 1, 0]);
		expect(answers[1]?.stderr).toMatch(/^udo: git failed, and nothing was pushed\n/);
		expect(await clones.landed()).toEqual(["alice alice.txt", "carol carol.txt"]);
	});

	test("keeps nothing of those who died in it, or at its head", async () => {
		await using clones = await Clones.create("alice", "bob", "carol");
		const turnstile = await Turnstile.install(clones, "alice");
		for (const name of ["alice", "bob", "carol"]) await clones.commit(name, `${name}.txt`);
		await turnstile.close("push");
		const leader = clones.start("alice");
		await turnstile.untilReached("push");
		const waiter = clones.start("bob");
		await clones.untilWaiting(1);
		await using onlooker = await openEditor(clones.sandbox, "onlooker", clones.path("carol"));
		const { store, project } = onlooker;
		const requests = [
			...(await store.locks(project)).flatMap(({ holds }) => holds),
			...(await store.waiters(project)),
		].flatMap(({ request }) => (request.startsWith("push:") ? [request] : []));
		const tickets = () => Promise.all(requests.map((request) => store.loadState(project, `push-ticket:${request}`)));
		await until(
			async () => JSON.parse((await store.loadState(project, await notedIn(onlooker))) ?? "{}"),
			({ requests: noted }) => noted?.length === 2,
		);
		const before = await tickets();
		for (const each of [waiter, leader]) each.kill("SIGKILL");
		await clones.push("carol");
		await turnstile.open("push");
		await clones.commit("carol", "more.txt");
		await clones.push("carol");

		expect(before.map((ticket) => ticket !== undefined)).toEqual([true, true]);
		expect(await tickets()).toEqual([undefined, undefined]);
	});

	test("waits for a branch that somebody claimed, whose own push goes through", async () => {
		await using clones = await Clones.create("alice", "bob");
		for (const name of ["alice", "bob"]) await clones.commit(name, `${name}.txt`);
		await clones.sandbox.udo(["lock", "--branch", "main"], { directory: clones.path("bob"), as: "bob" });
		const first = clones.push("alice");
		await clones.untilWaiting(1);

		expect((await clones.push("bob")).code).toBe(0);
		await clones.sandbox.udo(["unlock", "--all"], { directory: clones.path("bob"), as: "bob" });
		expect((await first).code).toBe(0);
		expect(await clones.landed()).toEqual(["bob bob.txt", "alice alice.txt"]);
	});
});

describe("beside the hooks", () => {
	test("udo push passes its own pre-push hook, and nobody else does by setting its variable", async () => {
		await using clones = await Clones.create("alice", "bob");
		for (const name of ["alice", "bob"]) await installHooks(clones.sandbox, clones.path(name));
		await clones.sandbox.udo(["status"], { directory: clones.path("bob"), as: "bob" });
		await clones.commit("alice", "a.txt");
		await clones.commit("bob", "b.txt");

		expect(await clones.push("alice")).toMatchObject({ code: 0, stderr: "" });
		const behind = await clones.try("bob", "git push -q origin main", { UDO_PUSH: "1" });
		expect(behind.code).toBe(1);
		expect(behind.stderr).toMatch(/^udo: push refused: main is behind origin\n.*\n {2}next: udo push origin main\n/);
		expect(await clones.push("bob")).toMatchObject({ code: 0, stderr: "" });
		expect(await clones.landed()).toEqual(["alice a.txt", "bob b.txt"]);
	});

	test("what another git pushes elsewhere from within a udo push is guarded like any push", async () => {
		await using clones = await Clones.create("alice", "bob");
		await installHooks(clones.sandbox, clones.path("bob"));
		await clones.commit("alice", "a.txt");
		await clones.run("alice", "git push -q origin main:other");
		await clones.commit("bob", "b.txt");
		const nested = `[ -n "$NESTED" ] || NESTED=1 git -C '${clones.path("bob")}' push -q origin +main:other 2>'${clones.path("bob")}.said'`;
		const script = join(clones.sandbox.directory, "bin", "receive");
		await writeScript(script, `#!/bin/sh\n(unset GIT_DIR; ${nested})\nexec git receive-pack "$@"\n`);
		await clones.run("bob", `git config remote.origin.receivepack "'${script}'"`);
		await clones.sandbox.udo(["status"], { directory: clones.path("alice"), as: "alice" });

		expect(await clones.push("bob")).toMatchObject({ code: 0 });
		expect(await clones.run("bob", "cat ../bob.said")).toMatch(/^udo: push refused: other is behind origin\n/);
		expect(await clones.landed("other")).toEqual(["alice a.txt"]);
	});

	test.each(["-n", "--force"])(
		"with push.auto, a git push that is asked for more than that (%s) stays a git push",
		async (flag) => {
			await using clones = await Clones.create("alice", "bob");
			await installHooks(clones.sandbox, clones.path("bob"));
			await clones.sandbox.udo(["status"], { directory: clones.path("alice"), as: "alice" });
			await clones.commit("alice", "a.txt");
			await clones.push("alice");
			await clones.commit("bob", "b.txt");

			const { stderr } = await clones.try("bob", `git push -q ${flag} origin main`, { UDO_PUSH_AUTO: "1" });
			expect(stderr).toMatch(/^udo: push refused: main is behind origin\n {2}somebody/);
			expect(await clones.landed()).toEqual(["alice a.txt"]);
		},
	);

	test("with push.auto, a git push that is behind lands through the queue and says so", async () => {
		await using clones = await Clones.create("alice", "bob");
		await installHooks(clones.sandbox, clones.path("bob"));
		await clones.sandbox.udo(["status"], { directory: clones.path("alice"), as: "alice" });
		await clones.commit("alice", "a.txt");
		await clones.push("alice");
		await clones.commit("bob", "b.txt");

		const { stderr } = await clones.try("bob", "git push -q origin main", { UDO_PUSH_AUTO: "1" });
		expect(stderr).toMatch(
			/^udo: push refused: main is behind origin; running udo push in its place \(push\.auto\)\nlanded 1 commit .*\nudo: it has landed; that git calls its own push a failure means nothing\n/,
		);
		expect(await clones.landed()).toEqual(["alice a.txt", "bob b.txt"]);
		expect(await clones.run("bob", "git status -sb")).toBe("## main...origin/main\n");
	});
});

test.each([
	["a remote", ["--upload-pack=touch PWNED"], 64],
	["a remote", ["--", "--upload-pack=touch PWNED"], 1],
	["a remote", ["ext::sh -c touch% PWNED"], 7],
	["a remote", ["$(touch PWNED)"], 7],
	["a remote", ["no\nsuch\u001b[31m"], 7],
	["a branch", ["origin", "--exec=touch PWNED"], 64],
	["a branch", ["--", "origin", "--exec=touch PWNED"], 1],
	["a branch", ["origin", "a..b"], 1],
	["a branch", ["origin", "nope\u001b[31m"], 1],
	["a ref", ["--to", "--force"], 1],
	["a ref", ["--to", "a:refs/heads/b"], 1],
	["a ref", ["--to", "$(touch PWNED)\n"], 1],
])("a hostile name for %s, %j, is refused and shown safely", async (_, words, code) => {
	await using clones = await Clones.create("alice");
	await clones.commit("alice", "a.txt");

	const answer = await clones.push("alice", ...words);
	expect(answer.stderr).not.toContain("\u001b");
	expect(answer.stderr.split("\n").length).toBeLessThanOrEqual(4);
	expect(answer).toMatchObject({ code, stdout: "" });
	expect(await clones.landed()).toEqual([]);
	expect((await clones.sandbox.run("find", [clones.sandbox.directory, "-name", "PWNED*"])).stdout).toBe("");
});

test("branches whose names a shell would run are pushed like any other", async () => {
	await using clones = await Clones.create("alice", "bob");
	const branch = "$(touch\u0024{IFS}PWNED)/`id`;'\u00e9\u{1F600}&";
	await writeFile(clones.path("alice", "name"), branch);
	await clones.run("alice", 'git switch -qc "$(cat name)"');
	await clones.commit("alice", "a.txt");

	expect((await clones.push("alice")).code).toBe(0);
	await clones.run("bob", `git fetch -q; git switch -q "$(cat ../alice/name)"`);
	await clones.commit("bob", "b.txt");
	await clones.commit("alice", "more.txt");
	expect((await clones.push("bob")).code).toBe(0);
	expect((await clones.push("alice")).code).toBe(0);
	expect(await clones.landed(branch)).toEqual(["alice a.txt", "bob b.txt", "alice more.txt"]);
	expect((await clones.sandbox.run("find", [clones.sandbox.directory, "-name", "PWNED*"])).stdout).toBe("");
});

/** Under which name the store has the tickets that were in line. */
async function notedIn({ store, project }: Workspace): Promise<string> {
	const [queue] = (await store.locks(project)).flatMap(({ resource }) => /^push (\w+) /.exec(resource.id)?.[1] ?? []);
	return `push-noted:${queue}`;
}

/** Pushes of several clones, the first of which leads and takes the others with it. */
async function together(
	clones: Clones,
	turnstile: Turnstile,
	names: readonly string[],
	meanwhile: () => Promise<void> = async () => {},
) {
	const [first = "", ...others] = names;
	await turnstile.close("fetch");
	const pushing = [clones.push(first)];
	await turnstile.untilReached("fetch");
	for (const [waiting, name] of others.entries()) {
		pushing.push(clones.push(name));
		await clones.untilWaiting(waiting + 1);
	}
	await meanwhile();
	await turnstile.open("fetch");
	return Promise.all(pushing);
}
