import { describe, expect, test } from "vitest";
import type { ConflictReport } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { entryOf, otherProject, project } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";

const report: ConflictReport = {
	project,
	type: "file_edit",
	resource: "file:src/a.ts" as ResourceKey,
	sessions: [entryOf("ann").id, entryOf("bob").id],
	cause: "src/a.ts in two worktrees",
	summary: "ann and bob both edited src/a.ts",
	next: "udo merge src/a.ts",
	blobs: {
		base: Buffer.from("base\n"),
		ours: Buffer.from([0, 255, 0, 128]),
		theirs: Buffer.alloc(3_000_000, "x"),
	},
};
const ann = { session: entryOf("ann").id, actor: "ann@example.org" };

describe.each(stores)("conflicts in a $name store", ({ open, openLive }) => {
	test("are kept with their texts for whoever looks later", async () => {
		await using live = await openLive();
		const { id } = await (await live.connect()).reportConflict(report, ann);

		const later = await live.connect();
		const { blobs, ...told } = report;
		expect(await later.conflicts(project)).toMatchObject([{ ...told, id, resolution: undefined }]);
		for (const side of ["base", "ours", "theirs"] as const) {
			expect(
				Buffer.compare((await later.conflictBlob(project, id, side)) ?? Buffer.of(), blobs?.[side] ?? Buffer.of()),
			).toBe(0);
		}
	});

	test("with the same cause are one, until it is settled", async () => {
		await using opened = await open();
		const { store } = opened;
		const first = await store.reportConflict(report, ann);

		expect(await store.reportConflict(report, ann)).toEqual({ id: first.id, isNew: false });
		await store.resolveConflict(project, first.id, "merged", ann);
		const second = await store.reportConflict(report, ann);
		expect(second).toMatchObject({ isNew: true });
		expect(second.id).not.toBe(first.id);
	});

	test("are settled once, by whom is remembered, and their texts go", async () => {
		await using opened = await open();
		const { store } = opened;
		const { id } = await store.reportConflict(report, ann);

		expect(await store.resolveConflict(otherProject, id, "merged", ann)).toBe(false);
		expect(await store.resolveConflict(project, id, "merged", ann)).toBe(true);
		expect(await store.resolveConflict(project, id, "again", ann)).toBe(false);
		expect(await store.conflicts(project)).toEqual([]);
		expect(await store.conflicts(project, "all")).toMatchObject([{ id, resolution: "merged", resolvedBy: "ann" }]);
		expect(await store.conflictBlob(project, id, "ours")).toBeUndefined();
	});

	test("are in the log when they are found and when they are settled", async () => {
		await using opened = await open();
		const { store } = opened;
		const { id } = await store.reportConflict(report, ann);
		await store.reportConflict(report, ann);
		await store.resolveConflict(project, id, "merged", ann);

		expect(await store.events({ project, after: 0, limit: 10 })).toMatchObject([
			{ type: "conflict_detected", conflict: id, conflictType: "file_edit", resource: report.resource, session: "ann" },
			{ type: "conflict_resolved", conflict: id, resolution: "merged" },
		]);
	});

	test("of other projects are not shown", async () => {
		await using opened = await open();
		await opened.store.reportConflict(report, ann);

		expect(await opened.store.conflicts(otherProject)).toEqual([]);
	});

	test("without texts have none", async () => {
		await using opened = await open();
		const { blobs: _blobs, ...bare } = report;
		const { id } = await opened.store.reportConflict(bare, ann);

		expect(await opened.store.conflictBlob(project, id, "base")).toBeUndefined();
	});
});
