import { closeSync, futimesSync, mkdirSync, openSync, rmSync, utimesSync, watch } from "node:fs";
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
	attempt(() => utimesSync(path, now(), now()));
}

/** Rings a bell for the last time. */
export function removeBell(path: string): void {
	attempt(() => rmSync(path, { force: true }));
}

/** A bell that one process rings often. */
export class Bell implements Disposable {
	readonly #file: number | undefined;

	constructor(path: string) {
		this.#file = attempt(() => create(path));
	}

	ring(): void {
		const file = this.#file;
		if (file !== undefined) attempt(() => futimesSync(file, now(), now()));
	}

	[Symbol.dispose](): void {
		const file = this.#file;
		if (file !== undefined) attempt(() => closeSync(file));
	}
}

// Where nothing can be watched (a machine has only so many watches) the slow look has to do.
function watchBell(path: string, listener: () => void): { close(): void } | undefined {
	return attempt(() => {
		closeSync(create(path));
		return watch(path, { persistent: false }, listener).on("error", () => {});
	});
}

function create(path: string): number {
	mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
	return openSync(path, "a", 0o600);
}

// Bells are hints: what cannot be rung or heard must not fail the step that has happened.
function attempt<T>(action: () => T): T | undefined {
	try {
		return action();
	} catch {
		return undefined;
	}
}

function now(): number {
	return Date.now() / 1000;
}
