import { describe, expect, test } from "vitest";
import type { ConflictReport } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { hasRedis } from "../helpers/redis-server.ts";
import { entryOf, project } from "../helpers/request.ts";
import { Team } from "../helpers/team.ts";
import { until } from "../helpers/until.ts";

const { id: annId } = entryOf("ann");
const author = { session: annId, actor: "ann" };
const report: ConflictReport = {
	project,
	type: "file_edit",
	resource: "file:a.ts" as ResourceKey,
	sessions: [annId],
	cause: "a.ts in an outage",
	summary: "s",
	next: "n",
	attempts: [{ strategy: "three-way merge", outcome: "1 conflict" }],
	blobs: { ours: Buffer.from("ours"), theirs: Buffer.alloc(5_000_000) },
};

describe.skipIf(!hasRedis)("in an outage of a team's Redis", () => {
	test("a conflict is kept here, and is the team's afterwards under the same name with all that was tried", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await team.server.kill();
		const { id } = await ann.reportConflict(report, author);
		await ann.amendConflict(project, id, { attempt: { strategy: "manual", outcome: "later" } }, author);
		expect(await ann.conflicts(project)).toMatchObject([{ id, assignee: "ann" }]);
		await team.server.restart();

		const [found] = await until(
			() => bob.conflicts(project),
			({ length }) => length > 0,
		);
		expect(found).toMatchObject({
			id,
			attempts: [{ outcome: "1 conflict", session: "ann" }, { outcome: "later" }],
			omitted: [{ side: "theirs", bytes: 5_000_000 }],
		});
		expect(String(await bob.conflictBlob(project, id, "ours"))).toBe("ours");
		expect((await ann.conflicts(project, "all")).map((each) => each.id)).toEqual([id]);
		expect(await bob.resolveConflict(project, id, "merged", author, "three-way merge")).toBe(true);
		expect(await ann.conflicts(project)).toEqual([]);
		expect(await ann.conflicts(project, "all")).toMatchObject([{ id, how: "three-way merge" }]);
	});

	test("what is remembered and forgotten about merges is known to the team afterwards", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await bob.rememberResolution(project, "before", Buffer.from("before"), author);
		expect(String(await ann.rememberedResolution(project, "before"))).toBe("before");
		await ann.rememberResolution(project, "gone", Buffer.from("gone"), author);
		await team.server.kill();
		await ann.rememberResolution(project, "new", Buffer.from("new"), author);
		await ann.rememberResolution(project, "gone", undefined, author);
		expect(String(await ann.rememberedResolution(project, "new"))).toBe("new");
		expect(await ann.rememberedResolution(project, "gone")).toBeUndefined();
		await team.server.restart();

		await until(async () => (await bob.rememberedResolution(project, "new"))?.toString() === "new");
		await until(async () => (await bob.rememberedResolution(project, "gone")) === undefined);
	});
});
