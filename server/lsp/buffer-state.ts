import { type Fingerprint, isComparable, noFile } from "./fingerprint.ts";

/** How an open buffer and its file on disk stand to each other. Both are known by their fingerprints only. */
export class BufferState {
	#text: Fingerprint;
	#disk: Fingerprint;
	// What the editor last read or wrote: this text stands for that content of the disk.
	#base: { readonly text: Fingerprint; readonly disk: Fingerprint };

	/** As opened. What cannot be compared (a new file, latin1) is taken for what the editor just read. */
	constructor(text: Fingerprint, disk: Fingerprint) {
		this.#text = text;
		this.#disk = disk;
		this.#base = { text: isComparable(disk) ? disk : text, disk };
	}

	get text(): Fingerprint {
		return this.#text;
	}

	get disk(): Fingerprint {
		return this.#disk;
	}

	/** What the disk had when the buffer showed it the last time. */
	get baseDisk(): Fingerprint {
		return this.#base.disk;
	}

	/** Whether the buffer has changes that are neither on disk nor what was read from it. */
	get isUnsaved(): boolean {
		return this.#text !== this.#disk && this.#text !== this.#base.text;
	}

	/** What somebody else did to the file while the buffer still shows something else. */
	get foreignChange(): "changed" | "deleted" | undefined {
		if (this.#disk === this.#base.disk || this.#text === this.#disk) return undefined;
		return this.#disk === noFile ? "deleted" : "changed";
	}

	/** The editor shows this text now. */
	typed(text: Fingerprint): void {
		this.#text = text;
		this.#meet();
	}

	/** The disk has this content now. */
	found(disk: Fingerprint): void {
		this.#disk = disk;
		this.#meet();
	}

	/** The buffer was given all that the disk has now, beside its own changes. */
	merged(): void {
		this.#base = { text: this.#disk, disk: this.#disk };
	}

	/** The editor wrote: `text` became `disk`, perhaps in another encoding or through a formatter. */
	saved(text: Fingerprint, disk: Fingerprint): void {
		this.#disk = disk;
		this.#base = { text, disk };
	}

	#meet(): void {
		if (this.#text === this.#disk) this.#base = { text: this.#text, disk: this.#disk };
	}
}
