import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";
import { parseMarked } from "../../server/merge/marked-text.ts";
import type { Output } from "../output.ts";
import type { Choice } from "./choice.ts";
import { type Editing, edited } from "./editor.ts";
import { type OpenHunk, type Reading, readHunks } from "./hunks.ts";
import { Keys } from "./keys.ts";
import { settle } from "./settle.ts";
import { count, describeHunk, others } from "./show.ts";
import type { Target } from "./target.ts";
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
				if (!(error instanceof UdoError) || error.code !== "changed_meanwhile") throw error;
				this.#say([`${error.message}; looking again`]);
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
					if (choice === undefined) this.#say(helpLines(hunk, alike.count));
					else return this.#settle(target, reading, hunk, choice, forAll);
				}
			}
		}
	}

	async #settle(target: Target, reading: Reading, hunk: OpenHunk, choice: Choice, forAll: boolean): Promise<undefined> {
		const mine = forAll ? reading.hunks.filter(({ sameness }) => sameness === hunk.sameness) : [hunk];
		const [at, place] = [this.#at, this.#hunk];
		const items = [at];
		const left = await settle(target, reading, mine, choice);
		this.#tell(target, mine.length, left);
		if (forAll) {
			for (const [i, item] of this.#items.entries()) {
				if (item.kind !== "text" || i === at) continue;
				const its = await read(item.target);
				const same = its.hunks.filter(({ sameness }) => sameness === hunk.sameness);
				if (same.length === 0) continue;
				this.#tell(item.target, same.length, await settle(item.target, its, same, choice));
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

	async #identical({ sameness }: OpenHunk): Promise<{ readonly count: number }> {
		let found = 0;
		for (const item of this.#items) {
			if (item.kind !== "text") continue;
			found += (await read(item.target)).hunks.filter((each) => each.sameness === sameness).length;
		}
		return { count: found };
	}

	async #edit(hunk: OpenHunk, { path, markerSize }: Target): Promise<Buffer | undefined> {
		const text = await this.#keys.lend(() => edited(hunk.text, path, this.#tools.editing));
		if (text === undefined || text.equals(hunk.text)) {
			this.#say(["not changed, so nothing is settled"]);
			return undefined;
		}
		if (parseMarked(text, markerSize).every(({ kind }) => kind === "text")) return text;
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
		process.stdout.write(`${this.#tools.output.bold(`${question} `)}`);
		const key = await this.#keys.next();
		process.stdout.write(`${key === undefined ? "" : showText(key)}\n`);
		return key;
	}

	#say(lines: readonly string[]): void {
		for (const line of lines) process.stdout.write(`${line}\n`);
	}
}

function read(target: Target): Promise<Reading> {
	const { path, texts, markerSize } = target;
	return readHunks({ path, texts, markerSize, read: () => target.read() });
}

function choiceOfKey(key: string, { candidates, isAmbiguous }: OpenHunk): Choice | undefined {
	if (isAmbiguous) return undefined;
	if (key === "o") return { kind: "ours" };
	if (key === "t") return { kind: "theirs" };
	if (key === "b") return { kind: "both" };
	if (key === "B") return { kind: "both, theirs first" };
	const number = /^[1-9]$/.test(key) ? Number(key) : 0;
	return candidates[number - 1] === undefined ? undefined : { kind: "candidate", number };
}

function hunkKeys(hunk: OpenHunk, identical: number, forAll: boolean): string {
	const numbers = others(hunk).map(({ number }) => number);
	const choices = hunk.isAmbiguous
		? ["e edit"]
		: [
				"o ours",
				"t theirs",
				"b both (B theirs first)",
				...(numbers.length > 0 ? [`${numbers.join("/")} candidates`] : []),
				"e edit",
			];
	const all = identical > 1 && !forAll ? [`a all ${identical} identical`] : [];
	return `${forAll ? `for all ${identical}: ` : ""}${[...choices, ...all, "s skip", "u undo", "q quit", "? help"].join(" · ")}`;
}

function helpLines(hunk: OpenHunk, identical: number): readonly string[] {
	return [
		"o  ours: what is on the branch you are on (in a rebase: what you rebase onto)",
		"t  theirs: what is merged, picked or replayed",
		"b  both, ours first; B both, theirs first",
		...others(hunk).map(({ name, number }) => `${number}  ${showText(name)}`),
		"e  edit this conflict in your editor",
		...(identical > 1
			? [`a  then one of the above: the same for all ${identical} conflicts with these very sides`]
			: []),
		"s  skip it for now",
		"u  undo the last choice, byte for byte",
		"q  quit; what was settled stays so",
	];
}
