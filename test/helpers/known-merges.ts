import type { Texts } from "../../server/merge/merge.ts";
import { randomOf } from "./random.ts";

/** A generated merge whose right answer is known, since both sides are made from the base by edits. */
export interface KnownMerge extends Texts {
	readonly name: string;
	readonly path: string;
	/** Undefined when no text is right: one side deleted what the other changed, or both changed one word. */
	readonly truth: string | undefined;
}

/** The known merge of this seed and number; the same each time. */
export function knownMerge(seed: number, number: number): KnownMerge {
	const random = randomOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
	const below = (n: number) => Math.floor(random() * n);
	const isList = random() < 0.35;
	const base = isList ? dependencies(below) : statements(below);
	const [ours, theirs] = [script(base, below, "our", isList), script(base, below, "their", isList)];
	const all = merged(ours, theirs);
	const [first, last] = isList ? ["{\n", "}\n"] : ["function f() {\n", "}\n"];
	const text = (edits: ReadonlyMap<number, Edit>) => first + applied(base, edits, isList) + last;
	return {
		name: `UDO_SEED=${seed}, known merge ${number}`,
		path: isList ? "package.json" : "f.js",
		base: Buffer.from(text(new Map())),
		ours: Buffer.from(text(ours)),
		theirs: Buffer.from(text(theirs)),
		truth: all && text(all),
	};
}

interface Edit {
	/** New texts of some words of the line, by number. */
	readonly words?: ReadonlyMap<number, string>;
	readonly isDeleted?: boolean;
	/** A line added behind it. */
	readonly added?: string;
}

type Line = readonly string[];

function statements(below: (n: number) => number): readonly Line[] {
	return Array.from({ length: 3 + below(8) }, (_, at) => [
		`\tname${at}`,
		" = ",
		`call${at}`,
		"(",
		`first${at}`,
		", ",
		`second${at}`,
		", ",
		`third${at}`,
		");\n",
	]);
}

function dependencies(below: (n: number) => number): readonly Line[] {
	return Array.from({ length: 3 + below(8) }, (_, at) => [
		`\t"dep-${String.fromCharCode(98 + 2 * at)}": "`,
		version(below, 1),
		'",\n',
	]);
}

function version(below: (n: number) => number, major: number): string {
	return `${major}.${below(30)}.${below(30)}`;
}

// One to three edits near each other, so that most cases are conflicts for git.
function script(
	base: readonly Line[],
	below: (n: number) => number,
	side: string,
	isList: boolean,
): ReadonlyMap<number, Edit> {
	const edits = new Map<number, Edit>();
	const around = Math.floor(base.length / 2);
	for (let i = below(3); i >= 0; i--) {
		const line = Math.min(base.length - 1, Math.max(0, around + below(4) - 2));
		const kind = below(10);
		if (kind === 0) edits.set(line, { isDeleted: true });
		else if (kind < 3) edits.set(line, { added: added(line, below, side, isList) });
		else if (isList) edits.set(line, { words: new Map([[1, version(below, 2)]]) });
		else edits.set(line, { words: new Map([[2 * below(5), `${line === 0 ? "\t" : ""}${side}${below(1000)}`]]) });
	}
	return edits;
}

function added(line: number, below: (n: number) => number, side: string, isList: boolean): string {
	if (!isList) return `\t${side}(added${below(1000)});\n`;
	return `\t"dep-${String.fromCharCode(98 + 2 * line)}-${side}${below(1000)}": "${version(below, 1)}",\n`;
}

function merged(
	ours: ReadonlyMap<number, Edit>,
	theirs: ReadonlyMap<number, Edit>,
): ReadonlyMap<number, Edit> | undefined {
	const all = new Map(ours);
	for (const [line, their] of theirs) {
		const our = ours.get(line);
		if (our === undefined) {
			all.set(line, their);
			continue;
		}
		if (our.isDeleted && their.isDeleted) continue;
		if (our.isDeleted || their.isDeleted) return undefined;
		const words = new Map(our.words);
		for (const [at, word] of their.words ?? []) {
			const other = words.get(at);
			if (other === undefined || other === word) words.set(at, word);
			else if (/^2\.\d+\.\d+$/.test(word)) words.set(at, larger(word, other));
			else return undefined;
		}
		all.set(line, { words, added: (our.added ?? "") + (their.added ?? "") });
	}
	return all;
}

function larger(one: string, other: string): string {
	return one.localeCompare(other, "en", { numeric: true }) > 0 ? one : other;
}

function applied(base: readonly Line[], edits: ReadonlyMap<number, Edit>, isList: boolean): string {
	const lines = base.map((line, at) => {
		const edit = edits.get(at);
		const text = edit?.isDeleted ? "" : line.map((word, i) => edit?.words?.get(i) ?? word).join("");
		return text + (edit?.added ?? "");
	});
	const text = lines.join("");
	// A list is sorted by its keys.
	const key = (line: string) => line.split(": ")[0] ?? "";
	const bySide = (text.match(/.*\n/g) ?? []).sort((one, other) => (key(one) < key(other) ? -1 : 1));
	return isList ? bySide.join("") : text;
}
