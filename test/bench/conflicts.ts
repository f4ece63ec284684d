import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProjectId } from "../../server/coordination/session.ts";
import { openLocalStore } from "../../server/store/local.ts";
import type { Store } from "../../server/store/store.ts";
import { LspClient } from "../helpers/lsp-client.ts";
import { Sandbox } from "../helpers/sandbox.ts";
import { type Part, type Row, spread } from "./row.ts";

const rounds = 40;
const path = "src/a.ts";
const text = "one\ntwo\nthree\nfour\n";

/** Two who change one file: from the change until another process reads in the log that there is a conflict, and that it is over. */
export async function measureConflicts(): Promise<Part> {
	return {
		title: "a conflict, from its cause until another process knows of it",
		rows: [
			...(await measureFound(
				"a file is written under unsaved changes",
				(sandbox, _, round) => writeFile(join(sandbox.repository, path), text.replace("one", `theirs ${round}`)),
				(sandbox) => writeFile(join(sandbox.repository, path), text),
			)),
			...(await measureFound(
				"a second editor changes what is unsaved in another",
				(_, second, round) => second.type(path, text.replace("one", `theirs ${round}`)),
				(_, second) => second.type(path, text),
			)),
			...(await measureFound(
				"another clone on the same branch changes the file",
				(sandbox, _, round) => writeFile(join(cloneOf(sandbox), path), text.replace("one", `theirs ${round}`)),
				(sandbox) => writeFile(join(cloneOf(sandbox), path), text),
			)),
		],
	};
}

type Act = (sandbox: Sandbox, second: LspClient, round: number) => unknown;

async function measureFound(what: string, cause: Act, undo: Act): Promise<readonly Row[]> {
	await using sandbox = await Sandbox.create();
	await writeFile(join(sandbox.repository, path), text);
	await sandbox.git("commit", "-qam", "lines");
	await sandbox.git("clone", "-q", ".", cloneOf(sandbox));
	await sandbox.udo(["status"], { as: "third", directory: cloneOf(sandbox) });
	await using first = await LspClient.start(sandbox, { actor: "first@editor" });
	await using second = await LspClient.start(sandbox, { actor: "second@editor" });
	for (const editor of [first, second]) editor.open(path);
	const { project } = await sandbox.data<{ project: ProjectId }>(["status"], { as: "onlooker" });
	const directory = join(sandbox.directory, "home", "state", "udo");
	await using store = await openLocalStore({ directory });
	first.type(path, text.replace("four", "ours"));
	const found: number[] = [];
	const over: number[] = [];
	for (let round = 0; round < rounds; round++) {
		// What an editor is told while it has just reloaded or settled something is sure a little later; people are slower as well.
		await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 100));
		found.push(await until(store, project, "conflict_detected", () => cause(sandbox, second, round)));
		await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 100));
		over.push(await until(store, project, "conflict_resolved", () => undo(sandbox, second, round)));
	}
	return [
		{ what: `${what}: found`, measured: spread(found), goal: "≤ 100 ms" },
		{ what: `${what}, and that is undone: over`, measured: spread(over) },
	];
}

function cloneOf({ directory }: Sandbox): string {
	return join(directory, "clone");
}

/** Does something, and answers after how many ms it is in the log. */
async function until(
	store: Store,
	project: ProjectId,
	type: "conflict_detected" | "conflict_resolved",
	act: () => unknown,
): Promise<number> {
	const after = await store.lastEvent(project);
	const staying = setInterval(() => {}, 1000);
	const started = performance.now();
	let listening: Disposable | undefined;
	const known = new Promise<number>((resolve) => {
		let reading = Promise.resolve();
		listening = store.onChange(() => {
			reading = reading.then(async () => {
				const found = await store.events({ project, after, limit: 100, types: [type] });
				if (found.length > 0) resolve(performance.now() - started);
			});
		});
	});
	await act();
	const took = await known;
	clearInterval(staying);
	listening?.[Symbol.dispose]();
	return took;
}
