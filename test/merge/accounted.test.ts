import { describe, expect, test } from "vitest";
import { isAccountedFor } from "../../server/merge/rules/accounted.ts";
import { settle } from "../../server/merge/rules/settle.ts";

const texts = { base: "a = one(x);\n", ours: "a = two(x);\n", theirs: "a = one(x, y);\n" };

describe("the check of what a rule made", () => {
	test("lets through a text with every change of both sides", () => {
		expect(isAccountedFor(texts, "a = two(x, y);\n")).toBe(true);
	});

	test.each([
		["without what one side added", "a = two(x);\n"],
		["with what one side deleted", "a = one(two(x, y));\n"],
		["with an addition twice", "a = two(x, y, y);\n"],
		["with a word that nobody wrote", "a = two(x, y, z);\n"],
		["with a line twice", "a = two(x, y);\na = two(x, y);\n"],
		["with other white space at the start of a line", "\ta = two(x, y);\n"],
	])("stops a text %s", (_, text) => {
		expect(isAccountedFor(texts, text)).toBe(false);
	});

	test("counts a version as one word", () => {
		const versions = { base: "v2.34.7\n", ours: "v2.35.7\n", theirs: "v2.34.8\n" };

		expect(isAccountedFor(versions, "v2.35.8\n")).toBe(false);
	});

	test("stops a line that both sides added and that is there twice, and lets it through once", () => {
		const both = { base: "x\n", ours: "added\nx\nours\n", theirs: "added\nx\ntheirs\n" };

		expect(isAccountedFor(both, "added\nx\nours\ntheirs\n")).toBe(true);
		expect(isAccountedFor(both, "added\nadded\nx\nours\ntheirs\n")).toBe(false);
	});

	test("does not take what both deleted for two changes", () => {
		expect(isAccountedFor({ base: "f(x, y, z)\n", ours: "f(x)\n", theirs: "f(y)\n" }, "f()\n")).toBe(true);
	});

	test("is made of whatever a rule is sure of", () => {
		const dispute = {
			path: "f.js",
			base: "p(1);\nq(1);\nr(1);\ns(1);\n",
			ours: "same();\np(1);\nq(2);\nr(1);\ns(1);\n",
			theirs: "p(1);\nq(1);\nr(3);\ns(1);\nsame();\n",
			before: "",
			after: "",
		};
		const other = { ...dispute, theirs: dispute.theirs.replace("same", "other") };

		expect(settle(dispute, () => false)).toBeUndefined();
		expect(settle(other, () => false)).toMatchObject({ rule: "adjacent lines" });
	});
});
