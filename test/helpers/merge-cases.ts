import type { Style } from "../../server/merge/refine.ts";

/** A generated three-way merge; the same seed and number give the same case. */
export interface MergeCase {
	readonly name: string;
	readonly base: Buffer;
	readonly ours: Buffer;
	readonly theirs: Buffer;
	readonly style: Style;
}

/** The seed of this run: UDO_SEED, else a new one. Tests print it. */
export function mergeSeed(): number {
	return Number(process.env["UDO_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
}

/** A case of small texts whose lines repeat, edited near each other; every kind of line ending, and bytes that are no UTF-8. */
export function smallCase(seed: number, number: number): MergeCase {
	const random = randomOf(seed, number);
	const below = (n: number) => Math.floor(random() * n);
	// From almost all lines equal to almost all distinct.
	const words = 1 + below(random() < 0.5 ? 6 : 60);
	const length = below(random() < 0.8 ? 16 : 120);
	const word = () => odd[below(words * 8)] ?? `line ${below(words)}`;
	const base = Array.from({ length }, word);
	const edits = below(random() < 0.7 ? 4 : 12);
	const ours = edited(base, edits, word, below);
	// Sometimes both made the same edits, and then some more.
	const theirs = random() < 0.15 ? edited(ours, below(3), word, below) : edited(base, 1 + below(4), word, below);
	const ending = random() < 0.7 ? () => "\n" : random() < 0.5 ? () => "\r\n" : () => (random() < 0.8 ? "\n" : "\r\n");
	const joined = (lines: readonly string[]) => {
		const text = lines.map((line) => line + ending()).join("");
		return Buffer.from(random() < 0.15 ? text.replace(/\r?\n$/, "") : text, "latin1");
	};
	return {
		name: `UDO_SEED=${seed}, case ${number}`,
		base: joined(base),
		ours: joined(ours),
		theirs: joined(theirs),
		style: styles[below(3)] ?? "merge",
	};
}

/** A case of a few thousand lines with hundreds of edits, some blocks of new lines with very frequent ones between: where git's diff has heuristics. */
export function heavyCase(seed: number, number: number): MergeCase {
	const random = randomOf(seed, number);
	const below = (n: number) => Math.floor(random() * n);
	const frequent = 1 + below(20);
	const distinct = 50 + below(3000);
	const share = random() * 0.7;
	let fresh = 0;
	const old = () => (random() < share ? `frequent ${below(frequent)}\n` : `line ${below(distinct)}\n`);
	const word = () => (random() < 0.6 ? `new ${number} ${fresh++}\n` : old());
	const base = Array.from({ length: 200 + below(2500) }, old);
	const edits = () => 1 + below([3, 30, 300, 600][below(4)] ?? 3);
	return {
		name: `UDO_SEED=${seed}, heavy case ${number}`,
		base: Buffer.from(base.join("")),
		ours: Buffer.from(edited(base, edits(), word, below).join("")),
		theirs: Buffer.from(edited(base, edits(), word, below).join("")),
		style: styles[below(3)] ?? "merge",
	};
}

/**
 * A case of blocks of new lines with few very frequent ones between, where a changed line was: git's diff leaves such frequent
 * lines out of its search, so it does not find the shortest edit script.
 */
export function blockCase(seed: number, number: number): MergeCase {
	const random = randomOf(seed, number);
	const below = (n: number) => Math.floor(random() * n);
	const frequent = ["\n", "}\n", "\t}\n"].slice(0, 1 + below(3));
	const common = () => frequent[below(frequent.length)] ?? "\n";
	const base = Array.from({ length: 60 + below(200) }, (_, line) => (random() < 0.6 ? common() : `line ${line}\n`));
	const place = below(base.length);
	let fresh = 0;
	const side = () => {
		const lines = [...base];
		for (let i = below(3); i >= 0; i--) {
			const at = Math.max(0, Math.min(lines.length, place + below(8) - 4));
			const share = random() * 0.2;
			const block = () => Array.from({ length: below(40) }, () => (random() < share ? common() : `new ${fresh++}\n`));
			lines.splice(at, below(6), ...block());
		}
		return Buffer.from(lines.join(""));
	};
	return {
		name: `UDO_SEED=${seed}, block case ${number}`,
		base: Buffer.from(base.join("")),
		ours: side(),
		theirs: side(),
		style: styles[below(3)] ?? "merge",
	};
}

/** A case on a real text: both sides insert, delete, replace and repeat runs of its lines. */
export function sourceCase(seed: number, number: number, source: string): MergeCase {
	const random = randomOf(seed, number);
	const below = (n: number) => Math.floor(random() * n);
	const lines = source.split(/(?<=\n)/);
	const word = () =>
		random() < 0.5 ? `\tconst added${below(1000)} = ${below(1000)};\n` : (lines[below(lines.length)] ?? "\n");
	const many = 1 + below(Math.max(2, Math.ceil(lines.length / 50)));
	return {
		name: `UDO_SEED=${seed}, source case ${number}`,
		base: Buffer.from(source),
		ours: Buffer.from(edited(lines, many, word, below).join("")),
		theirs: Buffer.from(edited(lines, many, word, below).join("")),
		style: styles[below(3)] ?? "merge",
	};
}

const styles = ["merge", "diff3", "zdiff3"] as const;

// Names that JavaScript objects have anyway, markers, bytes that are no UTF-8, lines without letters.
const odd = [
	"",
	"}",
	"constructor",
	"__proto__",
	"<<<<<<< ours",
	"=======",
	">>>>>>> theirs",
	"\xff\xfe\x80",
	"\r",
	"\t",
	"0",
];

function edited(
	lines: readonly string[],
	edits: number,
	word: () => string,
	below: (n: number) => number,
): readonly string[] {
	const result = [...lines];
	for (let i = 0; i < edits; i++) {
		const at = below(result.length + 1);
		const size = 1 + below(below(4) === 0 ? 12 : 3);
		const some = () => Array.from({ length: size }, word);
		const kind = below(6);
		if (kind === 0) result.splice(at, size);
		else if (kind === 1) result.splice(at, 0, ...some());
		else if (kind === 2) result.splice(at, size, ...some());
		else if (kind === 3) result.splice(at, 0, ...result.slice(at, at + size));
		else if (kind === 4) result.splice(below(result.length + 1), 0, ...result.splice(at, size));
		else result.splice(at, 1, word());
	}
	return result;
}

// Mulberry32: small, and good enough to shuffle with.
function randomOf(seed: number, number: number): () => number {
	let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
