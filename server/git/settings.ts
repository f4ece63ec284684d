import type { Plumbing } from "./plumbing.ts";

/** git's settings as they are in effect here; section and last word of a key in lower case, the last value counts. */
export class Settings {
	readonly #values: ReadonlyMap<string, readonly string[]>;

	private constructor(values: ReadonlyMap<string, readonly string[]>) {
		this.#values = values;
	}

	static async read(git: Plumbing): Promise<Settings> {
		const values = new Map<string, string[]>();
		for (const entry of (await git.read(["config", "-z", "--list"])).split("\0").filter(Boolean)) {
			const end = entry.indexOf("\n");
			const key = end === -1 ? entry : entry.slice(0, end);
			// A key without a value is a true one.
			values.set(key, [...(values.get(key) ?? []), end === -1 ? "true" : entry.slice(end + 1)]);
		}
		return new Settings(values);
	}

	get(key: string): string | undefined {
		return this.#values.get(key)?.at(-1);
	}

	all(key: string): readonly string[] {
		return this.#values.get(key) ?? [];
	}

	isTrue(key: string): boolean {
		return /^(true|yes|on|[1-9]\d*)$/i.test(this.get(key) ?? "");
	}

	keys(): readonly string[] {
		return [...this.#values.keys()];
	}
}
