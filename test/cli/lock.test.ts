import { describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

interface Status {
	readonly session: string;
	readonly locks: readonly {
		readonly resource: string;
		readonly session: string;
		readonly count: number;
		readonly leftMs: number;
	}[];
	readonly waiters: readonly { readonly session: string }[];
	readonly sessions: readonly { readonly id: string; readonly role: string; readonly kind: string }[];
}

describe("two terminals", () => {
	test("see each other's locks, with holder, age and time left", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		const bob = sandbox.terminal("bob");
		await alice.run("udo lock src/ --ttl 10m");

		const seen = await bob.run("udo status");
		expect(seen.stdout).toMatch(/src\/ +alice +term_\w+ +locked +for \d+ m?s +(10 min|9 min 5\d s) left/);
	});

	test("are two sessions, the older one primary, and a second command belongs to the same session", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		const bob = sandbox.terminal("bob");
		const first = JSON.parse((await alice.run("udo --json")).stdout).data as Status;
		await bob.run("udo lock README.md");

		const status = JSON.parse((await alice.run("udo status --json")).stdout).data as Status;
		expect(status.session).toBe(first.session);
		expect(status.sessions.map(({ role }) => role)).toEqual(["primary", "secondary"]);
		expect(status.sessions[0]?.id).toBe(first.session);
	});

	test("hand a lock over in the order in which they asked", async () => {
		await using sandbox = await Sandbox.create();
		const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => sandbox.terminal(name));
		if (!alice || !bob || !carol) throw new Error("no terminals");
		await alice.run("udo lock src/a.ts");
		const order: string[] = [];
		const bobs = bob.run("udo lock --wait 20s src/a.ts").then(() => order.push("bob"));
		await until(
			() => sandbox.data<Status>(["status"], { as: "eve" }),
			({ waiters }) => waiters.length === 1,
		);
		const carols = carol.run("udo lock --wait 20s src/").then(() => order.push("carol"));
		await until(
			() => sandbox.data<Status>(["status"], { as: "eve" }),
			({ waiters }) => waiters.length === 2,
		);

		await alice.run("udo unlock src/a.ts");
		await bobs;
		await bob.run("udo unlock --all");
		await carols;
		expect(order).toEqual(["bob", "carol"]);
	});

	test("lose everything at once when one of them is killed", async () => {
		await using sandbox = await Sandbox.create();
		const alice = sandbox.terminal("alice");
		const bob = sandbox.terminal("bob");
		await alice.run("udo lock src/ --branch main --database users");
		await alice.kill();

		const answer = await bob.run("udo lock src/a.ts");
		expect(answer).toMatchObject({ code: 0, stderr: "" });
		const status = JSON.parse((await bob.run("udo status --json")).stdout).data as Status;
		expect(status.locks.map(({ resource }) => resource)).toEqual(["file:src/a.ts"]);
		expect(status.sessions).toHaveLength(1);
	});
});

describe("udo lock", () => {
	test.each([
		["a file in a locked directory", ["src/"], ["src/a.ts"]],
		["a directory around a locked file", ["src/a.ts"], ["src"]],
		["the project around a locked file", ["src/a.ts"], ["--project"]],
		["everything around a locked branch", ["--branch", "main"], ["--exclusive"]],
		["a database that is locked", ["--database", "users"], ["--database", "users"]],
		["anything under an exclusive lock", ["--exclusive"], ["README.md"]],
	])("refuses %s with 4 and names the holder", async (_, held, wanted) => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", ...held], { as: "alice" });

		const answer = await sandbox.udo(["lock", ...wanted], { as: "bob" });
		expect(answer.code).toBe(4);
		expect(answer.stderr).toContain("alice");
		expect(answer.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
	});

	test("takes all of several or none", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/b.ts"], { as: "alice" });

		expect((await sandbox.udo(["lock", "src/a.ts", "src/b.ts"], { as: "bob" })).code).toBe(4);
		const status = await sandbox.data<Status>(["status"], { as: "bob" });
		expect(status.locks.map(({ resource }) => resource)).toEqual(["file:src/b.ts"]);
	});

	test("steals with a reason, and the victim finds it in the log", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });

		expect((await sandbox.udo(["lock", "--steal", "src/a.ts"], { as: "bob" })).code).toBe(64);
		expect(
			(await sandbox.udo(["lock", "--steal", "--reason", "release is burning", "src/a.ts"], { as: "bob" })).code,
		).toBe(0);
		const log = await sandbox.udo(["log"], { as: "alice" });
		expect(log.stdout).toMatch(/alice +lost src\/a\.ts to bob: release is burning/);
	});

	test("gives up its place in the queue when nobody lets go in time", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });

		expect((await sandbox.udo(["lock", "--wait", "200ms", "src/a.ts"], { as: "bob" })).code).toBe(4);
		const status = await sandbox.data<Status>(["status"], { as: "alice" });
		expect(status.waiters).toEqual([]);
	});

	test("leaves the queue on Ctrl-C with 130", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });
		const bob = sandbox.terminal("bob");
		const waiting = bob.run("udo lock --wait 60s src/a.ts & echo $! > ../pid; wait $!");
		await until(
			() => sandbox.data<Status>(["status"], { as: "alice" }),
			({ waiters }) => waiters.length === 1,
		);

		await sandbox.run("sh", ["-c", "kill -INT $(cat ../pid)"]);
		expect((await waiting).code).toBe(130);
		expect((await sandbox.data<Status>(["status"], { as: "alice" })).waiters).toEqual([]);
	});
});

describe("udo unlock", () => {
	test("without a name gives nothing back and says how to give all back", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/"], { as: "alice" });

		const answer = await sandbox.udo(["unlock"], { as: "alice" });

		expect(answer).toMatchObject({ code: 64, stderr: expect.stringContaining("next: udo unlock --all") });
		expect((await sandbox.data<Status>(["status"], { as: "alice" })).locks).toHaveLength(1);
	});

	test("does not give back what somebody else holds", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/"], { as: "alice" });

		const answer = await sandbox.udo(["unlock", "src/"], { as: "bob" });
		expect(answer.code).toBe(4);
		expect((await sandbox.data<Status>(["status"], { as: "bob" })).locks).toHaveLength(1);
	});

	test("gives back a lock that was taken twice, and one whose file is gone", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.udo(["lock", "src/a.ts", "src/b.ts"], { as: "alice" });
		await sandbox.udo(["lock", "src/a.ts"], { as: "alice" });
		await sandbox.git("rm", "-q", "src/a.ts");

		expect((await sandbox.udo(["unlock", "src/a.ts"], { as: "alice" })).code).toBe(0);
		const status = await sandbox.data<Status>(["status"], { as: "alice" });
		expect(status.locks.map(({ resource }) => resource)).toEqual(["file:src/b.ts"]);
	});
});

describe("what cannot be locked", () => {
	test.each([
		["a typing error", ["src/aa.ts"], 1, "does not exist"],
		["a path outside the repository", ["/etc/passwd"], 1, "outside"],
		["a path that climbs out", ["src/../../x"], 1, "outside"],
		["a path of 5,000 characters", ["x".repeat(5000)], 1, "5000 characters"],
		["an empty path", [""], 1, "empty path"],
		["the whole tree by accident", ["."], 1, "--project"],
		["git's own directory", [".git/config"], 1, "git's own"],
		["a name with terminal escapes", ["\u001b[31mred\u202e"], 1, "\\x1b[31mred\\u202e"],
		["a branch that is an option", ["--branch", "--upload-pack=touch x"], 1, "not a branch name"],
		["a branch that git would refuse", ["--branch", "a..b"], 1, "not a branch name"],
		["nothing", [], 64, "nothing"],
		["a duration that is none", ["--ttl", "soon", "README.md"], 64, "--ttl"],
		["an option that is none", ["--wiat", "README.md"], 64, "--wait"],
	])("%s is refused with a clear error, and nothing is locked", async (_, args, code, words) => {
		await using sandbox = await Sandbox.create();

		const answer = await sandbox.udo(["lock", ...args], { as: "alice" });
		expect(answer.code).toBe(code);
		expect(answer.stderr).toContain(words);
		expect(answer.stderr).not.toContain("\u001b");
		expect((await sandbox.data<Status>(["status"], { as: "alice" })).locks).toEqual([]);
	});

	test("a path that does not exist yet can be locked with --new", async () => {
		await using sandbox = await Sandbox.create();

		await sandbox.udo(["lock", "--new", "src/new/", "docs/plan.md"], { as: "alice" });
		const status = await sandbox.data<Status>(["status"], { as: "alice" });
		expect(status.locks.map(({ resource }) => resource)).toEqual(["file:docs/plan.md", "file:src/new/"]);
	});

	test("a symbolic link locks what it points to, and one that leads outside is refused", async () => {
		await using sandbox = await Sandbox.create();
		await sandbox.run("sh", ["-c", "ln -s src/a.ts link; ln -s /etc out; ln -s nowhere dangling"]);

		await sandbox.udo(["lock", "link"], { as: "alice" });
		expect((await sandbox.data<Status>(["status"], { as: "alice" })).locks[0]?.resource).toBe("file:src/a.ts");
		expect((await sandbox.udo(["lock", "out/passwd"], { as: "alice" })).stderr).toContain("outside");
		expect((await sandbox.udo(["lock", "dangling"], { as: "alice" })).stderr).toContain("link to nothing");
	});
});
