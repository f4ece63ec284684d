import { describe, expect, test } from "vitest";
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
});

function messages(client: LspClient): readonly string[] {
	return client.messages("window/showMessage");
}

async function locksOf(sandbox: Sandbox): Promise<Status["locks"]> {
	return (await sandbox.data<Status>(["status"], { as: "bob" })).locks;
}
