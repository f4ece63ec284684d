import { describe, expect, test } from "vitest";
import type { ConflictId, ConflictReport } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import type { Store } from "../../server/store/store.ts";
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
		const { id, kept } = await inOutage(team, ann);
		const [found] = await until(
			() => bob.conflicts(project),
			({ length }) => length > 0,
		);

		expect(kept).toMatchObject([{ id, assignee: "ann" }]);
		expect(found).toMatchObject({
			id,
			attempts: [{ outcome: "1 conflict", session: "ann" }, { outcome: "later" }],
			omitted: [{ side: "theirs", bytes: 5_000_000 }],
		});
		expect(String(await bob.conflictBlob(project, id, "ours"))).toBe("ours");
		expect((await ann.conflicts(project, "all")).map((each) => each.id)).toEqual([id]);
	});

	test("a conflict that was reported here can be settled on another machine afterwards", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const { id } = await inOutage(team, ann);
		await until(
			() => bob.conflicts(project),
			({ length }) => length > 0,
		);
		const isSettled = await bob.resolveConflict(project, id, "merged", author, "three-way merge");

		expect(isSettled).toBe(true);
		expect(await ann.conflicts(project)).toEqual([]);
		expect(await ann.conflicts(project, "all")).toMatchObject([{ id, how: "three-way merge" }]);
	});

	test("a conflict of the team is still known here, and one that is settled here is settled for the team afterwards", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		const { id } = await ann.reportConflict(report, author);
		await ann.conflicts(project);
		await team.server.kill();
		const during = await ann.conflicts(project);
		const isSettled = await ann.resolveConflict(project, id, "saved", author, "superseded");
		const after = [await ann.conflicts(project), await ann.conflicts(project, "all")];
		await team.server.restart();
		await until(async () => (await ann.conflicts(project, "all"))[0]?.resolution !== undefined);

		expect(during).toMatchObject([{ id, resolution: undefined }]);
		expect(isSettled).toBe(true);
		expect(after).toMatchObject([[], [{ id, how: "superseded" }]]);
		const [told] = await until(
			() => bob.conflicts(project, "all"),
			([first]) => first?.resolution !== undefined,
		);
		expect(told).toMatchObject({ id, how: "superseded", resolution: "saved" });
	});

	test("what is remembered and forgotten about merges is known to the team afterwards", async () => {
		await using team = await Team.start({ appendfsync: "always" });
		const ann = await (await team.machine("east")).with(["ann"]);
		const bob = await (await team.machine("west")).with(["bob"]);
		await bob.rememberResolution(project, "before", Buffer.from("before"));
		expect(String(await ann.rememberedResolution(project, "before"))).toBe("before");
		await ann.rememberResolution(project, "gone", Buffer.from("gone"));
		await team.server.kill();
		await ann.rememberResolution(project, "new", Buffer.from("new"));
		await ann.rememberResolution(project, "gone", undefined);
		expect(String(await ann.rememberedResolution(project, "new"))).toBe("new");
		expect(await ann.rememberedResolution(project, "gone")).toBeUndefined();
		await team.server.restart();

		await until(async () => (await bob.rememberedResolution(project, "new"))?.toString() === "new");
		await until(async () => (await bob.rememberedResolution(project, "gone")) === undefined);
	});
});

/** A conflict that was reported and amended while the server was away, as the store that did so had it; the server is back. */
async function inOutage(team: Team, store: Store): Promise<{ readonly id: ConflictId; readonly kept: unknown }> {
	await team.server.kill();
	const { id } = await store.reportConflict(report, author);
	await store.amendConflict(project, id, { attempt: { strategy: "manual", outcome: "later" } }, author);
	const kept = await store.conflicts(project);
	await team.server.restart();
	return { id, kept };
}
