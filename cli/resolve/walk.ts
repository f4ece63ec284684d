import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import type { Output } from "../output.ts";
import { type Choice, forIdentical } from "./choice.ts";
import { type Editing, edited } from "./editor.ts";
import { type OpenHunk, type Reading, readHunks } from "./hunks.ts";
import { Keys } from "./keys.ts";
import { settle } from "./settle.ts";
import { count, describeHunk } from "./show.ts";
import type { Target } from "./target.ts";
import { choiceOfKey, helpLines, hunkKeys } from "./walk-keys.ts";
import type { WholeChoice } from "./whole.ts";

/** What a walk comes by, in order. */
export type WalkItem =
	| { readonly kind: "text"; readonly target: Target }
	/** Only one side or the other; or, without sides, only to be taken as it is. */
	| {
			readonly kind: "whole";
			readonly path: string;
			readonly what: string;
			readonly sides: readonly WholeChoice[];
			take(side: WholeChoice): Promise<void>;
			undo(): Promise<unknown>;
	  };

export interface WalkTools {
	readonly output: Output;
	readonly editing: Editing;
}

/** Goes through conflicts one after the other and does at once what each key says. Answers whether it came to the end. */
export async function walk(items: readonly WalkItem[], tools: WalkTools): Promise<"done" | "quit"> {
	using keys = new Keys(process.stdin);
	return await new Walk(items, tools, keys).run();
}

// What only a key that was pressed can lead to, and does not end the walk.
const passing: ReadonlySet<string> = new Set([
	"changed_meanwhile",
	"held",
	"unwritable",
	"path_elsewhere",
	"path_taken",
]);

interface Done {
	readonly items: readonly number[];
	readonly at: number;
	readonly hunk: number;
	readonly what: string;
}

class Walk {
	readonly #items: readonly WalkItem[];
	readonly #tools: WalkTools;
	readonly #keys: Keys;
	readonly #done: Done[] = [];
	/** Where it is: the item, and how many of its conflicts were left open before this one. */
	#at = 0;
	#hunk = 0;

	constructor(items: readonly WalkItem[], tools: WalkTools, keys: Keys) {
		this.#items = items;
		this.#tools = tools;
		this.#keys = keys;
	}

	async run(): Promise<"done" | "quit"> {
		for (;;) {
			const item = this.#items[this.#at];
			if (item === undefined) return "done";
			try {
				const answer = item.kind === "text" ? await this.#text(item.target) : await this.#whole(item);
				if (answer === "quit") return "quit";
			} catch (error) {
				// What is settled stays so; this one is looked at again.
				if (!(error instanceof UdoError) || !passing.has(error.code)) throw error;
				this.#say([`${error.message}${error.why === undefined ? "" : `: ${error.why}`}`, "looking again"]);
			}
		}
	}

	async #text(target: Target): Promise<"quit" | undefined> {
		const reading = await read(target);
		const hunk = reading.hunks[this.#hunk];
		if (hunk === undefined) {
			this.#tellStray(target, reading);
			return this.#next();
		}
		const alike = await this.#identical(hunk);
		this.#say(["", ...(await describeHunk(this.#tools.output, target, reading, hunk))]);
		for (let forAll = false; ; ) {
			const key = await this.#ask(hunkKeys(hunk, alike.count, forAll));
			switch (key) {
				case undefined:
				case "q":
					return "quit";
				case "s":
					this.#hunk += 1;
					return;
				case "u":
					if (await this.#undo()) return;
					continue;
				case "a":
					forAll = !forAll && alike.count > 1;
					continue;
				case "e": {
					const text = await this.#edit(hunk, target);
					if (text === undefined) continue;
					return this.#settle(target, reading, hunk, { kind: "text", text, from: "edited" }, forAll);
				}
				default: {
					const choice = choiceOfKey(key, hunk);
					if (choice === undefined) this.#say(helpLines(hunk, alike.count, target.owners));
					else return this.#settle(target, reading, hunk, choice, forAll);
				}
			}
		}
	}

	async #settle(target: Target, reading: Reading, hunk: OpenHunk, choice: Choice, forAll: boolean): Promise<undefined> {
		const mine = forAll ? reading.hunks.filter(({ name }) => name === hunk.name) : [hunk];
		const [at, place] = [this.#at, this.#hunk];
		const items = [at];
		const same = forAll ? forIdentical(choice, hunk) : choice;
		const left = await settle(target, reading, mine, same);
		this.#tell(target, mine.length, left);
		if (forAll) {
			for (const [i, item] of this.#items.entries()) {
				if (item.kind !== "text" || i === at) continue;
				const its = await read(item.target);
				const alike = its.hunks.filter(({ name }) => name === hunk.name);
				if (alike.length === 0) continue;
				this.#tell(item.target, alike.length, await settle(item.target, its, alike, same));
				items.push(i);
			}
		}
		this.#done.push({ items, at, hunk: place, what: choice.kind === "text" ? choice.from : choice.kind });
		// Identical ones before this one were skipped, and are settled now.
		this.#hunk -= mine.filter(({ number }) => number < hunk.number).length;
	}

	async #whole(item: Extract<WalkItem, { kind: "whole" }>): Promise<"quit" | undefined> {
		this.#say(["", this.#tools.output.bold(`${showText(item.path)}: ${item.what}`)]);
		const keys = { ours: "o ours", theirs: "t theirs", "as it is": "y stage it as it is" };
		for (;;) {
			const key = await this.#ask([...item.sides.map((side) => keys[side]), "s skip", "u undo", "q quit"].join(" · "));
			const side = item.sides.find((each) => keys[each][0] === key);
			if (key === undefined || key === "q") return "quit";
			if (key === "s") return this.#next();
			if (key === "u" && (await this.#undo())) return;
			if (side === undefined) continue;
			await item.take(side);
			this.#say([`${showText(item.path)}: ${side}, staged`]);
			this.#done.push({ items: [this.#at], at: this.#at, hunk: 0, what: side });
			return this.#next();
		}
	}

	#next(): undefined {
		this.#at += 1;
		this.#hunk = 0;
	}

	async #undo(): Promise<boolean> {
		const last = this.#done.at(-1);
		if (last === undefined) {
			this.#say(["nothing was done yet in this walk; udo resolve --undo takes back what was done before"]);
			return false;
		}
		for (const i of last.items) {
			const item = this.#items[i];
			await (item?.kind === "text" ? item.target.undo() : item?.undo());
		}
		this.#done.pop();
		this.#at = last.at;
		this.#hunk = last.hunk;
		this.#say([`undone: ${last.what}`]);
		return true;
	}

	async #identical({ name }: OpenHunk): Promise<{ readonly count: number }> {
		let found = 0;
		for (const item of this.#items) {
			if (item.kind !== "text") continue;
			found += (await read(item.target)).hunks.filter((each) => each.name === name).length;
		}
		return { count: found };
	}

	async #edit(hunk: OpenHunk, target: Target): Promise<Buffer | undefined> {
		const text = await this.#keys.lend(() => edited(hunk.text, target.path, this.#tools.editing));
		if (text === undefined || text.equals(hunk.text)) {
			this.#say(["not changed, so nothing is settled"]);
			return undefined;
		}
		const { hunks } = await readHunks({ ...target, read: async () => text });
		if (hunks.length === 0) return text;
		this.#say(["the markers are still in it, so nothing is settled"]);
		return undefined;
	}

	#tell({ path }: Target, settled: number, left: Reading): void {
		const rest = left.hunks.length === 0 && left.stray.length === 0 ? "all settled" : `${left.hunks.length} left`;
		this.#say([`${showText(path)}: ${count(settled)} settled, ${rest}`]);
	}

	#tellStray({ path }: Target, { stray }: Reading): void {
		if (stray.length === 0) return;
		const lines = stray.map(({ line }) => line).join(", ");
		this.#say([`${showText(path)}: markers that cannot be read at line ${lines}: edit the file, then git add it`]);
	}

	async #ask(question: string): Promise<string | undefined> {
		const { output } = this.#tools;
		for (;;) {
			output.prompt(output.bold(question));
			const key = await this.#keys.next();
			// Stopped, and here again: the question is no longer to be seen.
			const isAgain = key === "\u001a";
			output.say([key === undefined || isAgain ? "" : showText(key)]);
			if (!isAgain) return key;
		}
	}

	#say(lines: readonly string[]): void {
		this.#tools.output.say(lines);
	}
}

function read(target: Target): Promise<Reading> {
	const { path, texts, markerSize } = target;
	return readHunks({ path, texts, markerSize, read: () => target.read() });
}
