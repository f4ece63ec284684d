import { randomInt } from "node:crypto";

/**
 * Numbers distinct lines 0, 1, 2…, so that texts can be compared by numbers. A hash table over the bytes themselves: with strings
 * in a Map, merging texts of 100,000 lines took 238 ms of CPU instead of 122 ms.
 */
export class Vocabulary {
	#size = 0;
	// Where each line was first seen.
	readonly #texts: Buffer[] = [];
	#starts = new Int32Array(1024);
	#ends = new Int32Array(1024);
	#hashes = new Int32Array(1024);
	// Open addressing, at most half full: a line's number + 1, or 0.
	#slots = new Int32Array(2048);
	// A text must not be able to choose lines that collide.
	readonly #seed = randomInt(2 ** 31);

	/** The number of the line that starts here, and where the next one starts. A line includes its LF. */
	number(text: Buffer, start: number): { readonly id: number; readonly end: number } {
		let hash = this.#seed;
		let end = start;
		while (end < text.length) {
			const byte = text[end++] ?? 0;
			hash = Math.imul(hash ^ byte, 0x01000193);
			hash ^= hash >>> 15;
			if (byte === 10) break;
		}
		const mask = this.#slots.length - 1;
		let slot = hash & mask;
		for (let id = (this.#slots[slot] ?? 0) - 1; id >= 0; id = (this.#slots[slot] ?? 0) - 1) {
			if (this.#hashes[id] === hash && this.#isAt(id, text, start, end)) return { id, end };
			slot = (slot + 1) & mask;
		}
		return { id: this.#add(slot, hash, text, start, end), end };
	}

	#isAt(id: number, text: Buffer, start: number, end: number): boolean {
		const first = this.#texts[id];
		const offset = this.#starts[id] ?? 0;
		if (first === undefined || (this.#ends[id] ?? 0) - offset !== end - start) return false;
		for (let i = end - start - 1; i >= 0; i--) if (first[offset + i] !== text[start + i]) return false;
		return true;
	}

	#add(slot: number, hash: number, text: Buffer, start: number, end: number): number {
		const id = this.#size++;
		if (id === this.#hashes.length) this.#grow();
		this.#texts.push(text);
		this.#starts[id] = start;
		this.#ends[id] = end;
		this.#hashes[id] = hash;
		if (this.#slots.length < 2 * this.#size) this.#rehash();
		else this.#slots[slot] = id + 1;
		return id;
	}

	#grow(): void {
		this.#starts = doubled(this.#starts);
		this.#ends = doubled(this.#ends);
		this.#hashes = doubled(this.#hashes);
	}

	#rehash(): void {
		this.#slots = new Int32Array(2 * this.#slots.length);
		const mask = this.#slots.length - 1;
		for (let id = 0; id < this.#size; id++) {
			let slot = (this.#hashes[id] ?? 0) & mask;
			while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
			this.#slots[slot] = id + 1;
		}
	}
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
	const larger = new Int32Array(2 * array.length);
	larger.set(array);
	return larger;
}
