import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openLocalStore } from "../../server/store/local.ts";
import { project } from "../helpers/request.ts";
import { temporaryDirectory } from "../helpers/store.ts";
import { bundleWorker, Worker } from "../helpers/worker.ts";
import type { Report } from "./report.ts";

/** `dose` processes open a store that does not exist yet at the same instant; each gets its session and its lock. */
export async function openTogether(dose: number): Promise<Report> {
	const parent = await temporaryDirectory();
	const directory = join(parent, "state", "udo");
	const script = await bundleWorker();
	const wrong: string[] = [];
	const at = Date.now() + 500 + dose * 100;
	const workers = Array.from({ length: dose }, (_, i) => i).map(
		(i) => new Worker(script, "open", { directory, project, session: `s${i}`, resources: [`file:${i}.ts`], at }),
	);
	const tokens = new Set<unknown>();
	for (const each of workers) {
		try {
			tokens.add((await each.says("opened"))["token"]);
			await each.ended();
		} catch (error) {
			wrong.push(String(error));
		}
	}
	await using store = await openLocalStore({ directory });
	const sessions = await store.sessions(project);
	const locks = await store.locks(project);
	if (tokens.size !== dose) wrong.push(`${tokens.size} tokens for ${dose} locks`);
	if (sessions.length !== dose) wrong.push(`${sessions.length} sessions`);
	if (locks.length !== dose) wrong.push(`${locks.length} locks`);
	await rm(parent, { recursive: true, force: true });
	return {
		name: `${dose} processes open a new store at once`,
		figures: { sessions: sessions.length },
		wrong,
		slow: [],
	};
}
