import type { BufferState } from "./buffer-state.ts";
import type { Fingerprint } from "./fingerprint.ts";

// An editor tells of its own save a few ms after it, and whoever writes a file may do so in several steps.
const sureMs = 40;
// An editor that reloads what somebody else wrote sends it like typing, and may be one version behind the disk.
const reloadMs = 300;
const mostLately = 16;

/** When a buffer's unsaved changes are in conflict with what somebody else wrote to its file, from what the disk had in turn. */
export class DiskConflict {
	#disk: Fingerprint | undefined;
	#diskSince = Number.NEGATIVE_INFINITY;
	#sureAfterMs = sureMs;
	#wasEdited = false;
	/** What the disk had lately, newest last. */
	#lately: readonly Fingerprint[] = [];
	#accepted: Fingerprint | undefined;

	/** Looks at the buffer and the disk as they are now. */
	see(buffer: BufferState): void {
		if (buffer.disk !== this.#disk) {
			// Only what was there before can have been overlooked by whoever wrote the file.
			this.#sureAfterMs = this.#wasEdited ? sureMs : reloadMs;
			this.#diskSince = performance.now();
			this.#disk = buffer.disk;
			this.#lately = [...this.#lately.slice(1 - mostLately), buffer.disk];
		}
		this.#wasEdited = this.isEdited(buffer);
	}

	/** Whether the person changed the buffer: an editor that reloads a file which is written often shows what the disk had a moment ago. */
	isEdited(buffer: BufferState): boolean {
		return buffer.isUnsaved && !this.#lately.includes(buffer.text);
	}

	/** In how many ms it is sure that the two are in conflict, 0 when it is now; undefined when they are not. */
	sureIn({ foreignChange, disk }: BufferState): number | undefined {
		if (foreignChange === undefined || disk === this.#accepted) return undefined;
		return Math.max(0, this.#diskSince + this.#sureAfterMs - performance.now());
	}

	/** Somebody settled it: what is on disk now is not reported again. */
	accept({ disk }: BufferState): void {
		this.#accepted = disk;
	}

	/** Nothing of what was settled holds for later changes. */
	forget(): void {
		this.#accepted = undefined;
	}
}
