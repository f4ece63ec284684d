import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Conflict } from "../../server/coordination/conflict.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { hasRedis, RedisServer } from "../helpers/redis-server.ts";
import type { Sandbox } from "../helpers/sandbox.ts";
import type { Status } from "../helpers/status.ts";
import { createTeamSandbox } from "../helpers/team-sandbox.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasRedis)("an editor on one of the machines of a team", () => {
	test("shows what is locked on another machine, and its own edits are locked there", async () => {
		await using server = await RedisServer.start();
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await using client = await LspClient.start(east);
		client.open("src/a.ts");
		client.open("src/b.ts");
		await west.udo(["lock", "src/a.ts"], { as: "bob" });

		await client.shows("src/a.ts", "file-locked");
		client.type("src/b.ts", "changed\n");
		await until(
			() => locksOf(west),
			(locks) => locks.some(({ resource, origin }) => resource === "file:src/b.ts" && origin === "edit"),
		);
		await west.udo(["unlock", "src/a.ts"], { as: "bob" });
		await client.shows("src/a.ts");
	});

	test("is told once that Redis is away and once that it is back, and keeps its locks", async () => {
		await using server = await RedisServer.start({ appendfsync: "always" });
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await using client = await LspClient.start(east);
		client.open("src/a.ts");
		client.type("src/a.ts", "changed\n");
		await until(
			() => locksOf(west),
			({ length }) => length === 1,
		);
		await server.kill();

		await until(() => messages(client).length > 0);
		await east.udo(["lock", "src/b.ts"], { as: "amy" });
		client.open("src/b.ts");
		await client.shows("src/b.ts", "file-locked");
		expect(client.diagnostics("src/b.ts")[0]?.message).toContain("on this machine only");
		await server.restart();
		await until(() => messages(client).length > 1);
		await until(
			() => locksOf(west),
			(locks) => locks.some(({ resource }) => resource === "file:src/a.ts"),
		);
		expect(messages(client)).toEqual([
			expect.stringMatching(/Redis .* is away: until it is back, locks hold on this machine only/),
			expect.stringMatching(/Redis .* is back/),
		]);
	});

	test("still shows its conflict while Redis is away, and ends it for all when it was saved meanwhile", async () => {
		await using server = await RedisServer.start({ appendfsync: "always" });
		await using east = await createTeamSandbox(server);
		await using west = await createTeamSandbox(server);
		await using client = await LspClient.start(east);
		client.open("src/a.ts");
		client.type("src/a.ts", "mine\n");
		await until(
			() => locksOf(west),
			({ length }) => length === 1,
		);
		await writeFile(join(east.repository, "src/a.ts"), "theirs\n");
		const [found] = await until(
			() => conflicts(west, "open"),
			({ length }) => length === 1,
		);
		await client.shows("src/a.ts", "conflict");
		await server.kill();
		await until(() => messages(client).length > 0);
		const blind = await east.udo(["conflicts"], { as: "amy" });
		const unknown = await east.udo(["resolve", found?.id ?? "", "--done"], { as: "amy" });
		expect(client.codes("src/a.ts")).toEqual(["conflict"]);
		await client.save("src/a.ts", "mine\n");
		await client.shows("src/a.ts");
		client.close("src/a.ts");
		await server.restart();

		const [settled, ...others] = await until(
			() => conflicts(west, "settled"),
			({ length }) => length > 0,
		);
		expect(settled).toMatchObject({ id: found?.id, how: "superseded", resolution: "saved, or as it is on disk" });
		expect(others).toEqual([]);
		expect(await conflicts(west, "open")).toEqual([]);
		expect(blind.stdout).toMatch(/^Redis .* is away.*\nno open conflicts on this machine\n$/);
		expect(unknown.code).toBe(6);
		expect(unknown.stderr).toContain(`${found?.id} cannot be looked up now\n  Redis `);
	});
});

async function conflicts(sandbox: Sandbox, which: "open" | "settled"): Promise<readonly Conflict[]> {
	const data = await sandbox.data<Record<typeof which, readonly Conflict[]>>(["conflicts", "--all"], {
		as: "onlooker",
	});
	return data[which];
}

function messages(client: LspClient): readonly string[] {
	return client.messages("window/showMessage");
}

async function locksOf(sandbox: Sandbox): Promise<Status["locks"]> {
	return (await sandbox.data<Status>(["status"], { as: "bob" })).locks;
}
