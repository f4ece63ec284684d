import type { BufferState } from "./buffer-state.ts";
import { asWritten } from "./disk-spelling.ts";
import { type DiskContent, type Fingerprint, fingerprintOf } from "./fingerprint.ts";
import type { ClashTexts } from "./merge-attempt.ts";

/** The texts that an `EditClash` is about: the buffer's, what it started from, and what is on disk now. */
export class BufferTexts {
	readonly #text: () => string;
	readonly #contents = new Map<Fingerprint, Buffer>();

	/** `text` is asked for the text of the buffer now. */
	constructor(text: () => string) {
		this.#text = text;
	}

	/** The disk had this content just now. */
	read({ fingerprint, bytes }: DiskContent): void {
		if (bytes !== undefined) this.#contents.set(fingerprint, bytes);
	}

	/** Forgets all contents that do not matter any more. */
	keepOnly({ disk, baseDisk }: BufferState): void {
		for (const fingerprint of this.#contents.keys()) {
			if (fingerprint !== disk && fingerprint !== baseDisk) this.#contents.delete(fingerprint);
		}
	}

	/** The text of the buffer as its editor would write it. */
	written({ baseDisk }: BufferState): Buffer {
		return asWritten(this.#text(), this.#contents.get(baseDisk));
	}

	/** The three sides of a merge with what is on disk. */
	of(buffer: BufferState): ClashTexts {
		return {
			base: this.#contents.get(buffer.baseDisk),
			ours: this.written(buffer),
			theirs: this.#contents.get(buffer.disk),
		};
	}

	/** Tells two states of the buffer and its file apart. */
	fingerprint({ disk }: BufferState): string {
		return `${fingerprintOf(this.#text())} ${disk}`;
	}
}
