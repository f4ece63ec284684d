import type { ConflictReport } from "../../server/coordination/conflict.ts";
import type { ResourceKey } from "../../server/coordination/resource.ts";
import { openLocalStore } from "../../server/store/local.ts";
import { entryOf, project } from "./request.ts";
import { openTeamStore } from "./team-store.ts";

/** What such a process is told: the machine it is on, and the team's Redis if there is one. */
export interface ConflictWorkerOptions {
	readonly directory: string;
	readonly socket?: string;
	/** How many causes there are to report; each is reported once, or with `isEndless` again and again, amended and settled. */
	readonly causes: number;
	readonly isEndless: boolean;
}

// A process that reports conflicts until it is killed, and says `reported` with each cause that the store has answered for.
const { directory, socket, causes, isEndless } = JSON.parse(process.argv[3] ?? "") as ConflictWorkerOptions;
const say = (did: string, about: object = {}) => process.stdout.write(`${JSON.stringify({ did, ...about })}\n`);
const store = socket === undefined ? await openLocalStore({ directory }) : await openTeamStore({ directory, socket });
const author = { session: entryOf("ann").id, actor: "ann" };
say("ready");
for (let n = 0; isEndless || n < causes; n++) {
	const { id } = await store.reportConflict(report(`cause ${n % causes}`, n), author);
	say("reported", { cause: `cause ${n % causes}` });
	if (!isEndless) continue;
	const attempt = { strategy: "manual", outcome: `${n}` } as const;
	await store.amendConflict(project, id, { ...textsOf(`amended ${n}`), attempt }, author);
	for (let again = 0; again < 4; again++)
		await store.amendConflict(project, id, textsOf(`again ${n} ${again}`), author);
	if (n % 3 > 0) await store.resolveConflict(project, id, `settled ${n}`, author);
}
say("done");
setInterval(() => {}, 1 << 30);

function report(cause: string, n: number): ConflictReport {
	const about = {
		project,
		type: "file_edit",
		resource: "file:a.ts" as ResourceKey,
		sessions: [author.session],
	} as const;
	return { ...about, cause, summary: "s", next: "n", ...textsOf(`reported ${n}`) };
}

// All three alike: a step that was cut in two would leave them different.
function textsOf(text: string) {
	const bytes = Buffer.from(`${text}\n`.repeat(4000));
	return { blobs: { base: bytes, ours: bytes, theirs: bytes } };
}
