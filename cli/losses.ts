import { describeEvent, showWhen } from "../server/coordination/describe-event.ts";
import type { ReleaseCause } from "../server/coordination/event.ts";
import type { Workspace } from "../server/workspace.ts";
import type { Output } from "./output.ts";

const losing: ReadonlySet<ReleaseCause> = new Set(["stolen", "expired", "diverged"]);

/**
 * Tells a person what was taken from this session, or ran out, since it was last told: a terminal has no other moment to learn
 * that a lock is no longer its own.
 */
export async function tellLosses({ coordinator, project, store }: Workspace, output: Output): Promise<void> {
	if (output.json) return;
	const { id } = coordinator.session;
	const key = `told:${id}`;
	const released = await store.events({
		project,
		after: await toldUntil(),
		limit: 500,
		types: ["lock_released"],
		session: id,
	});
	const lost = released.filter((event) => event.type === "lock_released" && losing.has(event.cause));
	const newest = lost.at(-1);
	if (newest === undefined) return;
	const now = Date.now();
	for (const event of lost.slice(-5)) output.note(`udo: you ${describeEvent(event)}, at ${showWhen(event.at, now)}`);
	await store.saveState(project, key, String(newest.seq));

	async function toldUntil(): Promise<number> {
		return Number((await store.loadState(project, key)) ?? 0);
	}
}
