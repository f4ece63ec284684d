import { describe, expect, test } from "vitest";
import type { ConflictId, ConflictReport } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { arrive, entryOf, otherProject, project } from "../helpers/request.ts";
import { stores } from "../helpers/store.ts";
import { until } from "../helpers/until.ts";

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
const { blobs: _blobs, ...bare } = report;
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
		const { id } = await opened.store.reportConflict(bare, ann);

		expect(await opened.store.conflictBlob(project, id, "base")).toBeUndefined();
	});

	test("remember what was tried on them, the newest 20, and say so in the log", async () => {
		await using opened = await open();
		const { store } = opened;
		const first = { strategy: "wait-and-retry", outcome: "still held after 2.6 s" } as const;
		const { id } = await store.reportConflict({ ...bare, attempts: [first] }, ann);
		const merge = { strategy: "three-way merge", outcome: "clean" } as const;
		expect(await store.amendConflict(project, id, { attempt: merge }, ann)).toBe(true);

		expect(await store.conflicts(project)).toMatchObject([
			{
				attempts: [
					{ ...first, session: "ann" },
					{ ...merge, session: "ann" },
				],
			},
		]);
		expect((await store.events({ project, after: 0, limit: 10 })).at(-1)).toMatchObject({
			type: "conflict_attempted",
			conflict: id,
			...merge,
		});
		for (let n = 0; n < 20; n++) {
			await store.amendConflict(project, id, { attempt: { strategy: "manual", outcome: `${n}` } }, ann);
		}
		const [full] = await store.conflicts(project);
		expect(full?.attempts.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
		await store.resolveConflict(project, id, "merged", ann, "three-way merge");
		expect(await store.amendConflict(project, id, { attempt: merge }, ann)).toBe(false);
		expect(await store.conflicts(project, "all")).toMatchObject([{ how: "three-way merge", resolution: "merged" }]);
	});

	test("get newer texts side by side; a text over 4 MB is not kept, and told", async () => {
		await using opened = await open();
		const { store } = opened;
		const long = Buffer.alloc(4 * 1024 * 1024 + 1, "x");
		const { id } = await store.reportConflict({ ...bare, blobs: { ours: long, theirs: Buffer.from("theirs") } }, ann);

		expect(await store.conflicts(project)).toMatchObject([{ omitted: [{ side: "ours", bytes: long.length }] }]);
		expect(await store.conflictBlob(project, id, "ours")).toBeUndefined();
		await store.amendConflict(project, id, { blobs: { ours: Buffer.from("short"), theirs: long } }, ann);
		expect(await store.conflicts(project)).toMatchObject([{ omitted: [{ side: "theirs", bytes: long.length }] }]);
		expect(String(await store.conflictBlob(project, id, "ours"))).toBe("short");
		expect(await store.conflictBlob(project, id, "theirs")).toBeUndefined();
	});

	test("are the primary session's to settle, and the next one's when that ends", async () => {
		await using opened = await open();
		const { store } = opened;
		const { id } = await store.reportConflict(bare, ann);
		const assignee = async () => (await store.conflicts(project, "all"))[0]?.assignee;
		expect(await assignee()).toBeUndefined();

		await arrive(store, ["bob", "ann"]);
		expect(await assignee()).toBe("bob");
		await store.closeSessions([entryOf("bob").id], "died", project);
		expect(await assignee()).toBe("ann");
		await store.resolveConflict(project, id, "over", ann, "superseded");
		expect(await assignee()).toBeUndefined();
	});

	test("that were moved here stay what they were, and do not open again once they are settled", async () => {
		await using opened = await open();
		const { store } = opened;
		const attempts = [{ strategy: "manual", outcome: "left", session: entryOf("bob").id, at: 5 }] as const;
		const omitted = [{ side: "base", bytes: 5_000_000 }] as const;
		const id = "conflict_abc" as ConflictId;
		const moved = { ageMs: 60_000, attempts, omitted };
		await store.reportConflict({ ...bare, id, moved }, ann);

		const [conflict] = await store.conflicts(project);
		expect(conflict).toMatchObject({ id, attempts, omitted });
		expect(conflict?.ageMs).toBeGreaterThanOrEqual(60_000);
		await store.resolveConflict(project, id, "merged", ann);
		expect(await store.reportConflict({ ...bare, id, moved }, ann)).toEqual({ id, isNew: false });
		expect(await store.conflicts(project)).toEqual([]);
	});

	test("that are settled are forgotten, the oldest first, when they are over a thousand", async () => {
		await using opened = await open();
		const { store } = opened;
		const ids: ConflictId[] = [];
		for (let n = 0; n < 1002; n++) {
			const { id } = await store.reportConflict({ ...bare, cause: `${n}` }, ann);
			await store.resolveConflict(project, id, "merged", ann);
			ids.push(id);
			if (n === 1) await nextMillisecond();
		}

		const kept = await store.conflicts(project, "all");
		expect(kept.map(({ id }) => id).sort()).toEqual(ids.slice(2).sort());
	});
});

describe.each(stores)("resolutions in a $name store", ({ open, openLive }) => {
	test("are remembered for the whole project, byte for byte, until they are forgotten", async () => {
		await using live = await openLive();
		const [one, other] = [await live.connect(), await live.connect()];
		const bytes = Buffer.from([0, 255, 10, 13]);
		expect(await one.rememberResolution(project, "key", bytes)).toBe(true);

		expect(Buffer.compare((await other.rememberedResolution(project, "key")) ?? Buffer.of(), bytes)).toBe(0);
		expect(await other.rememberedResolution(project, "other")).toBeUndefined();
		expect(await other.rememberedResolution(otherProject, "key")).toBeUndefined();
		await one.rememberResolution(project, "key", Buffer.of());
		expect(await other.rememberedResolution(project, "key")).toHaveLength(0);
		await other.rememberResolution(project, "key", undefined);
		expect(await one.rememberedResolution(project, "key")).toBeUndefined();
	});

	test("are not remembered when they are over 64 kB, and the oldest of more than 2,000 is forgotten", async () => {
		await using opened = await open();
		const { store } = opened;
		expect(await store.rememberResolution(project, "long", Buffer.alloc(65_537))).toBe(false);
		for (let n = 0; n < 2001; n++) await store.rememberResolution(project, `${n}`, Buffer.from(`${n}`));

		expect(await store.rememberedResolution(project, "long")).toBeUndefined();
		expect(await store.rememberedResolution(project, "0")).toBeUndefined();
		expect(String(await store.rememberedResolution(project, "1"))).toBe("1");
		expect(String(await store.rememberedResolution(project, "2000"))).toBe("2000");
	});
});

// Ages are in ms of the machine's clock, also where the store's stands still.
async function nextMillisecond(): Promise<void> {
	const now = Date.now();
	await until(() => Date.now() > now);
}
