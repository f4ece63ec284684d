import { type CommitObject, parseCommit } from "./commit-object.ts";
import type { ObjectReader } from "./objects.ts";

/** Reads commits, each of them once. */
export class CommitReader {
	readonly #objects: ObjectReader;
	readonly #read = new Map<string, Promise<CommitObject>>();

	constructor(objects: ObjectReader) {
		this.#objects = objects;
	}

	/** Rejects when there is no such commit. */
	at(id: string): Promise<CommitObject> {
		const known = this.#read.get(id);
		if (known !== undefined) return known;
		const reading = this.#parse(id);
		this.#read.set(id, reading);
		return reading;
	}

	async #parse(id: string): Promise<CommitObject> {
		const object = await this.#objects.read(id);
		if (object?.type !== "commit") throw new Error(`commit ${id} is missing`);
		return parseCommit(object.bytes);
	}
}
