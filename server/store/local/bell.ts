import { closeSync, mkdirSync, openSync, rmSync, utimesSync, watch } from "node:fs";
import { dirname } from "node:path";

// A ring is a hint, which dies with a process that is killed right after its commit: a slow look behind it covers that.
const slowLookMs = 1000;

/**
 * Calls back soon after the bell at `path` was rung or removed in any process, and every second anyway, until disposed. Does
 * not keep the process alive. A bell is a file that is touched: fs.watch wakes another process within half a millisecond,
 * without any daemon.
 */
export function hearBell(path: string, listener: () => void): Disposable {
	const timer = setInterval(listener, slowLookMs).unref();
	const watcher = watchBell(path, listener);
	return {
		[Symbol.dispose]() {
			clearInterval(timer);
			watcher?.close();
		},
	};
}

/** Rings a bell, which nobody may hear. Call it after the commit: whoever wakes before that still sees the old state. */
export function ringBell(path: string): void {
	const now = Date.now() / 1000;
	try {
		utimesSync(path, now, now);
	} catch {
		// Nobody listens, or nobody can: the step has happened all the same.
	}
}

/** Rings a bell for the last time. */
export function removeBell(path: string): void {
	try {
		rmSync(path, { force: true });
	} catch {
		// As above.
	}
}

// Where nothing can be watched (a machine has only so many watches) the slow look has to do.
function watchBell(path: string, listener: () => void): { close(): void } | undefined {
	try {
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
		closeSync(openSync(path, "a", 0o600));
		return watch(path, { persistent: false }, listener).on("error", () => {});
	} catch {
		return undefined;
	}
}
