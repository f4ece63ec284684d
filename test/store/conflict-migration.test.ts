import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { makeOlder } from "../helpers/older-store.ts";
import { entryOf, project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";

const author = { session: entryOf("ann").id, actor: "ann" };

test("a store of format 2 keeps its conflicts, open and settled, and can do all that is new", async () => {
	const directory = await temporaryDirectory();
	const report = {
		project,
		type: "git_merge",
		resource: "file:a.ts" as ResourceKey,
		sessions: [],
		summary: "s",
		next: "n",
	} as const;
	const before = await openLocalStore({ directory });
	const open = await before.reportConflict({ ...report, cause: "1", blobs: { ours: Buffer.from("ours") } }, author);
	const settled = await before.reportConflict({ ...report, cause: "2" }, author);
	await before.resolveConflict(project, settled.id, "merged", author);
	await before[Symbol.asyncDispose]();
	await makeOlder(directory, 2);

	await using store = await openLocalStore({ directory });
	expect(await store.conflicts(project, "all")).toMatchObject([
		{ cause: "1", attempts: [], omitted: [], how: undefined },
		{ cause: "2", attempts: [], resolution: "merged", how: "manual" },
	]);
	expect(String(await store.conflictBlob(project, open.id, "ours"))).toBe("ours");
	expect(await store.amendConflict(project, open.id, { attempt: { strategy: "manual", outcome: "x" } }, author)).toBe(
		true,
	);
	expect(await store.rememberResolution(project, "key", Buffer.from("x"), author)).toBe(true);
	await rm(directory, { recursive: true, force: true });
});
