import { describe, expect, test } from "vitest";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeHere, mergeTexts, type Texts } from "../../server/merge/merge.ts";
import type { Style } from "../../server/merge/refine.ts";

describe("what is certain is merged without git", () => {
	test("changes with a line between them merge", () => {
		expect(here(["a", "b", "c"], ["A", "b", "c"], ["a", "b", "C"])).toBe("A\nb\nC\n");
	});

	test("changes on adjacent lines conflict", () => {
		expect(here(["a", "b"], ["A", "b"], ["a", "B"])).toBe("<<<<<<< o\nA\nb\n=======\na\nB\n>>>>>>> t\n");
	});

	test("a change that both sides made is no conflict", () => {
		expect(here(["a", "b", "c", "d"], ["A", "b", "c", "d"], ["A", "b", "c", "D"])).toBe("A\nb\nc\nD\n");
	});

	test("lines that both sides added alike are left out of the conflict", () => {
		const ours = ["start", "one", "two", "three", "four", "ours", "end"];
		const theirs = ["start", "one", "two", "three", "four", "theirs", "end"];

		const merged = here(["start", "end"], ours, theirs);

		expect(merged).toBe("start\none\ntwo\nthree\nfour\n<<<<<<< o\nours\n=======\ntheirs\n>>>>>>> t\nend\n");
	});

	test("the style diff3 shows the base, and the whole of what each side wrote", () => {
		const merged = here(["a", "b", "c"], ["a", "x", "ours", "c"], ["a", "x", "theirs", "c"], "diff3");

		expect(merged).toBe("a\n<<<<<<< o\nx\nours\n||||||| b\nb\n=======\nx\ntheirs\n>>>>>>> t\nc\n");
	});

	test("the style zdiff3 shows the base, without what ours and theirs begin and end with", () => {
		const merged = here(["a", "b", "c"], ["a", "x", "ours", "c"], ["a", "x", "theirs", "c"], "zdiff3");

		expect(merged).toBe("a\nx\n<<<<<<< o\nours\n||||||| b\nb\n=======\ntheirs\n>>>>>>> t\nc\n");
	});

	test("conflicts three lines apart are one, further apart two", () => {
		const between = (lines: string[]) =>
			here(["a", ...lines, "z"], ["A", ...lines, "Z"], ["1", ...lines, "2"])?.match(/^<<<<<<</gm);

		expect(between(["l", "m", "n"])).toHaveLength(1);
		expect(between(["l", "m", "n", "o"])).toHaveLength(2);
		expect(between(["{", "}", "(", ")"])).toHaveLength(1);
	});

	test("conflicts with a change by one side between stay two, however near", () => {
		const merged = here(["a", "b", "c", "d", "e"], ["A", "b", "d", "E"], ["1", "b", "c", "d", "2"]);

		expect(merged?.match(/^<<<<<<</gm)).toHaveLength(2);
	});

	test("a block added between others that end alike goes where git puts it", () => {
		const base = ["f {", "1", "}", "", "g {", "2", "}", ""];
		const ours = ["f {", "1", "}", "", "new {", "3", "}", "", "g {", "2", "}", ""];
		const theirs = ["f {", "1", "}", "", "g {", "TWO", "}", ""];

		expect(here(base, ours, theirs)).toBe(text([...ours.slice(0, 9), "TWO", ...ours.slice(10)]).toString());
	});

	test("markers end in CRLF where the lines around them do", () => {
		const texts = {
			base: Buffer.from("a\r\nb\r\n"),
			ours: Buffer.from("a\r\nours\r\n"),
			theirs: Buffer.from("a\r\ntheirs\r\n"),
		};

		expect(render(texts)).toBe("a\r\n<<<<<<< o\r\nours\r\n=======\r\ntheirs\r\n>>>>>>> t\r\n");
	});

	test("a conflict in an unfinished last line finishes it", () => {
		const texts = { base: Buffer.from("a\nb"), ours: Buffer.from("a\nours"), theirs: Buffer.from("a\ntheirs") };

		expect(render(texts)).toBe("a\n<<<<<<< o\nours\n=======\ntheirs\n>>>>>>> t\n");
	});
});

describe("what is not certain is git's", () => {
	test("a conflict on lines that git may pair in several ways", async () => {
		const base = text(["x", "x", "y"]);
		const merged = await mergeTexts({ base, ours: text(["x", "a", "x"]), theirs: text(["b", "x", "x", "x"]) }, "merge");

		expect(merged.by).toBe("git");
	});

	test("10,000 equal lines", async () => {
		const lines = Array.from({ length: 10_000 }, () => "same");
		const merged = await mergeTexts(
			{ base: text(lines), ours: text(["first", ...lines.slice(30)]), theirs: text([...lines.slice(50), "last"]) },
			"merge",
		);

		expect(merged).toMatchObject({ by: "git" });
		expect(merged.pieces.length).toBeGreaterThan(0);
	});

	test("a million lines", async () => {
		const lines = Array.from({ length: 1_000_000 }, (_, number) => `${number}`);
		const merged = await mergeTexts(
			{ base: text(lines), ours: text(["ours", ...lines]), theirs: text([...lines, "theirs"]) },
			"merge",
		);

		expect(merged).toMatchObject({ by: "git", conflicts: 0 });
		expect(renderPieces(merged.pieces, "merge", labels).text.equals(text(["ours", ...lines, "theirs"]))).toBe(true);
	});

	test("text that looks like git's markers stays text", async () => {
		const fake = ["<<<<<<< ours", "<<<<<<<< ours", "========", ">>>>>>>> theirs"];
		const texts = {
			base: text([...fake, "x", "x", "y"]),
			ours: text([...fake, "x", "a", "x"]),
			theirs: text([...fake, "b", "x", "x", "x"]),
		};
		const merged = await mergeTexts(texts, "merge");

		expect(merged.by).toBe("git");
		expect(merged.pieces[0]).toMatchObject({ kind: "clean" });
		expect(renderPieces(merged.pieces, "merge", labels).text.toString().startsWith(text(fake).toString())).toBe(true);
	});
});

const labels = { ours: "o", base: "b", theirs: "t" };

function here(base: string[], ours: string[], theirs: string[], style: Style = "merge"): string | undefined {
	return render({ base: text(base), ours: text(ours), theirs: text(theirs) }, style);
}

function render(texts: Texts, style: Style = "merge"): string | undefined {
	const pieces = mergeHere(texts, style);
	return pieces && renderPieces(pieces, style, labels).text.toString();
}

function text(lines: readonly string[]): Buffer {
	return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}
