import {
	closeSync,
	fstatSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";
import type { Repository } from "../repository.ts";

const abandonedMs = 3_600_000;

/** A directory in the git directory, usually of one file system with the working tree, which is gone when it is disposed. */
export class Scratch implements Disposable {
	readonly directory: string;
	/** For a GIT_INDEX_FILE that git may change without anybody noticing. */
	readonly index: string;

	constructor({ commonDirectory }: Repository) {
		const parent = join(commonDirectory, "udo");
		mkdirSync(parent, { recursive: true });
		removeAbandoned(parent);
		this.directory = mkdtempSync(join(parent, "scratch-"));
		this.index = join(this.directory, "index");
	}

	/**
	 * Copies an index here; nothing when there is none. The copy is as old as the index: whatever changed in the second in which
	 * an index was written, git only notices because the file is no younger than that (core.trustctime aside, git compares seconds).
	 */
	copyIndex(index: string): void {
		let file: number;
		try {
			file = openSync(index, "r");
		} catch (error) {
			if (codeOf(error) === "ENOENT") return;
			throw error;
		}
		try {
			const seconds = Math.floor(fstatSync(file).mtimeMs / 1000);
			writeFileSync(this.index, readFileSync(file));
			utimesSync(this.index, seconds, seconds);
		} finally {
			closeSync(file);
		}
	}

	[Symbol.dispose](): void {
		rmSync(this.directory, { recursive: true, force: true });
	}
}

// What a process that was killed left behind.
function removeAbandoned(parent: string): void {
	for (const name of readdirSync(parent).filter((each) => each.startsWith("scratch-"))) {
		const path = join(parent, name);
		const found = statSync(path, { throwIfNoEntry: false });
		if (found !== undefined && Date.now() - found.mtimeMs > abandonedMs) rmSync(path, { recursive: true, force: true });
	}
}
