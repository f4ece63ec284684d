import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeScript } from "../helpers/hooks.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import { Clones } from "../push/clones.ts";

const zero = "0".repeat(40);

describe("a bare remote with udo verify in its pre-receive hook", () => {
	test("refuses a push to what somebody else claimed, also with --no-verify, and lets the rest and the holder pass", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/");
		await clones.commit("alice", "src/a.ts");

		const refused = await clones.try("alice", "git push -q --no-verify");
		expect(refused.code).toBe(1);
		expect(plain(refused.stderr)).toMatch(
			/^udo: push refused: src\/a\.ts on main is locked by somebody else\n {2}bob \(bob\), on branch main, has src\/ for .*, lease ends in .*\.\n {2}next: udo run --wait src\/a\.ts -- git push\n/,
		);
		expect(await clones.run("bob", "udo log --type guard_refused")).toMatch(/udo verify.*src\/a\.ts/);
		await clones.run("alice", "git reset -q --hard HEAD~");
		await clones.commit("alice", "file.txt");
		await clones.run("alice", "git push -q --no-verify");
		await clones.run("bob", "git pull -q");
		await clones.commit("bob", "src/b.ts");
		await clones.run("bob", "git push -q --no-verify");
		expect(await clones.landed()).toEqual(["alice file.txt", "bob src/b.ts"]);
	});

	test("refuses a new branch, a step back and a deletion by the same rules, and warns of who is on another branch", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/a.ts; git checkout -q -b topic");
		await clones.commit("alice", "src/a.ts");
		await clones.run("alice", "git push -q --no-verify");
		await clones.run("bob", "udo lock --branch old; git checkout -q main");
		await clones.run("alice", "git push -q --no-verify origin main:new");

		const refused = async (command: string) => {
			const answer = await clones.try("alice", `git push -q --no-verify origin ${command}`);
			return answer.code === 0 ? "passed" : plain(answer.stderr);
		};
		expect(await refused("--force main~:main")).toContain("src/a.ts on main is locked");
		expect(await refused("main:old")).toContain("branch old is locked");
		await clones.run("bob", "git push -q --no-verify origin main:old");
		expect(await refused(":old")).toContain("branch old is locked");
		expect(await refused("main:another")).toBe("passed");
		await clones.run("bob", "udo lock --project");
		expect(await refused("--force main~:another")).toContain("branch another is locked");
	});

	test("goes by the committer's e-mail when nobody says who pushes, and by the session in a batch of udo push", async () => {
		await using clones = await guarded("alice", "bob");
		const hook = "#!/bin/sh\nunset UDO_SESSION UDO_ACTOR\nexec setsid -w udo verify --stdin\n";
		await writeScript(join(clones.remote, "hooks", "pre-receive"), hook);
		for (const name of ["alice", "bob"]) await clones.run(name, `git config user.email ${name}@example.org`);
		const other = "export UDO_SESSION=other UDO_ACTOR=bob@example.org;";
		await clones.run("bob", `${other} udo lock src/a.ts`);
		await clones.commit("alice", "src/a.ts");
		expect((await clones.try("alice", "git push -q --no-verify")).code).toBe(1);
		await clones.commit("bob", "src/a.ts");
		await clones.run("bob", "git push -q --no-verify");

		// The address says nothing of this session: only udo knows whose commits these are.
		await clones.run("bob", `udo lock src/b.ts; ${other} udo unlock --all`);
		await clones.commit("bob", "src/b.ts");
		await clones.run("alice", "git fetch -q; git reset -q --hard origin/main~");
		await clones.commit("alice", "src/b.ts");
		expect((await clones.push("bob")).code).toBe(0);
		expect(await clones.push("alice", "--no-batch")).toMatchObject({ code: 5 });
		expect(await clones.landed()).toEqual(["bob src/a.ts", "bob src/b.ts"]);
	});

	test("keeps to the locks of the project, whatever project the push makes of it", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/a.ts");
		await writeFile(clones.path("alice", "udo.config.json"), '{ "project": "elsewhere" }');
		await clones.commit("alice", "src/a.ts");

		const answer = await clones.try("alice", "git add -A; git commit -q --amend -m x; git push -q --no-verify");
		expect(plain(answer.stderr)).toContain("src/a.ts on main is locked");
		const { project } = await clones.sandbox.data<{ readonly project: string }>(["status"], {
			directory: clones.path("bob"),
		});
		await clones.run("alice", "git reset -q --hard HEAD~; echo '{}' >udo.config.json; git add -A; git commit -qm x");
		await writeFile(clones.path("alice", "udo.config.json"), '{ "project": "elsewhere" }');
		await clones.run("alice", "git commit -qam x; git push -q --no-verify");
		await clones.commit("alice", "src/a.ts");
		await mkdir(join(clones.remote, "udo"));
		await writeFile(join(clones.remote, "udo", "project"), `${project}\n`);
		expect((await clones.try("alice", "git push -q --no-verify")).code).toBe(1);
	});

	test("lets no change come to its branch by way of another branch, a tag, a deletion or a second name", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "git checkout -q -b topic; git push -q origin topic; udo lock src/a.ts");
		const { remote } = clones;
		await clones.run("alice", `git -C '${remote}' symbolic-ref refs/heads/alias refs/heads/topic`);
		await clones.run("alice", `git -C '${remote}' symbolic-ref refs/heads/none refs/heads/fresh`);
		await clones.commit("alice", "src/a.ts");
		const push = async (refs: string) => {
			const { stderr } = await clones.try("alice", `git push -q --no-verify origin ${refs}`);
			return /push (refused: \S+ on \S+)|(warning: \S+ on \S+)/.exec(plain(stderr))?.[0] ?? "passed";
		};

		expect(await push("HEAD:refs/tags/t")).toBe("passed");
		expect(await push("HEAD:elsewhere")).toBe("warning: src/a.ts on elsewhere");
		expect(await push("HEAD:alias")).toBe("push refused: src/a.ts on alias");
		expect(await push(":topic")).toBe("push refused: src/a.ts on topic");
		await clones.run("bob", "git checkout -q -b fresh");
		expect(await push(":topic")).toBe("passed");
		expect(await push("HEAD:fresh")).toBe("push refused: src/a.ts on fresh");
		expect(await push("HEAD:none")).toBe("push refused: src/a.ts on none");
		expect(await push("main~:fresh")).toBe("passed");
	});

	test("knows the project by every first commit there is, also where HEAD names no branch", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/a.ts");
		const { remote } = clones;
		await clones.run("alice", `git -C '${remote}' symbolic-ref HEAD refs/heads/nowhere`);
		await clones.run(
			"alice",
			"git checkout -q --orphan another; git commit -qm x; git push -q --no-verify origin another",
		);
		await clones.run("alice", "git commit -q --allow-empty -m y; git checkout -q main");
		await clones.commit("alice", "src/a.ts");

		const answer = await clones.try("alice", "git push -q --no-verify origin another main");
		expect(plain(answer.stderr)).toContain("src/a.ts on main is locked");
	});

	test("a history that is merged into the project's leaves the project as it is", async () => {
		await using clones = await guarded("alice", "bob");
		const project = async (name: string) => {
			const from = { directory: clones.path(name) };
			return (await clones.sandbox.data<{ readonly project: string }>(["status"], from)).project;
		};
		// Of its ids one comes before that of the first commit, but for one time in forty.
		const others = "for i in $(seq 40); do git commit-tree -m $i 'HEAD^{tree}'; done | sort | head -1";
		await clones.run("alice", `git merge -q --allow-unrelated-histories -m merged $(${others})`);

		expect(await project("alice")).toBe(await project("bob"));
	});

	test("lets a push pass with one line when the store fails, and not with UDO_STRICT=1", async () => {
		await using clones = await guarded("alice");
		await clones.commit("alice", "file.txt");
		const broken = "REDIS_URL=nonsense git push -q --no-verify";

		const strict = await clones.try("alice", `UDO_STRICT=1 ${broken}`);
		expect(strict.code).toBe(1);
		expect(plain(strict.stderr)).toMatch(
			/^udo: what is pushed could not be checked\n {2}.*REDIS_URL.*\n {2}next: .*\n/,
		);
		const lax = await clones.try("alice", broken);
		expect(lax.code).toBe(0);
		expect(plain(lax.stderr)).toMatch(/^udo: REDIS_URL .*; what is pushed was not checked \(next: .*\)\n$/);
	});

	test.skipIf(!hasRedis)("asks the team's Redis where the hook names one", async () => {
		await using server = await RedisServer.start();
		await using clones = await guarded("alice", "bob");
		const hook = `#!/bin/sh\nexport XDG_STATE_HOME='${clones.path("server")}' REDIS_URL=unix://${server.socket}\nexec udo verify --stdin\n`;
		await writeScript(join(clones.remote, "hooks", "pre-receive"), hook);
		clones.sandbox.environment["REDIS_URL"] = `unix://${server.socket}`;
		await clones.run("bob", "udo lock src/a.ts");
		await clones.commit("alice", "src/a.ts");

		expect(plain((await clones.try("alice", "git push -q --no-verify")).stderr)).toContain(
			"src/a.ts on main is locked",
		);
		await server.kill();
		expect((await clones.try("alice", "UDO_STRICT=1 git push -q --no-verify")).code).toBe(1);
		const unchecked = await clones.try("alice", "git push -q --no-verify");
		expect(unchecked).toMatchObject({ code: 0, stderr: expect.stringContaining("was not checked") });
	});
});

describe("udo verify of a range", () => {
	test("counts whatever happens to a path", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/a.ts");
		const submodule = "git rm -q src/a.ts; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),src/a.ts";
		const next = "git update-index --cacheinfo 160000,$(git rev-parse HEAD),src/a.ts";
		const hidden = "printf '[submodule \"a\"]\\n\\tpath = src/a.ts\\n\\turl = x\\n\\tignore = all\\n' >.gitmodules";
		const changes = {
			change: "echo more >>src/a.ts",
			deletion: "git rm -q src/a.ts",
			rename: "git mv src/a.ts b.ts",
			"rename to it": "git mv -f src/b.ts src/a.ts",
			mode: "chmod +x src/a.ts",
			submodule,
			"hidden submodule": `${submodule}; mkdir src/a.ts; ${hidden}; git add .gitmodules; git commit -qm s; ${next}`,
			directory: "rm src/a.ts; mkdir src/a.ts; echo x >src/a.ts/x",
			"change in a merge":
				"git checkout -q -b t; git commit -qm t --allow-empty; git checkout -q -; git merge -q --no-ff --no-commit t; echo x >src/a.ts; git branch -qD t",
			"merged change":
				"git checkout -q -b t; echo x >src/a.ts; git commit -qam t; git checkout -q -; git commit -q --allow-empty -m x; git merge -q t; git branch -qD t",
		};
		const counted: string[] = [];
		for (const [name, change] of Object.entries(changes)) {
			await clones.run(
				"alice",
				`git checkout -q -f -B main origin/main; git clean -qfdx; ${change}; git add .; git commit -qm x || :`,
			);
			// The same on a branch that is new.
			for (const range of ["HEAD~..HEAD", ...(name === "merged change" ? [`${zero}..HEAD`] : [])]) {
				const answer = await clones.try("alice", `udo verify ${range} --branch main --json`);
				const { data } = JSON.parse(answer.stdout) as { data: { accepted: boolean; refused: string[] } };
				if (answer.code === 4 && data.refused.some((path) => path.startsWith("src/a.ts"))) counted.push(name);
			}
		}

		expect(counted).toEqual([...Object.keys(changes), "merged change"]);
	});

	test("knows the holder by --by or --actor, and nobody by a range that is none", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run("bob", "udo lock src/a.ts");
		await clones.commit("alice", "src/a.ts");
		const verify = async (words: string) => (await clones.try("alice", `udo verify ${words}`)).code;

		expect(await verify("origin/main..HEAD --by bob")).toBe(0);
		expect(await verify("origin/main..HEAD --actor bob")).toBe(0);
		expect(await verify("origin/main..HEAD --actor eve")).toBe(4);
		expect(await verify("HEAD --branch main")).toBe(64);
		expect(await verify("--branch main -- --output=x..HEAD")).toBe(1);
		expect(await verify("nowhere..HEAD")).toBe(1);
		expect(await verify("HEAD..HEAD --by 'a b'")).toBe(64);
		expect(await verify("")).toBe(64);
	});

	test("refuses what is lockable on another branch as well, also in a push that takes that word away", async () => {
		await using clones = await guarded("alice", "bob");
		await clones.run(
			"alice",
			"echo '*.ts lockable' >.gitattributes; git add -A; git commit -qm x; git push -q origin main",
		);
		await clones.run("bob", "udo lock src/a.ts; git checkout -q -b topic");
		await clones.run("alice", "git rm -q .gitattributes src/a.ts; git commit -qm x");

		expect((await clones.try("alice", "udo verify origin/main..HEAD --branch main")).code).toBe(4);
	});
});

/** Clones of a remote that is guarded; the clones have no hooks. */
async function guarded(...names: readonly string[]): Promise<Clones> {
	const clones = await Clones.create(...names);
	await writeScript(join(clones.remote, "hooks", "pre-receive"), "#!/bin/sh\nexec udo verify --stdin\n");
	return clones;
}

/** What a remote's hook said. */
function plain(stderr: string): string {
	return stderr.replaceAll(/^remote: /gm, "").replaceAll(/ +$/gm, "");
}
