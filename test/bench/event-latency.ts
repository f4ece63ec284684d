import type { Coordinator } from "../../server/coordination/coordinator.ts";

/** Adds entries to the log that say when they were sent. */
export async function sendStamped(coordinator: Coordinator, count: number): Promise<void> {
	for (let i = 0; i < count; i++) {
		await new Promise((resolve) => setTimeout(resolve, 25 + Math.random() * 25));
		await coordinator.log({ type: "file_change", path: stamp(), change: "save", worktree: "/" });
	}
}

/** Reads the log whenever it changes, from now on, until so many entries came; `ready` once it listens. Answers how old each was, in ms. */
export async function readStamped(
	{ store, project }: Coordinator,
	count: number,
	ready: () => Promise<void>,
): Promise<readonly number[]> {
	let seen = await store.lastEvent(project);
	const took: number[] = [];
	let reading = Promise.resolve();
	const staying = setInterval(() => {}, 1000);
	const finished = new Promise<void>((resolve) => {
		store.onChange(() => {
			reading = reading.then(async () => {
				for (const event of await store.events({ project, after: seen, limit: 100, types: ["file_change"] })) {
					seen = event.seq;
					if (event.type === "file_change") took.push(ageOf(event.path));
				}
				if (took.length >= count) resolve();
			});
		});
	});
	await ready();
	await finished;
	clearInterval(staying);
	return took;
}

/** This instant on the machine's clock, as a name. */
export function stamp(): string {
	return `${process.hrtime.bigint()}`;
}

/** How long ago a stamp was made on this machine, in ms. */
export function ageOf(stamped: string): number {
	return Number(process.hrtime.bigint() - BigInt(stamped)) / 1e6;
}
