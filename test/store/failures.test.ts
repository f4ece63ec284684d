import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openLocalStore } from "../../server/store/local.ts";
import { project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { bundleWorker, type Said, Worker } from "../helpers/worker.ts";

let script = "";
beforeAll(async () => {
	script = await bundleWorker();
});

test("a state directory that may not be written to is named, with what to do", async () => {
	const parent = await ownDirectory();
	const directory = join(parent, "udo");
	await mkdir(directory);
	await chmod(parent, 0o755);
	await chmod(directory, 0o555);

	expect(await use(directory, { uid: nobody })).toMatchObject({
		did: "failed",
		name: "StoreUnavailableError",
		message: `cannot write to ${directory}`,
		why: expect.stringMatching(/udo keeps its locks there .*XDG_STATE_HOME/),
		next: expect.stringMatching(/^ls -ld /),
		exitCode: 6,
	});
	expect(await readdir(directory)).toEqual([]);
});

test("a store that may be read but not written is named as well, and left as it is", async () => {
	const parent = await ownDirectory();
	const directory = join(parent, "udo");
	await (await openLocalStore({ directory }))[Symbol.asyncDispose]();
	for (const each of [parent, directory]) await chmod(each, 0o555);
	for (const each of await readdir(directory)) await chmod(join(directory, each), 0o444);
	onTestFinished(() => chmod(directory, 0o755));

	expect(await use(directory, { uid: nobody })).toMatchObject({
		did: "failed",
		message: `cannot write to ${directory}`,
		exitCode: 6,
	});
});

test("a full disk is named, what was there stays, and it works again once there is space", async (context) => {
	const directory = await ownDirectory();
	const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "udo-test", directory]);
	if (mounted.status !== 0) return context.skip("needs the right to mount a small file system");
	onTestFinished(() => void spawnSync("umount", ["-l", directory]));
	const state = join(directory, "udo");
	{
		await using store = await openLocalStore({ directory: state });
		await store.saveState(project, "before", "kept");
	}

	expect(await use(state, { steps: 200 })).toMatchObject({
		did: "failed",
		name: "StoreUnavailableError",
		message: `no space left for ${join(state, "udo.db")}`,
		next: expect.stringContaining("df "),
		exitCode: 6,
	});

	spawnSync("mount", ["-o", "remount,size=50m", directory]);
	await using store = await openLocalStore({ directory: state });
	expect(await store.loadState(project, "before")).toBe("kept");
	await store.saveState(project, "after", "works");
	expect(await store.integrity()).toBe("ok");
});

// Root may write everywhere, so somebody else has to try.
const nobody = process.getuid?.() === 0 ? 65_534 : undefined;

async function use(
	directory: string,
	{ uid, steps = 1 }: { readonly uid?: number | undefined; readonly steps?: number },
): Promise<Said | undefined> {
	const options = { directory, project, session: "ann", resources: [], forMs: steps };
	await using worker = new Worker(script, "use", options, uid === undefined ? {} : { uid });
	await worker.ended();
	return worker.said.at(-1);
}

async function ownDirectory(): Promise<string> {
	const directory = await temporaryDirectory();
	onTestFinished(() => rm(directory, { recursive: true, force: true }));
	return directory;
}
