import { describe, expect, test } from "vitest";
import { parseOutcome, parseRecord } from "../../server/coordination/push/stored.ts";

const id = "1".repeat(40);
const landed = {
	kind: "landed",
	tip: id,
	after: id,
	commits: [{ from: id, to: id }, { from: id }],
	batch: 2,
	from: { host: "east", gitDirectory: "/repo/.git", pack: { name: "abc123", since: id } },
};

describe("what others stored about a push", () => {
	test.each([
		landed,
		{ kind: "nothing" },
		{ kind: "conflict", commit: id, paths: ["a.ts"], onto: id },
		{ kind: "missing" },
		{ kind: "refused", words: "no" },
		{ kind: "outrun", tries: 5 },
	])("is an outcome when it has all of one: $kind", (outcome) => {
		expect(parseOutcome(JSON.stringify(outcome))).toEqual(outcome);
	});

	test.each([
		undefined,
		"",
		"[]",
		"null",
		'{"kind":"other"}',
		JSON.stringify({ ...landed, tip: "--upload-pack=x" }),
		JSON.stringify({ ...landed, commits: [{ from: "HEAD" }] }),
		JSON.stringify({ ...landed, from: { host: "east", gitDirectory: "a\0b" } }),
		JSON.stringify({ ...landed, from: { ...landed.from, pack: { name: "../x", since: id } } }),
		'{"kind":"conflict","commit":"x","paths":[],"onto":"x"}',
	])("is nothing otherwise: %j", (text) => {
		expect(parseOutcome(text)).toBeUndefined();
	});

	test("is a record without what is not part of one", () => {
		const empty = { taken: [], attempts: [], alone: [], tookMs: 0, told: [] };
		const attempt = { tip: id, outcomes: { "push-1": landed } };
		const stored = {
			taken: ["a", 1],
			attempts: [attempt, { tip: id }],
			alone: "all",
			tookMs: "long",
			told: [{ at: 1 }],
		};

		expect(parseRecord("nonsense")).toEqual(empty);
		expect(parseRecord(JSON.stringify(stored))).toEqual({ ...empty, taken: ["a"], attempts: [attempt] });
	});
});
