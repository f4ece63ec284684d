import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { background } from "../coordination/background.ts";

// What fs.watch misses (network and container mounts, the inotify limit, a directory made later) is found by looking.
const pollMs = 2000;

/**
 * Tells when files change on disk, whoever changes them. Their directories are watched, because an atomic save replaces the
 * file; clients are not asked to watch, because half of them cannot.
 */
export class DiskWatch implements Disposable {
	readonly #files = new Map<string, WatchedFile>();
	readonly #directories = new Map<string, FSWatcher>();
	readonly #timer: NodeJS.Timeout;

	constructor() {
		this.#timer = setInterval(() => this.#poll(), pollMs);
		this.#timer.unref();
	}

	/** Calls back whenever the file at this absolute path changed, came or went after this resolved. */
	async watch(path: string, listener: () => void): Promise<Disposable> {
		const file = this.#files.get(path) ?? { listeners: new Set(), stamp: undefined };
		file.listeners.add(listener);
		this.#files.set(path, file);
		this.#watchDirectory(dirname(path));
		await this.#look(path, file);
		return {
			[Symbol.dispose]: () => {
				file.listeners.delete(listener);
				if (file.listeners.size === 0) this.#forget(path);
			},
		};
	}

	[Symbol.dispose](): void {
		clearInterval(this.#timer);
		this.#files.clear();
		for (const directory of [...this.#directories.keys()]) this.#unwatch(directory);
	}

	#poll(): void {
		for (const [path, file] of this.#files) background(this.#lookAgain(path, file));
	}

	// A watcher that missed something may be watching a directory that was replaced.
	async #lookAgain(path: string, file: WatchedFile): Promise<void> {
		if (await this.#look(path, file)) this.#unwatch(dirname(path));
		if (file.listeners.size > 0) this.#watchDirectory(dirname(path));
	}

	async #look(path: string, file: WatchedFile): Promise<boolean> {
		const stamp = await stampOf(path);
		const isNews = file.stamp !== undefined && file.stamp !== stamp;
		file.stamp = stamp;
		if (isNews) for (const listener of [...file.listeners]) listener();
		return isNews;
	}

	#watchDirectory(directory: string): void {
		if (this.#directories.has(directory)) return;
		try {
			const watcher = watch(directory, { persistent: false }, (_event, name) => {
				for (const [path, file] of this.#files) {
					if (dirname(path) === directory && (name === null || name === basename(path))) {
						background(this.#look(path, file));
					}
				}
			});
			watcher.on("error", () => this.#unwatch(directory));
			this.#directories.set(directory, watcher);
		} catch {
			// Not there yet, or no more watches: the poll looks, and tries again.
		}
	}

	#forget(path: string): void {
		this.#files.delete(path);
		const directory = dirname(path);
		if (![...this.#files.keys()].some((other) => dirname(other) === directory)) this.#unwatch(directory);
	}

	#unwatch(directory: string): void {
		this.#directories.get(directory)?.close();
		this.#directories.delete(directory);
	}
}

interface WatchedFile {
	readonly listeners: Set<() => void>;
	/** Undefined before the first look. */
	stamp: string | undefined;
}

async function stampOf(path: string): Promise<string> {
	try {
		const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
		return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
	} catch {
		return "none";
	}
}
