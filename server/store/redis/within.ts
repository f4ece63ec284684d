import { LinkError } from "./failure.ts";

/** Gives up waiting, not the work itself, after `patienceMs`. Keeps the process alive meanwhile. */
export async function within<Result>(patienceMs: number, work: Promise<Result>): Promise<Result> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		// What arrived while this process was busy gets one turn of the loop more.
		timer = setTimeout(
			() => setImmediate(() => reject(new LinkError("timeout", `no answer within ${patienceMs} ms`))),
			patienceMs,
		);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}
