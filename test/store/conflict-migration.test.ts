import { describe, expect, test } from "vitest";
import type { ConflictId } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { makeOlder } from "../helpers/older-store.ts";
import { entryOf, project } from "../helpers/request.ts";
import { disposableDirectory } from "../helpers/store.ts";

const author = { session: entryOf("ann").id, actor: "ann" };

const report = {
	project,
	type: "git_merge",
	resource: "file:a.ts" as ResourceKey,
	sessions: [],
	summary: "s",
	next: "n",
} as const;

/** Leaves a store of format 2 with an open conflict, whose name is answered, and a settled one. */
async function format2(directory: string): Promise<ConflictId> {
	const store = await openLocalStore({ directory });
	const open = await store.reportConflict({ ...report, cause: "1", blobs: { ours: Buffer.from("ours") } }, author);
	const settled = await store.reportConflict({ ...report, cause: "2" }, author);
	await store.resolveConflict(project, settled.id, "merged", author);
	await store[Symbol.asyncDispose]();
	await makeOlder(directory, 2);
	return open.id;
}

describe("a store of format 2", () => {
	test("keeps its conflicts, open and settled", async () => {
		await using directory = await disposableDirectory();
		const open = await format2(directory.path);
		await using store = await openLocalStore({ directory: directory.path });

		// Of the same millisecond any may be first.
		const all = (await store.conflicts(project, "all")).toSorted((a, b) => a.cause.localeCompare(b.cause));
		expect(all).toMatchObject([
			{ cause: "1", attempts: [], omitted: [], how: undefined },
			{ cause: "2", attempts: [], resolution: "merged", how: "manual" },
		]);
		expect(String(await store.conflictBlob(project, open, "ours"))).toBe("ours");
	});

	test("can do all that is new", async () => {
		await using directory = await disposableDirectory();
		const open = await format2(directory.path);
		await using store = await openLocalStore({ directory: directory.path });
		const amended = await store.amendConflict(project, open, { attempt: { strategy: "manual", outcome: "x" } }, author);
		const remembered = await store.rememberResolution(project, "key", Buffer.from("x"));

		expect({ amended, remembered }).toEqual({ amended: true, remembered: true });
		expect(await store.conflicts(project)).toMatchObject([{ attempts: [{ strategy: "manual", outcome: "x" }] }]);
		expect(String(await store.rememberedResolution(project, "key"))).toBe("x");
	});
});
