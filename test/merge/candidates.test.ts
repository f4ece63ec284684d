import { describe, expect, test } from "vitest";
import { candidatesFor } from "../../server/merge/candidates.ts";

function candidates(base: string | undefined, ours: string, theirs: string, path = "src/a.ts") {
	const hunk = {
		ours: Buffer.from(ours),
		theirs: Buffer.from(theirs),
		...(base !== undefined && { base: Buffer.from(base) }),
	};
	return candidatesFor(hunk, { path }).map(({ name, text }) => ({ name, text: text.toString() }));
}

describe("candidates for a conflict", () => {
	test("where both added something, both in one order come first, and everything else can be had", () => {
		expect(candidates("", "ours\n", "theirs\n").map(({ text }) => text)).toEqual([
			"ours\ntheirs\n",
			"ours\n",
			"theirs\n",
			"theirs\nours\n",
			"",
		]);
	});

	test("what a rule is sure of comes first in code, under its name, and in prose only as one of many", () => {
		const [base, ours, theirs] = ["version = 1.2.3\n", "version = 1.2.4\n", "version = 1.3.0\n"] as const;

		expect(candidates(base, ours, theirs)[0]).toEqual({ name: "larger version", text: theirs });
		expect(candidates(base, ours, theirs, "README.md").map(({ name }) => name)).not.toContain("larger version");
	});

	test("changes of both sides without a kept word between are offered, though no rule takes them", () => {
		const found = candidates("f(a)\n", "f(a, b)\n", "f(c)\n");

		expect(found).toContainEqual({ name: "both, word by word", text: "f(c, b)\n" });
	});

	test("no text with a bracket too few comes before one that has them all", () => {
		const found = candidates("let a = 1;\n", "let a = foo(1);\n", "let a = bar(1);\n").map(({ text }) => text);
		const isBalanced = found.map((text) => text.split("(").length === text.split(")").length);

		expect(isBalanced).toContain(false);
		expect(isBalanced.lastIndexOf(true), found.join("")).toBeLessThan(isBalanced.indexOf(false));
	});

	test("a base that is a conflict itself, as of several merge bases, is in none", () => {
		const base = "<<<<<<<<< Temporary merge branch 1\nT1\n=========\nO1\n>>>>>>>>> Temporary merge branch 2\n";
		const found = candidates(base, "M1\n", "M2\n");

		expect(found.map(({ name }) => name)).toEqual(["ours", "theirs", "both, ours first", "both, theirs first"]);
		expect(found.map(({ text }) => text).join("")).not.toContain("<<<");
	});

	test("a side that has all lines of the other comes first", () => {
		expect(candidates("a\n", "b\n", "b\nc\n")[0]).toMatchObject({ text: "b\nc\n" });
	});

	test("no text is offered twice, ours and theirs always are, also without a base", () => {
		const found = candidates(undefined, "x\ny\n", "y\nx\n").map(({ text }) => text);

		expect(new Set(found).size).toBe(found.length);
		expect(found).toEqual(expect.arrayContaining(["x\ny\n", "y\nx\n"]));
	});

	test("bytes that are no UTF-8 survive, and no character is cut in two", () => {
		const latin1 = Buffer.from("caf\xe9\n", "latin1");
		const [first] = candidatesFor({ ours: latin1, theirs: Buffer.from("tea\n") }, { path: "a.ts" });
		const cut = candidates("ö=1\n", "ü=1\n", "ö=2\n").map(({ text }) => text);

		expect(first?.text.includes(latin1)).toBe(true);
		expect(cut.join("")).not.toContain("\ufffd");
	});

	test("both in one order end each line as the lines before do", () => {
		const found = candidates(undefined, "x\r\na", "b\r\n").map(({ text }) => text);

		expect(found).toContain("x\r\na\r\nb\r\n");
		expect(found).toContain("b\r\nx\r\na");
	});

	test("very long conflicts get no refined candidates", () => {
		const long = (word: string) => Array.from({ length: 20_000 }, (_, at) => `${word} ${at}\n`).join("");

		expect(candidates(long("base"), long("ours"), long("theirs")).map(({ name }) => name)).toEqual([
			"ours",
			"theirs",
			"both, ours first",
			"both, theirs first",
			"neither: as before",
		]);
	});
});
