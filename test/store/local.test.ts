import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { StoreUnavailableError } from "../../server/errors.ts";
import { hearBell } from "../../server/store/local/bell.ts";
import { Database } from "../../server/store/local/database.ts";
import { fileSystemName } from "../../server/store/local/file-system.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { arrive, entryOf, file, project, queueUp, take } from "../helpers/request.ts";
import { SteppedClock } from "../helpers/stepped-clock.ts";
import { temporaryDirectory } from "../helpers/store.ts";

test("nobody else may read what the store keeps", async () => {
	const directory = join(await ownDirectory(), "state", "udo");
	await using store = await openLocalStore({ directory });
	await arrive(store, ["ann"]);

	expect((await stat(directory)).mode & 0o777).toBe(0o700);
	for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
		const { mode } = await stat(join(entry.parentPath, entry.name));
		expect([entry.name, mode & 0o777]).toEqual([entry.name, entry.isDirectory() ? 0o700 : 0o600]);
	}
});

test("a directory that was there already and open to others is closed to them", async () => {
	const directory = join(await ownDirectory(), "udo");
	await mkdir(directory);
	await chmod(directory, 0o755);
	await using _store = await openLocalStore({ directory });

	expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test("a new boot empties sessions, locks and queue, but keeps tokens rising, conflicts, states and the log", async () => {
	const directory = await ownDirectory();
	const before = await openLocalStore({ directory, boot: "first", clock: new SteppedClock() });
	await arrive(before, ["ann", "bob"]);
	const held = await take(before, "ann", file("a.ts"));
	const waiting = await queueUp(before, "bob", file("a.ts"));
	const nobody = { session: undefined, actor: undefined };
	const conflict = {
		...{ project, type: "file_edit" as const, resource: "file:a.ts" as ResourceKey, sessions: [], cause: "c" },
		...{ summary: "s", next: "n", blobs: { ours: Buffer.from("text") } },
	};
	const { id } = await before.reportConflict(conflict, nobody);
	await before.saveState(project, "ann", "state");
	await before[Symbol.asyncDispose]();

	await using after = await openLocalStore({ directory, boot: "second", clock: new SteppedClock() });

	expect(await after.sessions()).toEqual([]);
	expect(await after.locks(project)).toEqual([]);
	expect(await after.waiters(project)).toEqual([]);
	expect(await after.peek(project, waiting.request)).toBe("gone");
	expect(await after.conflicts(project)).toMatchObject([{ id, summary: "s" }]);
	expect(Buffer.from((await after.conflictBlob(project, id, "ours")) ?? []).toString()).toBe("text");
	expect(await after.loadState(project, "ann")).toBe("state");
	const log = await after.events({ project, after: 0, limit: 100 });
	expect(log.filter(({ type }) => type === "session_disconnected")).toMatchObject([
		{ session: "ann", cause: "died" },
		{ session: "bob", cause: "died" },
	]);
	await arrive(after, ["ann"]);
	expect((await take(after, "ann", file("a.ts"))).token).toBeGreaterThan(held.token);
});

test("the same boot keeps everything", async () => {
	const directory = await ownDirectory();
	const before = await openLocalStore({ directory });
	await arrive(before, ["ann"]);
	const held = await take(before, "ann", file("a.ts"));
	await before[Symbol.asyncDispose]();

	await using after = await openLocalStore({ directory });

	expect(await after.locks(project)).toMatchObject([{ session: "ann", token: held.token }]);
});

test("a commit is heard at once in another process, and not only at the next slow look", async () => {
	const directory = await ownDirectory();
	await using reader = await openLocalStore({ directory });
	await using writer = await openLocalStore({ directory });
	const first = new Promise<string>((resolve) => {
		const slow = hearBell(join(directory, "nobody rings this"), () => resolve("the slow look"));
		const quick = reader.onChange(() => resolve("the bell"));
		onTestFinished(() => {
			slow[Symbol.dispose]();
			quick[Symbol.dispose]();
		});
	});

	await arrive(writer, ["ann"]);

	expect(await first).toBe("the bell");
});

test("the gate of the hooks sees who is there, and no longer who left", async () => {
	const directory = await ownDirectory();
	await using store = await openLocalStore({ directory });
	await arrive(store, ["ann"]);
	const live = join(directory, "live", project);

	expect(await readdir(live)).toEqual([`${process.pid}.ann`]);
});

test.each([
	["garbage", Buffer.from("this is no database, but it was worth something to somebody\n".repeat(200))],
	["zeroed pages", undefined],
])("a damaged database file (%s) is named, with what to do, and left as it is", async (_kind, bytes) => {
	const directory = await ownDirectory();
	const path = join(directory, "udo.db");
	// As a disk leaves it that lost some blocks: the header is there, tables are not.
	const damaged = bytes ?? (await soundDatabase()).fill(0, 4096);
	await writeFile(path, damaged, { mode: 0o600 });

	const failure = await use(directory);

	expect(failure).toBeInstanceOf(StoreUnavailableError);
	expect(failure).toMatchObject({ message: `${path} is damaged`, exitCode: 6, next: expect.stringContaining("mv ") });
	expect(Buffer.compare(await readFile(path), damaged)).toBe(0);
});

test("a store of a newer udo is left alone", async () => {
	const directory = await ownDirectory();
	const path = join(directory, "udo.db");
	const bytes = await soundDatabase();
	bytes.writeUInt32BE(99, 60); // user_version in the file header
	await writeFile(path, bytes);

	expect(await use(directory)).toMatchObject({ message: `${path} was written by a newer udo`, exitCode: 6 });
});

test("a state directory that is a file is named", async () => {
	const directory = join(await ownDirectory(), "udo");
	await writeFile(directory, "");

	expect(await use(directory)).toMatchObject({
		name: "StoreUnavailableError",
		message: `cannot write to ${directory}`,
		why: expect.stringContaining("XDG_STATE_HOME"),
		next: expect.stringMatching(/^ls -ld /),
	});
});

test.each([
	[0x6969, "NFS"],
	[0xff534d42, "CIFS"],
	[0xff534d42 | 0, "CIFS"],
	[0x01021997, "9P"],
	[0xef53, undefined],
	[0x01021994, undefined],
])("file system type %i is %s", (type, name) => {
	expect(fileSystemName(type)).toBe(name);
});

async function ownDirectory(): Promise<string> {
	const directory = await temporaryDirectory();
	onTestFinished(() => rm(directory, { recursive: true, force: true }));
	return directory;
}

async function use(directory: string): Promise<unknown> {
	try {
		await using store = await openLocalStore({ directory });
		await store.openSession(entryOf("ann"), { ttlMs: 1000, most: 10 });
		await store.locks(project);
		return undefined;
	} catch (error) {
		return error;
	}
}

// What a store has written, all of it in the one file.
async function soundDatabase(): Promise<Buffer> {
	const directory = await ownDirectory();
	await using store = await openLocalStore({ directory });
	await arrive(store, ["ann"]);
	const path = join(directory, "udo.db");
	using database = await Database.open(directory);
	database.all("PRAGMA wal_checkpoint(TRUNCATE)");
	return readFile(path);
}
